"""Single units of a generator, ablated, and pictures of edits: it is known what each unit generates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from networks import drawing_generator as drawing
from PIL import Image
from worlds import drawn_world
from worlds.drawn_world import study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.editing.pictures import SHOWN
from dissectory.analysis.experiments.generator_ablation.paths import ablation, without
from dissectory.analysis.experiments.insertion.paths import insertion
from dissectory.analysis.run import Pictures
from dissectory.analysis.tally.changes import Sample, change_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from dissectory.analysis.run import Run

IMAGES, SINGLE = 30, 12
KEYS = drawing.CONCEPTS
TILE = Pictures().tile
SECTIONS = {"ablation": {"among": IMAGES, "single_images": SINGLE}, "insertion": {"images": IMAGES, "units": 1}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("units")
    return dissect(study(folder, **SECTIONS), folder / "run")


def levels_of(seeds: Sequence[int]) -> Tensor:
    return torch.stack([torch.randn(drawing.UNITS, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def picture(levels: Tensor) -> np.ndarray:
    """Make images `(image, 32, 32, 3)` by definition: each cell has the color of its concept."""
    colors = np.array([drawing.COLORS[name] for name in KEYS]) * 255
    cells = np.einsum("nkyx,kc->nyxc", drawing.shows(levels).numpy(), colors)
    pixels: np.ndarray = cells.repeat(drawing.CELL, axis=1).repeat(drawing.CELL, axis=2)
    return pixels


def tiles(run: Run, name: str, rows: int, columns: int) -> np.ndarray:
    """Return the tiles of a strip `(row, column, tile, tile, 3)`."""
    sheet = np.asarray(Image.open(run.folder / name).convert("RGB"))
    assert sheet.shape == (rows * TILE, columns * TILE, 3)
    return sheet.reshape(rows, TILE, columns, TILE, 3).swapaxes(1, 2)


def differ(tile: np.ndarray, wanted: np.ndarray) -> float:
    """Return the mean color difference of a tile and an image at the centers of their cells."""
    at = (np.arange(drawing.CELLS) * 2 + 1) * TILE // (2 * drawing.CELLS)
    middles = (np.arange(drawing.CELLS) * 2 + 1) * drawing.CELL // 2
    return float(np.abs(tile[np.ix_(at, at)].astype(int) - wanted[np.ix_(middles, middles)]).mean())


def best(run: Run, concept: str) -> list[int]:
    pairs = run.table("unit_concepts")
    iou = pairs[pairs.concept == concept].set_index("unit").iou.reindex(range(drawing.UNITS), fill_value=0)
    return [int(unit) for unit in np.argsort(-iou.to_numpy(), kind="stable")]


def removed(levels: Tensor, units: Sequence[int]) -> Tensor:
    left = levels.clone()
    left[:, list(units)] = -1
    return left


def test_effects_of_single_units_match_the_definition(run: Run) -> None:
    first = drawn_world.SEED + drawn_world.IMAGES
    levels = levels_of(range(first, first + SINGLE))
    before = drawing.shows(levels).sum(dim=(2, 3)).numpy()
    labels = run.table("units").set_index("unit").concept
    rows: dict[tuple[int, str], Any] = {
        (row["unit"], row["concept"]): row for row in run.table("unit_effects").to_dict("records")
    }
    expected = set()
    for unit in range(drawing.UNITS):
        after = drawing.shows(removed(levels, [unit])).sum(dim=(2, 3)).numpy()
        whole = change_of(Sample(before, after))
        for place, concept in enumerate(KEYS):
            if (before[:, place].sum() != after[:, place].sum()) or labels[unit] == concept:
                expected.add((unit, concept))
                row = rows[unit, concept]
                assert (row["images"], row["layer"]) == (SINGLE, "maps")
                assert (row["baseline"], row["pixels"]) == (before[:, place].sum(), after[:, place].sum())
                found = (row["change"], row["low"], row["high"])
                told = (whole.share[place], whole.low[place], whole.high[place])
                assert found == pytest.approx(told, abs=1e-6, nan_ok=True)
    assert set(rows) == expected
    assert rows[drawing.THINGS.index("barn"), "barn"]["change"] == -1
    assert drawing.THINGS.index(None) not in {unit for unit, _ in rows if labels[unit] is None}


def test_pictures_without_a_unit_show_its_top_images(run: Run) -> None:
    tops, shown = run.table("unit_images"), Pictures().without_tiles
    for unit in range(drawing.UNITS):
        images = tops[(tops.unit == unit) & (tops["rank"] < shown)].sort_values("rank").image
        levels = levels_of([drawn_world.SEED + image for image in images])
        before, wanted = picture(levels), picture(removed(levels, [unit]))
        less, apart = tiles(run, without(0, unit), 2, shown)
        assert max(map(differ, less, wanted)) < 8
        assert max(map(differ, apart, np.abs(wanted - before))) < 8


def test_pictures_without_a_concepts_units_show_the_images_with_its_largest_areas(run: Run) -> None:
    first = drawn_world.SEED + drawn_world.IMAGES
    areas = drawing.shows(levels_of(range(first, first + IMAGES))).sum(dim=(2, 3)).numpy()
    table, names = run.table("ablation_pictures"), run.table("concepts").concept.tolist()
    for place, concept in enumerate(KEYS):
        rows = table[table.concept == concept]
        order = np.argsort(-areas[:, place], kind="stable")[:SHOWN]
        seeds = [first + int(image) for image in order if areas[image, place]]
        assert rows[rows.units == 0].sort_values("rank").seed.tolist() == seeds
        sizes = sorted(set(rows.units))
        assert sizes == [0, 2, 4]
        strip = tiles(run, ablation(names.index(concept)), len(seeds), len(sizes))
        for column, size in enumerate(sizes):
            left = removed(levels_of(seeds), best(run, concept)[:size])
            counted = rows[rows.units == size].sort_values("rank").pixels.tolist()
            assert counted == drawing.shows(left)[:, place].sum(dim=(1, 2)).tolist()
            assert max(map(differ, strip[:, column], picture(left))) < 8


def test_pictures_of_an_insertion_show_every_context(run: Run) -> None:
    table, names = run.table("insertion_pictures"), run.table("concepts").concept.tolist()
    insertions = run.table("insertions")
    assert set(table.concept) == set(insertions[insertions.added_pixels > 0].concept)
    for concept, rows in table.groupby(table.concept.astype(str)):
        fertile = insertions[(insertions.concept == concept) & (insertions.added_pixels > 0)]
        assert sorted(rows.context) == sorted(fertile.context)
        strip = tiles(run, insertion(names.index(concept)), len(rows), 3)
        unit = best(run, concept)[0]
        for row, (was, now, apart) in zip(rows.to_dict("records"), strip, strict=True):
            assert row["added_pixels"] == 1
            levels = levels_of([row["seed"]])
            (before,) = picture(levels)
            after = before.reshape(drawing.CELLS, drawing.CELL, drawing.CELLS, drawing.CELL, 3).copy()
            after[row["y"], :, row["x"]] = np.array(drawing.COLORS[drawing.THINGS[unit] or ""]) * 255
            wanted = after.reshape(before.shape)
            assert max(differ(was, before), differ(now, wanted)) < 8
            assert differ(apart, np.abs(wanted - before)) < 8


def test_single_units_are_skipped_if_the_study_asks_for_no_images(tmp_path: Path) -> None:
    made = dissect(study(tmp_path, ablation={"images": 3, "single_images": 0}), tmp_path / "run")
    assert not made.has("unit_effects")
    assert not (made.folder / "images" / "without").exists()
