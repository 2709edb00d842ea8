"""How a pass divides its work: into shards, into parts, and among threads that run in parallel."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from worlds.planted_world import IMAGES, draw, study

from dissectory.analysis.concepts.masks import Masks
from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.measurement import Measurement
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.run import Run
from dissectory.analysis.subjects.pictures import read_picture
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np

    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.subjects.images import ViewBatch

LABELS, OUTPUTS, LAYER = "labels/labels", "network/outputs", "network/layer"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


def shards_of(folder: Path, kept: Path, **changes: Mapping[str, object]) -> dict[str, list[str]]:
    """Measure, and list the names of the written shards, by part."""
    setting = open_setting(study(folder, **changes))
    Measurement(setting, Run(kept), kept, "network", Seconds()).make(Silent())
    return {
        part: [path.stem.replace("0", "") for path in sorted(kept.glob(f"{part}-*/*.shard"))]
        for part in (LABELS, OUTPUTS, LAYER)
    }


def test_a_small_study_has_one_shard_for_every_part(folder: Path, tmp_path: Path) -> None:
    assert shards_of(folder, tmp_path) == {LABELS: ["-5"], OUTPUTS: ["-5"], LAYER: ["-5", "-5"]}


def test_a_shard_holds_a_limited_number_of_images(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dissectory.analysis.measuring.passes.SHARD_IMAGES", 15)
    assert shards_of(folder, tmp_path)[LABELS] == ["-2", "2-4", "4-5"]


def test_little_memory_makes_shards_of_single_batches(folder: Path, tmp_path: Path) -> None:
    assert shards_of(folder, tmp_path, compute={"memory_gb": 1e-9})[LAYER] == ["-1", "1-2", "2-3", "3-4", "4-5"] * 2


def test_shards_hold_less_with_less_memory(folder: Path, tmp_path: Path) -> None:
    """Two layers of 8 units with histograms of 32 kB each, and 7 label maps of half a kilobyte in each batch."""
    made = [len(shards_of(folder, tmp_path / str(gb), compute={"memory_gb": gb})[LABELS]) for gb in (1e-4, 1.2e-3, 1)]
    assert made == sorted(made, reverse=True)
    assert made[0] == 5
    assert made[-1] == 1


def test_the_next_batch_is_decoded_and_this_one_labeled_during_the_forward_pass(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the three waits for the others to begin: if they ran one after another, the test would time out."""
    setting = open_setting(study(folder))
    met = threading.Barrier(3)
    state = {"batch": 0, "decoded": 0}
    lock = threading.Lock()
    label, forward = Masks.label, setting.model.module.forward

    def meet() -> None:
        met.wait(timeout=60)

    def slow_decode(path: Path) -> object:
        with lock:
            state["decoded"] += 1
            second = state["decoded"] == 8  # the first picture of the second batch of seven
        if second:
            meet()
        return read_picture(path)

    def slow_label(self: Masks, batch: ViewBatch, earlier: tuple[Planes, ...]) -> np.ndarray:
        if state["batch"] == 0:
            meet()
        return label(self, batch, earlier)

    def slow_forward(*views: object) -> object:
        if state["batch"] == 0:
            meet()
        state["batch"] += 1
        return forward(*views)

    monkeypatch.setattr("dissectory.analysis.subjects.images.read_picture", slow_decode)
    monkeypatch.setattr(Masks, "label", slow_label)
    monkeypatch.setattr(setting.model.module, "forward", slow_forward)
    Measurement(setting, Run(tmp_path), tmp_path, "network", Seconds()).make(Silent())
    assert state["decoded"] == IMAGES


def test_files_that_cannot_be_decoded_are_listed_once_and_in_order(folder: Path, tmp_path: Path) -> None:
    setting = open_setting(study(folder))
    broken = {17: "odd/05.png", 3: "even/06.png", 29: "odd/29.png", 8: "even/16.png"}
    for path in broken.values():
        (folder / "photos" / path).rename(folder / path.replace("/", "-"))
        (folder / "photos" / path).write_bytes(b"broken")
    try:
        manifest = dissect(setting.study, tmp_path / "run").manifest
    finally:
        for path in broken.values():
            (folder / path.replace("/", "-")).rename(folder / "photos" / path)
    assert [skipped.path for skipped in manifest.skipped] == [broken[number] for number in sorted(broken)]
    assert manifest.images == IMAGES - 4
