"""Units of a generator, ablated and forced on: it is known what each of them generates."""

from __future__ import annotations

import contextlib
import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from networks import drawing_generator as drawing
from PIL import Image
from scipy import stats
from worlds import drawn_world
from worlds.drawn_world import study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.editing.generator import EditedGenerator
from dissectory.analysis.editing.ranking import rank_units
from dissectory.analysis.experiments.generator_ablation import trials as ablation_trials
from dissectory.analysis.experiments.generator_ablation import work as generator_ablation
from dissectory.analysis.experiments.insertion import work as insertion
from dissectory.analysis.experiments.insertion.tables import NO_CONTEXT
from dissectory.analysis.experiments.paint import trials as paint_trials
from dissectory.analysis.experiments.paint.painting import PAINT, Painting
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.tally.changes import FEWEST, change_of
from dissectory.errors import StudyError, SubjectError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch import Tensor

    from dissectory.analysis.editing.generator import GeneratedBatch
    from dissectory.analysis.run import Run
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.subjects.rest import Point
    from dissectory.analysis.tally.changes import Change, Sample

IMAGES, SHOWING = 50, 12
KEYS = drawing.CONCEPTS


SECTIONS = {
    "ablation": {"images": SHOWING, "among": IMAGES, "single_images": 5},
    "insertion": {"images": IMAGES, "units": 1},
}


def edited(folder: Path, **model: str) -> Run:
    return dissect(study(folder, model=model, **SECTIONS), folder / "run")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return edited(tmp_path_factory.mktemp("edited"))


@pytest.fixture(scope="module")
def levels() -> Tensor:
    """The latents of the images in which units are edited: their seeds follow the study's own seeds."""
    first = drawn_world.SEED + drawn_world.IMAGES
    return torch.stack(
        [torch.randn(drawing.UNITS, generator=torch.Generator().manual_seed(first + image)) for image in range(IMAGES)]
    )


def rows_of(run: Run, name: str, *keys: str) -> dict[tuple[Any, ...], Any]:
    """Return the rows of a table by the values of some columns."""
    rows = [{str(key): value for key, value in row.items()} for row in run.table(name).to_dict("records")]
    return {tuple(row[key] for key in keys): SimpleNamespace(**row) for row in rows}


def order_of(run: Run, concept: str, score: str = "iou", layer: str = "maps") -> list[int]:
    """Order the units of a layer by a score for a concept, from the run's own tables."""
    pairs = run.table("unit_concepts")
    scores = (
        pairs[(pairs.concept == concept) & (pairs.layer == layer)]
        .set_index("unit")[score]
        .reindex(range(drawing.UNITS), fill_value=0)
    )
    return [int(unit) for unit in np.argsort(-scores.to_numpy(), kind="stable")]


def areas(levels: Tensor, removed: list[int]) -> np.ndarray:
    """Count the positions of each concept `(image, concept)` with some units ablated."""
    left = levels.clone()
    left[:, removed] = -1
    found: np.ndarray = drawing.shows(left).sum(dim=(2, 3)).numpy()
    return found


def test_areas_are_those_of_images_without_the_units(run: Run, levels: Tensor) -> None:
    table = run.table("generator_ablations")
    assert sorted(set(table.concept)) == list(KEYS)
    assert sorted(set(table.units)) == [0, 1, 2, 4]  # of six units
    whole = areas(levels, [])
    for row in table.to_dict("records"):
        count, concept, measured = row["units"], KEYS.index(row["concept"]), KEYS.index(row["measured"])
        random = np.random.default_rng([0, concept]).permutation(drawing.UNITS).tolist()
        before, after, control = (
            estimated(whole[:, concept] > 0, areas(levels, removed)[:, measured])
            for removed in ([], order_of(run, row["concept"], row["ranking"])[:count], random[:count])
        )
        assert (row["drawn"], row["images"], row["others"]) == (IMAGES, SHOWING, SHOWING)
        assert [row["baseline"], row["pixels"], row["random_pixels"]] == np.rint([before, after, control]).tolist()
        assert row["change"] == pytest.approx(after / before - 1, abs=1e-6)
        assert row["random_change"] == pytest.approx(control / before - 1, abs=1e-6)
        if not np.isnan(row["low"]):
            assert row["low"] <= row["change"] <= row["high"]
    assert len(table) == len(KEYS) * 2 * 4 * len(KEYS)
    assert table.low.notna().mean() > 0.5


def estimated(shows: np.ndarray, found: np.ndarray) -> float:
    """Estimate the sum of areas `(image,)` of all images from the first ones of each kind, by `shows` or not."""
    total = 0.0
    for kind in (shows, ~shows):
        total += found[kind][:SHOWING].mean() * kind.sum()
    return total


def test_a_concept_of_a_single_unit_vanishes_with_the_unit(run: Run) -> None:
    table = rows_of(run, "generator_ablations", "ranking", "concept", "units", "measured")
    for ranking in ("iou", "iqr"):
        for concept, units in (("lake", 1), ("barn", 1), ("fog", 1), ("sun", 2)):
            row = table[ranking, concept, units, concept]
            assert (row.pixels, row.change, row.low, row.high) == (0, -1, -1, -1)
        assert -1 < table[ranking, "sun", 1, "sun"].change < 0  # the other one draws on
        assert table[ranking, "fog", 1, "lake"].change > 0  # it was under the fog
    assert all(row.change == 0 for (*_, units, _), row in table.items() if units == 0)


def appears(level: Tensor, unit: int, cell: int) -> bool:
    """Whether a unit that is forced on at a cell is visible: units after it in the list cover it."""
    row, column = divmod(cell, drawing.CELLS)
    masks = drawing.regions()[:, row, column]
    on = [other for other, thing in enumerate(drawing.THINGS) if thing and masks[other] and level[other] > 0]
    before = drawing.THINGS[on[-1]] if on else None
    return max([*on, unit]) == unit and drawing.THINGS[unit] != before


def test_added_positions_are_tallied_by_context(run: Run, levels: Tensor) -> None:
    shows = drawing.shows(levels).flatten(2)
    expected: dict[tuple[str, str], list[int]] = {}
    for number, concept in enumerate(KEYS):
        unit = order_of(run, concept)[0]
        cells = insertion.places(IMAGES, drawing.CELLS**2, 0, number)
        for image, cell in enumerate(cells.tolist()):
            context = [KEYS[other] for other in range(len(KEYS)) if shows[image, other, cell]]
            added = int(appears(levels[image], unit, cell))
            expected.setdefault((concept, context[0] if context else NO_CONTEXT), []).append(added)
    table = rows_of(run, "insertions", "concept", "context")
    assert len(table) == len(expected)
    for key, counts in expected.items():
        row = table[key]
        assert (row.locations, row.added_pixels) == (len(counts), sum(counts))
        assert row.added == pytest.approx(np.mean(counts), abs=1e-6)
        if len(counts) >= FEWEST:
            wide = stats.t.ppf(0.995, len(counts) - 1) * np.std(counts, ddof=1) / np.sqrt(len(counts))
            low, high = max(0, np.mean(counts) - wide), np.mean(counts) + wide
            assert (row.low, row.high) == pytest.approx((low, high), abs=1e-6)
        else:
            assert pd.isna(row.low)
            assert pd.isna(row.high)


def test_a_sun_appears_on_the_ground_and_never_on_a_lake(run: Run) -> None:
    table = rows_of(run, "insertions", "concept", "context")
    assert table["sun", NO_CONTEXT].added == 1
    assert table["sun", "lake"].added == 0
    assert table["fog", "lake"].added == 1


def test_a_generator_with_several_inputs_is_run_from_its_layer_on(
    tmp_path: Path, levels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons: set[str] = set()
    running = EditedGenerator.redraw

    def noting(generator: EditedGenerator, batch: ViewBatch, point: Point, output: Tensor) -> ViewBatch:
        reasons.add(generator._rest.reason)
        return running(generator, batch, point, output)

    monkeypatch.setattr(EditedGenerator, "redraw", noting)
    made = edited(tmp_path / "cut", source=f"python:{drawing.__file__}:Seasonal")
    assert reasons == {""}
    whole = edited(tmp_path / "whole", source=f"python:{drawing.__file__}:Wilful")
    assert any("cannot be traced" in reason for reason in reasons)
    for name in ("generator_ablations", "insertions", "unit_concepts"):
        pd.testing.assert_frame_equal(made.table(name), whole.table(name), check_exact=True)
    first = drawn_world.SEED + drawn_world.IMAGES
    left = levels.clone()
    for image in range(IMAGES):
        season = (first + image) % drawing.SEASONS
        if season:
            left[image, drawing.THINGS.index("barn" if season == 1 else "lake")] = -1
    table = rows_of(made, "generator_ablations", "ranking", "concept", "units", "measured")
    shown = areas(left, [])
    for concept in ("barn", "lake"):
        row, own = table["iou", concept, 1, concept], shown[:, KEYS.index(concept)]
        assert (row.images, row.pixels) == (min(SHOWING, (own > 0).sum()), 0)
        assert row.baseline == round(estimated(own > 0, own))


def test_a_second_run_has_the_same_tables(run: Run, tmp_path: Path) -> None:
    again = edited(tmp_path)
    for name in ("generator_ablations", "insertions"):
        pd.testing.assert_frame_equal(again.table(name), run.table(name), check_exact=True)
    assert {"ablation", "insertion"} <= set(run.manifest.seconds)


class Heard(Silent):
    """Progress that records its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def painted_in_the_middle(levels: Tensor, units: list[int], strengths: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return the concepts `(image, concept, 4, 4)` in the middle cells before and after, computed step by step."""
    maps = drawing.Maps()(levels)
    for unit, strength in zip(units, strengths, strict=True):
        maps[:, unit, 2:6, 2:6] = strength
    colors = drawing.Drawing()(maps)[:, :, :: drawing.CELL, :: drawing.CELL]
    seen = drawing.Segmenter()((colors + 1) / 2).argmax(dim=1)
    after = torch.stack([seen == place + 1 for place in range(len(KEYS))], dim=1)
    return drawing.shows(levels)[:, :, 2:6, 2:6].numpy(), after[:, :, 2:6, 2:6].numpy()


def test_the_paints_are_sorted_by_how_well_they_appear(run: Run, tmp_path: Path) -> None:
    made = dissect(study(tmp_path, paint={"images": 3, "concepts": 3, "units": 2}), tmp_path / "run")
    painting = Painting.read(made.folder / PAINT)
    assert painting.seeds == tuple(drawn_world.SEED + image for image in range(3))
    assert (painting.low, painting.high, painting.layer) == (-1, 1, "maps")
    thresholds = run.table("units").set_index("unit").threshold.fillna(0)
    trials = made.table("paint_trials").set_index("concept")
    for paint in painting.paints:
        units = order_of(run, paint.concept)[:2]
        assert list(paint.units) == units
        assert paint.levels == pytest.approx([thresholds[unit] for unit in units])
        tried = drawn_world.levels()[: paint_trials.IMAGES]
        both = painted_in_the_middle(tried, units, [float(thresholds[unit]) for unit in units])
        before, after = (seen[:, KEYS.index(paint.concept)] for seen in both)
        row = trials.loc[paint.concept]
        assert (row.layer, row.units, row.images) == ("maps", 2, paint_trials.IMAGES)
        assert (row.painted, row.came) == ((~before).sum(), (after & ~before).sum())
        assert row.share == pytest.approx(row.came / row.painted, abs=1e-6)
    names = [paint.concept for paint in painting.paints]
    assert len(names) == len(trials) == 3
    assert trials.share[names].is_monotonic_decreasing
    assert trials.came.sum() > 0


def test_a_generator_with_several_inputs_can_be_painted_with(tmp_path: Path) -> None:
    source = f"python:{drawing.__file__}:Seasonal"
    made = dissect(study(tmp_path, model={"source": source}, paint={"images": 3}), tmp_path / "run")
    painting = Painting.read(made.folder / PAINT)
    assert [item.shape for item in painting.inputs] == [(drawing.UNITS, 8, 8), (drawing.UNITS, 1, 1)]
    assert painting.agreement.difference <= painting.agreement.tolerance
    for image, seed in enumerate(painting.seeds):
        inputs = drawing.Seasonal().inputs([seed])
        picture = ((drawing.Seasonal()(*inputs)[0] + 1) * 127.5).round().permute(1, 2, 0)
        np.testing.assert_array_equal(np.asarray(Image.open(made.folder / PAINT / f"{image}.png")), picture.detach())


def test_a_generator_that_cannot_be_painted_with_is_reported(tmp_path: Path) -> None:
    wilful = {"source": f"python:{drawing.__file__}:Wilful"}
    heard = Heard()
    made = dissect(study(tmp_path, model=wilful, paint={}), tmp_path / "run", heard)
    assert made.finished
    assert not (made.folder / PAINT).exists()
    assert any(line.startswith("There is no page to paint on: the generator cannot be") for line in heard.lines)


@pytest.mark.parametrize("section", ["ablation", "insertion", "paint"])
def test_a_layer_that_is_not_dissected_is_refused(tmp_path: Path, section: str) -> None:
    wanted = study(tmp_path, **{section: {"layer": "map"}})
    with pytest.raises(StudyError, match=rf"{section}\.layer names 'map', .*did you mean 'maps'"):
        dissect(wanted, tmp_path / "run")
    assert not (tmp_path / "run").exists()


class Stopped(BaseException):
    """Interrupts a run; like Ctrl-C, it is not an `Exception`."""


def test_an_interrupted_ablation_resumes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, calls = change_of, []

    def stopping(*samples: Sample) -> Change:
        calls.append(len(samples))
        if len(calls) > 2 * 2 * 4:  # in the second concept: each has two scores, four sizes, and two calls for these
            raise Stopped
        return measured(*samples)

    sections = {"ablation": {"images": SHOWING, "among": IMAGES, "single_images": 0}}
    monkeypatch.setattr(generator_ablation, "change_of", stopping)
    with pytest.raises(Stopped):
        dissect(study(tmp_path, **sections), tmp_path / "run")
    monkeypatch.setattr(generator_ablation, "change_of", measured)
    drawn: list[int] = []
    labelled = EditedGenerator.drawn_of

    def counting(generator: EditedGenerator, numbers: Sequence[int]) -> GeneratedBatch:
        drawn.extend(numbers)
        return labelled(generator, numbers)

    monkeypatch.setattr(EditedGenerator, "drawn_of", counting)
    made = dissect(study(tmp_path, **sections), tmp_path / "run")
    name = "generator_ablations"
    pd.testing.assert_frame_equal(made.table(name), run.table(name), check_exact=True)
    assert len(drawn) == 2 * 2 * SHOWING  # two concepts of four were done, each on two kinds of images
    assert not (made.folder / "progress").exists()


class Stopping(Silent):
    """Progress that interrupts the work after two steps of a stage, and records how many steps were already done."""

    def __init__(self, stage: str, *, stops: bool = True) -> None:
        self.wanted, self.stops, self.done = stage, stops, 0

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:
        del total, unit
        steps = 0

        def advance(_steps: int) -> None:
            nonlocal steps
            steps += name == self.wanted
            if self.stops and steps > 1:
                raise Stopped

        self.done = done if name == self.wanted else self.done
        yield advance


@pytest.mark.parametrize("stage", ["Generating images", "Ablating each unit", "Inserting concepts"])
def test_a_resumed_experiment_does_not_repeat_finished_steps(run: Run, tmp_path: Path, stage: str) -> None:
    wanted = study(tmp_path, **SECTIONS)
    with pytest.raises(Stopped):
        dissect(wanted, tmp_path / "run", Stopping(stage))
    progress = Stopping(stage, stops=False)
    made = dissect(wanted, tmp_path / "run", progress)
    assert progress.done > 0
    for name in ("generator_ablations", "unit_effects", "insertions", "insertion_pictures", "ablation_pictures"):
        pd.testing.assert_frame_equal(made.table(name), run.table(name), check_exact=True)


def test_units_are_ablated_in_the_layer_with_the_largest_effect(tmp_path: Path) -> None:
    layered = {"source": f"python:{drawing.__file__}:Layered", "layers": ["hints", "maps"]}
    made = dissect(study(tmp_path, model=layered, ablation={"images": 4, "among": 9}), tmp_path / "run")
    assert set(made.table("generator_ablations").layer.astype(str)) == {"maps"}
    trials = rows_of(made, "ablation_trials", "layer", "concept")
    levels = drawn_world.levels()[: ablation_trials.IMAGES]
    random = np.random.default_rng(0).permutation(drawing.UNITS)[:1].tolist()
    before, by_chance = areas(levels, []).sum(axis=0), areas(levels, random).sum(axis=0)
    shown = [concept for concept, area in zip(KEYS, before, strict=True) if area]
    assert set(trials) == {(layer, concept) for layer in ("hints", "maps") for concept in shown}
    for (layer, concept), row in trials.items():
        at = KEYS.index(concept)
        best = order_of(made, concept, layer=layer)[:1]
        after, chance = (before, before) if layer == "hints" else (areas(levels, best).sum(axis=0), by_chance)
        assert (row.units, row.images) == (1, ablation_trials.IMAGES)
        assert (row.baseline, row.pixels, row.random_pixels) == (before[at], after[at], chance[at])
        assert row.lost == pytest.approx(max(-1, (min(before[at], chance[at]) - after[at]) / before[at]), abs=1e-6)


def test_concepts_are_inserted_in_the_layer_in_which_they_appear(tmp_path: Path) -> None:
    layered = {"source": f"python:{drawing.__file__}:Layered", "layers": ["hints", "maps"]}
    made = dissect(study(tmp_path, model=layered, insertion={"images": 4, "units": 1}), tmp_path / "run")
    assert set(made.table("insertions").layer.astype(str)) == {"maps"}
    assert set(made.table("paint_trials").layer.astype(str)) == {"hints", "maps"}


def test_a_layer_that_matches_nothing_does_not_end_the_run(tmp_path: Path) -> None:
    dead = {"source": f"python:{drawing.__file__}:Dead", "layers": ["dead", "maps"]}
    sections = {name: {"images": 3} for name in ("ablation", "insertion", "paint")}
    made = dissect(study(tmp_path, model=dead, **sections), tmp_path / "run")
    assert set(made.table("generator_ablations").layer.astype(str)) == {"maps"}
    alone = {**dead, "layers": ["dead"]}
    made = dissect(study(tmp_path, model=alone, **sections), tmp_path / "alone")
    for name in ("generator_ablations", "insertions", "paint_trials"):
        assert made.table(name).empty


def test_units_that_are_rarely_active_are_forced_on_too(tmp_path: Path) -> None:
    """A unit that is active at fewer positions than the quantile has threshold 0, which would have no effect."""
    rare = study(tmp_path, dissection={"quantile": 0.3}, insertion={"images": 20, "units": 1})
    made = dissect(rare, tmp_path / "run")
    units = made.table("units").set_index("unit")
    zero = [unit for unit, thing in enumerate(drawing.THINGS) if thing and units.threshold[unit] == 0]
    assert len(zero) >= 3
    levels = rank_units(made, open_setting(rare), "maps").levels
    for unit in zero:
        on = drawn_world.levels()[:, unit].clamp(min=0)
        assert levels[unit] == pytest.approx(float(on[on > 0].median()), rel=0.5)
    table = rows_of(made, "insertions", "concept", "context")
    assert table["sun", NO_CONTEXT].added == 1


def test_an_edit_that_makes_images_not_finite_is_an_error(tmp_path: Path) -> None:
    fragile = {"source": f"python:{drawing.__file__}:Fragile"}
    with pytest.raises(SubjectError, match="not finite if units of maps are changed: name another layer"):
        dissect(study(tmp_path, model=fragile, ablation={"images": 12, "among": IMAGES}), tmp_path / "run")


def test_the_seed_may_be_negative(tmp_path: Path) -> None:
    layered = {"source": f"python:{drawing.__file__}:Layered", "layers": ["hints", "maps"]}
    sections = {name: {"images": 3} for name in ("ablation", "insertion")}
    wanted = dataclasses.replace(study(tmp_path, model=layered, **sections), seed=-3)
    assert dissect(wanted, tmp_path / "run").finished


def test_a_layer_of_few_units_is_not_tried(tmp_path: Path) -> None:
    """Without the red channel of an image, red objects vanish, although no unit of that layer generates them."""
    layers = {"source": f"python:{drawing.__file__}:Wide", "layers": ["many", "picture"]}
    made = dissect(study(tmp_path, model=layers, ablation={"images": 4, "among": 9}), tmp_path / "run")
    assert set(made.table("generator_ablations").layer.astype(str)) == {"many"}
    assert not made.has("ablation_trials")


def test_a_study_may_turn_the_information_ratio_off(tmp_path: Path) -> None:
    wanted = study(tmp_path, ablation={"images": 3, "among": 9}, dissection={"information_ratio": False})
    made = dissect(wanted, tmp_path / "run")
    assert set(made.table("generator_ablations").ranking.astype(str)) == {"iou"}


def test_a_limited_number_of_concepts_are_the_best_matched_ones(run: Run, tmp_path: Path) -> None:
    wanted = study(tmp_path, ablation={"images": 3, "concepts": 2})
    made = dissect(
        dataclasses.replace(wanted, experiments={"ablation": wanted.experiments["ablation"]}), tmp_path / "run"
    )
    pairs = run.table("unit_concepts")
    best = pairs.groupby(pairs.concept.astype(str)).iou.max().nlargest(2)
    assert set(made.table("generator_ablations").concept) == set(best.index)
    assert not made.has("insertions")
