"""Image folders: the batches do not depend on the disk, the workers or broken files."""

from __future__ import annotations

import os
import threading
import time
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dissectory.analysis.run import Skipped
from dissectory.analysis.subjects import images
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.images import ImageFolder, ViewBatch
from dissectory.analysis.subjects.pictures import read_picture
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GEOMETRY = Geometry(8, 10)
PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]


def save(folder: Path, path: str, color: int = 0, size: tuple[int, int] = (12, 9)) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (color, 255 - color, 0)).save(folder / path)


def truncate(folder: Path, path: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / path)
    (folder / path).write_bytes((folder / path).read_bytes()[:2000])


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """Make ten images, of which 1, 6, 7 and 8 are broken; the red value of each is its number."""
    for number in reversed(range(10)):
        save(tmp_path, f"{number}.png", number, (12 + number, 9))
    for number in (1, 6, 7, 8):
        (tmp_path / f"{number}.png").write_bytes(b"broken")
    return tmp_path


def test_images_are_in_the_order_of_their_paths(tmp_path: Path) -> None:
    for path in ("b/2.jpg", "a.PNG", "b/10.jpeg", "B/1.webp", "c/d/e.tiff", "b.bmp", "é.gif", "b-c/1.TIF"):
        save(tmp_path, path)
    folder = ImageFolder(tmp_path, GEOMETRY)
    assert folder.paths == (
        "B/1.webp", "a.PNG", "b-c/1.TIF", "b.bmp", "b/10.jpeg", "b/2.jpg", "c/d/e.tiff", "é.gif",
    )  # fmt: skip
    assert len(folder) == 8


def test_the_order_on_disk_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("b/1.png", "a/1.png", "a/0.png", "c.png"):
        save(tmp_path, path)
    once = ImageFolder(tmp_path, GEOMETRY).paths
    listed = os.scandir

    class Reversed:
        def __init__(self, folder: Path) -> None:
            with listed(folder) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", Reversed)
    assert ImageFolder(tmp_path, GEOMETRY).paths == once


def test_hidden_files_and_other_files_are_ignored(tmp_path: Path) -> None:
    for path in (".hidden.png", ".thumbnails/a.png", "a/._b.png", "a/b.png"):
        save(tmp_path, path)
    (tmp_path / "labels.csv").write_text("index,name")
    (tmp_path / "png").write_text("")
    assert ImageFolder(tmp_path, GEOMETRY).paths == ("a/b.png",)


def test_classes_are_the_top_subfolders(tmp_path: Path) -> None:
    for path in ("sea/far/1.png", "forest/2.png", "sea/3.png", "4.png"):
        save(tmp_path, path)
    (tmp_path / "empty").mkdir()
    folder = ImageFolder(tmp_path, GEOMETRY)
    assert folder.paths == ("4.png", "forest/2.png", "sea/3.png", "sea/far/1.png")
    assert folder.classes == ("forest", "sea")
    assert [folder.class_of(image) for image in range(4)] == [None, "forest", "sea", "sea"]
    plain = ImageFolder(tmp_path, GEOMETRY, "none")
    assert plain.paths == folder.paths
    assert plain.classes == ()
    assert [plain.class_of(image) for image in range(4)] == [None] * 4


def test_class_names_may_hold_any_characters(tmp_path: Path) -> None:
    for name in ("<script>", "a'b\"c", "🙂", "a&b"):
        save(tmp_path, f"{name}/1.png")
    assert ImageFolder(tmp_path, GEOMETRY).classes == ("<script>", "a&b", "a'b\"c", "🙂")


def test_a_name_that_is_not_utf_8_becomes_text(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    try:
        (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    except OSError:
        pytest.skip("the file system takes UTF-8 names alone")
    folder = ImageFolder(tmp_path, GEOMETRY)
    assert folder.paths == (r"caf\udce9.png",)
    assert folder.view(0).shape == (8, 8, 3)


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    save(tmp_path, "elsewhere/1.png")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "sea").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "photos" / "all").symlink_to(tmp_path / "photos")
    assert ImageFolder(tmp_path / "photos", GEOMETRY).paths == ("sea/1.png",)


def test_a_missing_folder_a_file_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImagesError, match="photos, which does not exist"):
        ImageFolder(tmp_path / "photos", GEOMETRY)
    with pytest.raises(ImagesError, match=r"and its subfolders contain no images \(file types: bmp, gif, jpeg, jpg"):
        ImageFolder(tmp_path, GEOMETRY)
    save(tmp_path, "a.png")
    with pytest.raises(ImagesError, match=r"a.png, which is a file; it must be a folder"):
        ImageFolder(tmp_path / "a.png", GEOMETRY)


def test_errors_name_the_key_of_the_folder(tmp_path: Path) -> None:
    for folder in (tmp_path / "photos", tmp_path):
        for key in ("images.folder", "texture.folder"):
            with pytest.raises(ImagesError, match=f"^{key}"):
                ImageFolder(folder, GEOMETRY, key=key)
    save(tmp_path, "a.png")
    with pytest.raises(ImagesError, match=r"^texture\.folder names .*a\.png, which is a file"):
        ImageFolder(tmp_path / "a.png", GEOMETRY, "none", "texture.folder")
    told = str(ImageFolder(tmp_path, GEOMETRY, "none", "texture.folder").nothing_readable(()))
    assert told == f"texture.folder: none of the 1 images in {tmp_path} can be decoded"


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize(
    "groups",
    [
        [range(10)],
        [(3, 9), (0, 1, 4), (6, 7, 8), (2, 5)],
        [[number] for number in reversed(range(10))],
        [range(9, 3, -2)],
    ],
    ids=["all at once", "in any order", "one by one", "some"],
)
def test_batches_contain_the_requested_images(ten: Path, groups: list[Sequence[int]], workers: int) -> None:
    made = list(ImageFolder(ten, GEOMETRY).batches(groups, workers))
    broken = {1, 6, 7, 8}
    assert [list(batch.images) for batch in made] == [[n for n in group if n not in broken] for group in groups]
    assert [list(batch.skipped) for batch in made] == [[n for n in group if n in broken] for group in groups]
    for batch in made:
        assert batch.views.shape == (len(batch), 8, 8, 3)
        assert batch.views.dtype == np.uint8
        assert batch.paths == tuple(f"{image}.png" for image in batch.images)
        assert batch.sizes == tuple((12 + image, 9) for image in batch.images)
        assert batch.views[:, 0, 0, 0].tolist() == list(batch.images)
        for image, skipped in batch.skipped.items():
            assert skipped == Skipped(f"{image}.png", "it is not an image of a known format")


def test_a_view_equals_the_view_in_its_batch(ten: Path) -> None:
    folder = ImageFolder(ten, GEOMETRY)
    (made,) = folder.batches([range(10)])
    for place, image in enumerate(made.images):
        np.testing.assert_array_equal(folder.view(image), made.views[place])
    with pytest.raises(ImagesError, match=r"6.png cannot be decoded: it is not an image"):
        folder.view(6)


def test_sizes_equal_the_sizes_in_the_batches(ten: Path) -> None:
    folder = ImageFolder(ten, GEOMETRY)
    (made,) = folder.batches([range(10)])
    assert tuple(folder.size_of(image) for image in made.images) == made.sizes
    assert {folder.size_of(image) for image in {*range(10)} - {*made.images}} == {None}


def test_a_truncated_jpeg_is_skipped_and_named(tmp_path: Path) -> None:
    save(tmp_path, "a.jpg")
    truncate(tmp_path, "b.jpg")
    (made,) = ImageFolder(tmp_path, GEOMETRY).batches([(0, 1)], 2)
    assert made.paths == ("a.jpg",)
    assert made.skipped[1].path == "b.jpg"
    assert "truncated" in made.skipped[1].reason


def test_a_folder_of_broken_files_gives_empty_batches_and_an_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        truncate(tmp_path, name)
    folder = ImageFolder(tmp_path, GEOMETRY)
    made = list(folder.batches([(0,), (1,)]))
    assert [len(batch) for batch in made] == [0, 0]
    told = str(folder.nothing_readable([skipped for batch in made for skipped in batch.skipped.values()]))
    assert told.startswith(f"images.folder: none of the 2 images in {tmp_path} can be decoded; the first is a.jpg: ")


def decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_batches_closed_early_leave_no_thread(ten: Path) -> None:
    batches = ImageFolder(ten, GEOMETRY).batches(PAIRS, 3)
    next(batches)
    assert decoders()
    batches.close()
    assert not decoders()


def test_other_errors_are_raised(ten: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Path) -> None:
        raise MemoryError

    monkeypatch.setattr(images, "read_picture", fail)
    with pytest.raises(MemoryError):
        list(ImageFolder(ten, GEOMETRY).batches(PAIRS, 2))
    assert not decoders()


def test_files_are_decoded_one_batch_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        save(tmp_path, f"{number:02}.png", number)
    read: list[Path] = []
    original = read_picture

    def count(path: Path) -> Image.Image:
        read.append(path)
        return original(path)

    monkeypatch.setattr(images, "read_picture", count)
    batches = ImageFolder(tmp_path, GEOMETRY).batches([range(n, n + 4) for n in range(0, 40, 4)], 2)
    for number, _ in enumerate(islice(batches, 3), start=1):
        deadline = time.monotonic() + 10
        ahead = 4 * number + 4  # what the batch took, and the next batch
        while len(read) < ahead and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(read) == ahead
    batches.close()


def test_a_hash_does_not_depend_on_workers(ten: Path) -> None:
    folder = ImageFolder(ten, GEOMETRY)
    assert folder.digest(1) == folder.digest(3)


def test_a_batch_knows_its_length() -> None:
    assert len(ViewBatch((3, 4), ("a", "b"), np.zeros((2, 8, 8, 3), np.uint8), ((1, 1), (2, 2)))) == 2
