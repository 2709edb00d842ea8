"""The second threshold, from files to tables, on networks whose results are known in advance."""

from __future__ import annotations

import contextlib
import csv
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from fakes.maps import swept
from networks import drawing_generator as drawing
from networks import planted
from PIL import Image
from reference import dissection, information
from worlds import drawn_world, planted_world
from worlds.planted_world import CONCEPTS, GRID, IMAGES, LAYERS, SIDE, draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tally.information import LevelCounts, candidate_levels
from dissectory.analysis.tally.upsampling import Upsampler
from dissectory.errors import ImagesError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run
    from dissectory.analysis.study.study import Study

FILLED = {"units": ["iqr", "iqr_concept", "iqr_threshold"], "unit_concepts": ["iqr", "iqr_threshold"]}
UNITS = 16
"""The number of units in both layers together."""


def asked(folder: Path, **compute: object) -> Study:
    return study(folder, dissection={"information_ratio": True}, compute=compute)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(asked(folder), folder / "run")


def views_of(folder: Path) -> torch.Tensor:
    views = np.stack([np.asarray(Image.open(path)) for path in sorted((folder / "photos").rglob("*.png"))])
    return torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255


def check_same(run: Run, other: Run) -> None:
    """Check that two runs have the same tables, bit for bit."""
    for name in all_tables():
        assert run.has(name) == other.has(name)
        if run.has(name):
            pd.testing.assert_frame_equal(run.table(name), other.table(name), check_exact=True)


@pytest.mark.parametrize("layer", LAYERS)
def test_tables_equal_the_definition(run: Run, folder: Path, layer: str) -> None:
    paths = sorted((folder / "photos").rglob("*.png"))
    labels = np.stack([np.asarray(Image.open(folder / "labels" / path.name)) for path in paths])[:, 1::2, 1::2]
    fine = planted.Detectors()(views_of(folder))
    maps = (fine if layer == "detectors" else torch.nn.functional.avg_pool2d(fine, 3, stride=2)).numpy()
    units = [row for row in run.table("units").to_dict("records") if row["layer"] == layer]
    thresholds = np.array([row["threshold"] for row in units], dtype=np.float32)
    side = maps.shape[2]
    levels = candidate_levels(swept(maps, Upsampler(side, side, GRID), len(maps)).histograms, thresholds)
    pairs = {(row["layer"], row["unit"], row["concept"]): row for row in run.table("unit_concepts").to_dict("records")}
    for unit, row in enumerate(units):
        values = np.array([dissection.upsampled(plane, GRID) for plane in maps[:, unit]])
        best = []
        for number, concept in enumerate(CONCEPTS, start=1):
            expected = information.ratios(values.ravel(), levels[unit].tolist(), (labels == number).ravel())
            best.append(max(expected))
            if (layer, unit, concept) in pairs:
                found = pairs[layer, unit, concept]
                assert found["iqr"] == pytest.approx(max(expected), rel=1e-5, abs=1e-9)
                assert np.isnan(found["iqr_threshold"]) == (max(expected) == 0)
        assert row["unit"] == unit
        assert row["iqr"] == pytest.approx(max(best), rel=1e-5, abs=1e-9)
        assert (row["iqr_concept"] if max(best) else CONCEPTS[0]) == CONCEPTS[int(np.argmax(best))]
        assert np.isnan(row["iqr_threshold"]) == pd.isna(row["iqr_concept"]) == (max(best) == 0)


def test_the_information_ratio_changes_no_other_column(run: Run, folder: Path) -> None:
    plain = dissect(study(folder), folder / "plain")
    for name in all_tables():
        assert run.has(name) == plain.has(name)
        if run.has(name):
            filled = FILLED.get(name, [])
            assert plain.table(name)[filled].isna().all(axis=None)
            pd.testing.assert_frame_equal(
                run.table(name).drop(columns=filled), plain.table(name).drop(columns=filled), check_exact=True
            )


@pytest.mark.parametrize("compute", [{"workers": 1}, {"workers": 2}, {"memory_gb": 1e-5}])
def test_tables_depend_neither_on_workers_nor_on_memory(
    run: Run, folder: Path, tmp_path: Path, compute: dict[str, object]
) -> None:
    check_same(dissect(asked(folder, **compute), tmp_path / "run"), run)


@pytest.mark.parametrize("threads", [1, 3])
def test_tables_do_not_depend_on_threads(run: Run, folder: Path, tmp_path: Path, threads: int) -> None:
    usual = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        check_same(dissect(asked(folder), tmp_path / "run"), run)
    finally:
        torch.set_num_threads(usual)


class Stopped(BaseException):
    """Interrupts a run; like Ctrl-C, it is not an `Exception`."""


class Watching(Silent):
    """Counts the images of the second pass, and calls `then` once it has reached `after` images."""

    def __init__(self, after: int, then: Callable[[], None]) -> None:
        self.after, self.then = after, then
        self.seen = 0

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:  # noqa: ARG002
        def advance(images: int) -> None:
            if name == "Second thresholds":
                self.seen += images
                if self.seen >= self.after:
                    self.then()

        advance(0)
        yield advance


def stop() -> None:
    raise Stopped


def test_a_resumed_run_does_not_repeat_finished_passes(run: Run, folder: Path, tmp_path: Path) -> None:
    half = asked(folder, memory_gb=LevelCounts.bytes_each(len(CONCEPTS)) * (UNITS - 6) * 1e-9)  # two passes
    with pytest.raises(Stopped):
        dissect(half, tmp_path / "run", Watching(IMAGES + 9, stop))
    again = Watching(IMAGES * UNITS, stop)
    check_same(dissect(half, tmp_path / "run", again), run)
    assert again.seen == IMAGES


def test_kept_progress_is_reused(folder: Path, tmp_path: Path) -> None:
    first, second = (Watching(IMAGES * UNITS, stop) for _ in range(2))
    kept = dissect(asked(folder, keep_progress=True), tmp_path / "run", first).table("units")
    pd.testing.assert_frame_equal(dissect(asked(folder), tmp_path / "run", second).table("units"), kept)
    assert (first.seen, second.seen) == (IMAGES, 0)


def test_a_picture_that_disappears_during_the_run_is_named(tmp_path: Path) -> None:
    draw(tmp_path)
    gone = tmp_path / "photos" / "even" / "04.png"
    with pytest.raises(ImagesError, match=r"'even/04.png' has changed since this run began"):
        dissect(asked(tmp_path), tmp_path / "run", Watching(0, lambda: gone.unlink(missing_ok=True)))


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Pictures in which a barn covers a tenth of the area, with a little noise in all colors."""
    random = np.random.default_rng(3)
    for name in ("photos", "labels"):
        (tmp_path / name).mkdir()
    for number in range(24):
        picture, labels = np.full((SIDE, SIDE, 3), 0.5), np.zeros((SIDE, SIDE), dtype=np.uint8)
        top, left = 2 * random.integers(0, (SIDE - 10) // 2, size=2)
        picture[top : top + 10, left : left + 10], labels[top : top + 10, left : left + 10] = planted.COLORS[0], 1
        picture += random.normal(scale=0.06, size=picture.shape)
        Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8)).save(tmp_path / f"photos/{number:02}.png")
        Image.fromarray(labels).save(tmp_path / f"labels/{number:02}.png")
    with (tmp_path / "labels/labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("index", "name", "category"), (0, "ground", "void"), (1, "barn", "object")])
    return tmp_path


def test_a_unit_that_is_active_at_a_tenth_of_all_positions_finds_its_threshold(large: Path) -> None:
    values = study(large, dissection={"quantile": 0.01, "information_ratio": True})
    units = dissect(values, large / "run").table("units").to_dict("records")
    unit = next(row for row in units if (row["layer"], row["unit"]) == ("detectors", 0))
    labels = [np.asarray(Image.open(path)) for path in sorted((large / "labels").glob("*.png"))]
    barn = np.stack(labels)[:, 1::2, 1::2] == 1
    value = planted.Detectors()(views_of(large))[:, 0].numpy()

    def iou(level: float) -> float:
        return float((barn & (value > level)).sum() / (barn | (value > level)).sum())

    assert barn.mean() == pytest.approx(0.1, abs=0.01)
    assert (unit["concept"], unit["iqr_concept"]) == ("barn", "barn")
    assert iou(unit["threshold"]) == pytest.approx(unit["iou"]) == pytest.approx(0.1, abs=0.02)
    assert iou(unit["iqr_threshold"]) > 0.97
    assert unit["iqr"] > 0.9


def test_units_of_a_generator_are_most_informative_about_what_they_generate(tmp_path: Path) -> None:
    values = drawn_world.study(tmp_path, dissection={"information_ratio": True})
    units = dissect(values, tmp_path / "run").table("units").set_index("unit").sort_index()
    for unit, thing in enumerate(drawing.THINGS):
        if thing:
            assert units.iqr_concept[unit] == thing


def test_the_worlds_have_the_sizes_that_these_tests_assume() -> None:
    assert len(LAYERS) * len(planted.build().detectors(torch.zeros(1, 3, 4, 4))[0]) == UNITS
    assert planted_world.SIDE == 2 * GRID
