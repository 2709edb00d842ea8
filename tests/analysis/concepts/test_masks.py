from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from dissectory.analysis.concepts.labels import read_labels
from dissectory.analysis.concepts.masks import Masks
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dissectory.analysis.subjects.images import ViewBatch

    Batch = Callable[..., ViewBatch]

GEOMETRY = Geometry(size=16, resize=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text(
        "index,name,category\n0,sky,object\n2,wood,material\n300,far,object\n9,?,void\n"
    )
    return tmp_path


@pytest.fixture
def masks(folder: Path) -> Masks:
    return Masks(folder, read_labels(folder / "labels.csv", "m"), GEOMETRY, 8)


@pytest.fixture
def one(batch_of: Batch) -> Callable[..., ViewBatch]:
    """A batch of one image of the given size; label maps do not depend on its view."""

    def make(size: tuple[int, int], path: str = "a.jpg") -> ViewBatch:
        return batch_of(np.zeros((1, 16, 16, 3)), [path], sizes=(size,))

    return make


def square(_image: int) -> tuple[int, int]:
    """The size that most images of these tests have."""
    return 20, 20


def expected(indices: np.ndarray[Any, Any], grid: int = 8) -> list[list[int]]:
    """Look up every grid position at its own pixel."""
    height, width = indices.shape
    rows, columns = GEOMETRY.points(width, height, grid)
    number = {0: 1, 2: 2, 300: 3}
    return [[number.get(int(indices[row, column]), 0) for column in columns] for row in rows]


@pytest.mark.parametrize("size", [(40, 30), (17, 33), (16, 16)])
@pytest.mark.parametrize("kind", ["8-bit", "16-bit", "palette", "4-bit palette", "1-bit"])
def test_every_kind_of_label_map(masks: Masks, one: Batch, folder: Path, kind: str, size: tuple[int, int]) -> None:
    known = {"1-bit": [0, 1], "16-bit": [0, 2, 9, 255, 300, 65_535]}.get(kind, [0, 2, 5, 9])
    indices = np.random.default_rng(0).choice(known, size[::-1])
    if kind == "16-bit":
        picture = Image.fromarray(indices.astype(np.uint16))
    elif kind == "1-bit":
        picture = Image.fromarray(indices.astype(bool))
    else:
        picture = Image.fromarray(indices.astype(np.uint8))
        if "palette" in kind:
            picture.putpalette([7, 7, 7] * 16)  # all indices have the same color
    options: dict[str, Any] = {"bits": 4} if kind == "4-bit palette" else {}
    picture.save(folder / "a.png", **options)
    labels = masks.label(one(size), ())
    assert labels.dtype == np.uint16
    assert labels.shape == (1, 1, 8, 8)
    assert labels[0, 0].tolist() == expected(indices)
    masks.check(["a.jpg"], lambda _: size)


def test_the_images_own_path_comes_first(masks: Masks, one: Batch, folder: Path) -> None:
    (folder / "train").mkdir()
    Image.new("L", (20, 20), 0).save(folder / "a.png")
    assert masks.label(one((20, 20), "train/a.jpg"), ())[0, 0].max() == 1
    Image.new("L", (20, 20), 2).save(folder / "train" / "a.png")
    assert masks.label(one((20, 20), "train/a.jpg"), ())[0, 0].min() == 2


def test_only_the_last_suffix_is_removed(masks: Masks, one: Batch, folder: Path) -> None:
    Image.new("L", (20, 20), 2).save(folder / "a.b.png")
    assert masks.label(one((20, 20), "a.b.jpeg"), ()).min() == 2


def test_a_batch_of_several_sizes(masks: Masks, batch_of: Batch, folder: Path) -> None:
    Image.new("L", (20, 30), 0).save(folder / "a.png")
    Image.new("L", (50, 20), 2).save(folder / "b.png")
    batch = batch_of(np.zeros((2, 16, 16, 3)), ["a.jpg", "b.jpg"], sizes=((20, 30), (50, 20)))
    assert masks.label(batch, ()).reshape(2, -1).tolist() == [[1] * 64, [2] * 64]


def test_a_label_map_must_have_the_size_of_its_image(masks: Masks, one: Batch, folder: Path) -> None:
    Image.new("L", (20, 30)).save(folder / "a.png")
    with pytest.raises(ConceptsError, match=re.escape("(label map 20 x 30 pixels, image 30 x 20)")):
        masks.label(one((30, 20)), ())


def test_check_finds_a_label_map_of_the_wrong_size(masks: Masks, folder: Path) -> None:
    Image.new("L", (20, 30)).save(folder / "a.png")
    Image.new("L", (30, 20)).save(folder / "b.png")
    sizes = [(20, 30), (300, 200)]
    with pytest.raises(ConceptsError, match=re.escape("(label map 30 x 20 pixels, image 300 x 200)")):
        masks.check(["a.jpg", "b.jpg"], sizes.__getitem__)


def test_images_that_cannot_be_decoded_need_no_label_map(masks: Masks, folder: Path) -> None:
    Image.new("L", (20, 20)).save(folder / "a.png")
    sizes = [(20, 20), None, None]
    masks.check(["a.jpg", "broken.jpg", "x/a.jpg"], sizes.__getitem__)


def test_missing_label_maps_are_named(masks: Masks, one: Batch, folder: Path) -> None:
    Image.new("L", (20, 20)).save(folder / "a.png")
    masks.check(["a.jpg"], square)
    with pytest.raises(
        ConceptsError,
        match=r"for 'x/0\.jpg', 'x/1\.jpg', .*'x/4\.jpg' and 2 more; add the missing PNG files, for example .*x/0\.png",
    ):
        masks.check(["a.jpg", *(f"x/{number}.jpg" for number in range(7))], square)
    with pytest.raises(ConceptsError, match=r"for 'b\.jpg'; add the missing PNG files, for example .*b\.png"):
        masks.label(one((20, 20), "b.jpg"), ())


def test_two_images_must_not_share_a_label_map(masks: Masks, folder: Path) -> None:
    Image.new("L", (20, 20)).save(folder / "a.png")
    with pytest.raises(ConceptsError, match=r"'train/a\.jpg' and 'val/a\.jpg' share the label map"):
        masks.check(["train/a.jpg", "val/a.jpg"], square)


@pytest.mark.parametrize(("mode", "given"), [("RGB", "RGB"), ("RGBA", "RGB with alpha"), ("LA", "gray with alpha")])
def test_color_images_are_refused(masks: Masks, one: Batch, folder: Path, mode: str, given: str) -> None:
    Image.new(mode, (20, 20)).save(folder / "a.png")
    with pytest.raises(ConceptsError, match=rf"a\.png is {given}; save it with one 8- or 16-bit channel"):
        masks.check(["a.jpg"], square)
    with pytest.raises(ConceptsError, match=rf"a\.png is {given}; save it with one 8- or 16-bit channel"):
        masks.label(one((20, 20)), ())


def test_4_bit_gray_is_refused(masks: Masks, folder: Path) -> None:
    Image.new("L", (20, 20)).save(folder / "a.png")
    raw = bytearray((folder / "a.png").read_bytes())
    raw[24] = 4  # 4-bit gray: decoders stretch its sixteen values to 0..255
    (folder / "a.png").write_bytes(raw)
    with pytest.raises(ConceptsError, match=r"a\.png is 4-bit gray"):
        masks.check(["a.jpg"], square)


def test_other_formats_and_broken_files(masks: Masks, one: Batch, folder: Path) -> None:
    file = folder / "a.png"
    Image.new("L", (20, 20)).save(file, format="JPEG")
    with pytest.raises(ConceptsError, match=r"a\.png is not a PNG file"):
        masks.check(["a.jpg"], square)
    file.write_bytes(b"")
    with pytest.raises(ConceptsError, match=r"a\.png is not a PNG file"):
        masks.label(one((20, 20)), ())
    Image.fromarray(np.random.default_rng(0).integers(0, 3, (99, 99), dtype=np.uint8)).save(file)
    file.write_bytes(file.read_bytes()[:600])
    with pytest.raises(ConceptsError, match=r"a\.png cannot be decoded .* the file may be damaged"):
        masks.label(one((99, 99)), ())
