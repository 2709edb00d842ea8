"""The manifest of a real run: the software, files and times that it records."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
from datetime import UTC, datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
import torch
from networks import planted
from worlds.planted_world import GRID, SIDE, draw, study

import dissectory
from dissectory.analysis.dissection import dissect
from dissectory.analysis.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dissectory.analysis.run import Manifest

IMAGES = 8
"""These tests do not look at the measurements: a few images are enough."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("provenance")
    draw(folder)
    for path in (folder / "photos").rglob("*.png"):
        if int(path.stem) >= IMAGES:
            path.unlink()
    return folder


@pytest.fixture(scope="module")
def manifest(drawn: Path) -> Manifest:
    return manifest_of(drawn)


@pytest.fixture
def world(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the world that the test may change."""
    return shutil.copytree(drawn, tmp_path / "world", ignore=shutil.ignore_patterns("run"))


def manifest_of(folder: Path, **changes: Mapping[str, object]) -> Manifest:
    changes = {"model": {"layers": ["coarse"]}, **changes}
    dissect(study(folder, **changes), folder / "run")
    return Run(folder / "run").manifest


def a_picture(folder: Path) -> Path:
    return folder / "photos" / "odd" / "05.png"


def one_byte_changed(folder: Path) -> None:
    """Add a byte after the end of the picture, which looks the same."""
    with a_picture(folder).open("ab") as file:
        file.write(b"\0")


def file_renamed(folder: Path) -> None:
    for place in ("photos/odd", "labels"):
        (folder / place / "05.png").rename(folder / place / "05b.png")  # the order of files stays


def class_renamed(folder: Path) -> None:
    (folder / "photos" / "odd").rename(folder / "photos" / "strange")


def contents_exchanged(folder: Path) -> None:
    for place in ("photos/odd", "labels"):
        one, other = folder / place / "05.png", folder / place / "07.png"
        one.rename(folder / place / "kept")
        other.rename(one)
        (folder / place / "kept").rename(other)


def one_file_less(folder: Path) -> None:
    a_picture(folder).unlink()


@pytest.mark.parametrize(
    "change",
    [one_byte_changed, file_renamed, class_renamed, contents_exchanged, one_file_less],
    ids=lambda change: change.__name__.replace("_", " "),
)
def test_another_set_of_images_has_another_hash(
    change: Callable[[Path], None], world: Path, manifest: Manifest
) -> None:
    change(world)
    assert manifest_of(world).hashes["images"] != manifest.hashes["images"]


def test_the_same_images_have_the_same_hash_wherever_they_lie(world: Path, manifest: Manifest) -> None:
    for path in (world / "photos").rglob("*.png"):
        os.utime(path, (0, 0))
    (world / "photos" / "readme.txt").write_text("no picture")
    (world / "photos" / ".hidden.png").write_bytes(a_picture(world).read_bytes())
    again = manifest_of(world, compute={"batch": 3, "workers": 1}, dissection={"grid": 8, "top_images": 2})
    assert again.hashes == manifest.hashes
    assert re.fullmatch(r"[0-9a-f]{64}", manifest.hashes["images"])


def test_the_hash_of_the_weights_is_that_of_their_file(world: Path) -> None:
    torch.save(planted.build().state_dict(), world / "weights.pt")
    made = manifest_of(world, model={"weights": "weights.pt", "layers": ["coarse"]})
    assert made.hashes["weights"] == hashlib.sha256((world / "weights.pt").read_bytes()).hexdigest()


def installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@pytest.mark.parametrize(
    "name", ["torch", "torchvision", "numpy", "pandas", "pyarrow", "pillow", "onnxruntime", "scipy"]
)
def test_versions_of_software_are_written_down(name: str, manifest: Manifest) -> None:
    assert manifest.versions[name] == installed(name)


def test_the_version_of_the_program_is_written_down(manifest: Manifest) -> None:
    assert manifest.versions["dissectory"] == dissectory.__version__


def test_the_version_of_python_is_written_down(manifest: Manifest) -> None:
    assert manifest.versions["python"] == platform.python_version()
    assert all(manifest.versions.values())


def check_seconds(manifest: Manifest) -> None:
    seconds = dict(manifest.seconds)
    total = seconds.pop("total")
    rounding = 0.0005 * (len(seconds) + 1)
    assert len(seconds) >= 5
    assert all(value >= 0 for value in seconds.values())
    assert 0 < sum(seconds.values()) <= total + rounding


def test_stages_do_not_take_longer_than_the_whole(manifest: Manifest) -> None:
    check_seconds(manifest)


def test_stages_do_not_take_longer_than_the_whole_with_many_shards(world: Path) -> None:
    check_seconds(manifest_of(world, compute={"memory_gb": 1e-9}))


def test_the_study_is_written_down_as_it_was_resolved(manifest: Manifest) -> None:
    assert manifest.study["model"]["layers"] == ["coarse"]
    assert manifest.study["images"] == {
        "folder": "photos",
        "classes": "folders",
        "size": SIDE,
        "resize": SIDE,
        "fit": "crop",  # the study leaves these values out; the manifest fills them in
        "interpolation": "bilinear",
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
    }
    assert manifest.study["dissection"]["iou_threshold"] == 0.04
    assert json.loads(json.dumps(manifest.study, allow_nan=False)) == manifest.study


def test_what_was_done_is_counted(manifest: Manifest) -> None:
    assert (manifest.images, manifest.grid, manifest.skipped) == (IMAGES, GRID, ())
    assert manifest.model["source"].startswith("python:")
    assert manifest.model["parameters"] == sum(weight.numel() for weight in planted.build().parameters())
    assert manifest.model["passes"] == 1
    assert torch.device(manifest.model["device"])


def test_without_a_title_the_study_is_named_by_network_and_folder(manifest: Manifest) -> None:
    assert manifest.title.endswith(" on photos")
    assert "planted" in manifest.title


def test_the_time_of_writing_has_a_time_zone(drawn: Path, manifest: Manifest) -> None:
    created = datetime.fromisoformat(manifest.created)
    assert created.utcoffset() == timedelta(0)
    written = datetime.fromtimestamp((drawn / "run" / "manifest.json").stat().st_mtime, UTC)
    assert abs(written - created) < timedelta(seconds=5)


def test_a_file_that_was_skipped_is_named_and_still_counts_for_the_hash(world: Path, manifest: Manifest) -> None:
    a_picture(world).write_bytes(a_picture(world).read_bytes()[:200])
    made = manifest_of(world)
    assert [skipped.path for skipped in made.skipped] == ["odd/05.png"]
    assert all(skipped.reason for skipped in made.skipped)
    assert made.images == IMAGES - 1
    assert made.hashes["images"] != manifest.hashes["images"]


def test_readers_are_told_that_classes_have_no_scores(manifest: Manifest) -> None:
    assert any("classes are listed without scores" in note for note in manifest.notes)
    assert all(note.endswith(".") for note in manifest.notes)
