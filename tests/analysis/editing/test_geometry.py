"""Where edits happen: cells of a layer's map, positions of the grid and levels, if map and grid differ in size."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch
from worlds.drawn_world import study

from dissectory.analysis.editing.changes import forced, without
from dissectory.analysis.editing.generator import EditedGenerator, GeneratedBatch, first_images
from dissectory.analysis.experiments.insertion import work as insertion
from dissectory.analysis.experiments.paint import trials as paint_trials
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.subjects.rest import Point

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from dissectory.analysis.subjects.images import ViewBatch

CELLS, GRID, UNITS = 7, 20, 3


def cell_of(position: int) -> int:
    """Return the cell, of seven on a side, that contains the center of a position, of twenty on a side."""
    return int((position + 0.5) / GRID * CELLS)


def test_the_center_of_a_cell_is_in_its_position() -> None:
    rows, columns = (np.arange(CELLS).repeat(CELLS), np.tile(np.arange(CELLS), CELLS))
    found = insertion._middles(rows, columns, (CELLS, CELLS), GRID)
    for row, column, position in zip(rows.tolist(), columns.tolist(), found.tolist(), strict=True):
        y, x = int((row + 0.5) / CELLS * GRID), int((column + 0.5) / CELLS * GRID)
        assert position == y * GRID + x
        assert (cell_of(y), cell_of(x)) == (row, column)


def test_units_are_raised_at_one_cell_and_never_lowered() -> None:
    maps = torch.zeros(2, UNITS, CELLS, CELLS)
    maps[1, 2, 4, 5] = 9
    levels, units = np.array([2.0, 3.0], dtype=np.float32), np.array([0, 2])
    changed = forced(maps, units, levels, np.array([1, 4]), np.array([6, 5]))
    wanted = maps.clone()
    wanted[0, 0, 1, 6], wanted[0, 2, 1, 6] = 2, 3
    wanted[1, 0, 4, 5] = 2
    torch.testing.assert_close(changed, wanted, rtol=0, atol=0)
    assert maps.sum() == 9  # the original is unchanged


def test_units_are_set_to_zero_everywhere() -> None:
    maps = torch.rand(2, UNITS, CELLS, CELLS) + 1
    changed = without(maps, np.array([1]))
    assert (changed[:, 1] == 0).all()
    torch.testing.assert_close(changed[:, [0, 2]], maps[:, [0, 2]], rtol=0, atol=0)
    assert maps.min() >= 1


def test_an_image_that_is_asked_for_twice_is_generated_once(tmp_path: Path) -> None:
    setting = open_setting(study(tmp_path))
    generator = EditedGenerator(setting, setting.layers[0].name, first_images(setting, 5))
    wanted = [3, 0, 3, 4, 0]
    batch, point = generator.draw(wanted)
    assert batch.images == tuple(wanted)
    assert batch.paths == tuple(generator.images.paths[image] for image in wanted)
    for row, image in enumerate(wanted):
        alone, own = generator.draw([image])
        np.testing.assert_array_equal(batch.views[row], alone.views[0])
        torch.testing.assert_close(point.output[row], own.output[0], rtol=0, atol=0)


@pytest.mark.parametrize("carried", [False, True])
def test_the_brush_covers_the_positions_whose_centers_it_covers(carried: bool) -> None:
    labels = np.zeros((1, GRID**2, 1), dtype=np.uint16)
    drawn = GeneratedBatch(cast("ViewBatch", None), Point(torch.zeros(1, UNITS, CELLS, CELLS), ()), labels)
    painted = [cell for cell in range(CELLS) if CELLS // 4 <= cell < 3 * CELLS // 4]
    under = [position for position in range(GRID) if cell_of(position) in painted]
    if carried:
        labels[0, under[0] * GRID + under[1]] = 2

    def changed(_drawn: GeneratedBatch, output: Tensor) -> np.ndarray:
        assert (output[0, 1, painted][:, painted] == 5).all()
        assert output.sum() == 5 * len(painted) ** 2
        return np.full_like(labels, 2)

    generator = cast("EditedGenerator", SimpleNamespace(changed=changed))
    counted = paint_trials._paint(generator, drawn, 1, np.array([1]), np.array([5.0], dtype=np.float32))
    assert counted == (len(under) ** 2 - carried,) * 2
