from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.analysis.concepts.color import BIN, Color, color_table
from dissectory.analysis.concepts.color_model import COLORS, names

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.subjects.images import ViewBatch

    Batch = Callable[..., ViewBatch]


def test_each_bin_is_named_after_its_middle_color() -> None:
    table = color_table()
    assert table.shape == (64, 64, 64)
    for red, green, blue in np.random.default_rng(0).integers(0, 64, (2000, 3)):
        inside = np.array([red, green, blue]) * BIN + np.arange(BIN)[:, None]
        assert table[red, green, blue] == names(inside.mean(axis=0)) + 1


def test_rounding_to_bins_changes_few_names() -> None:
    colors = np.random.default_rng(1).integers(0, 256, (50_000, 3))
    table = color_table()[tuple(colors.T // BIN)]
    assert (table != names(colors) + 1).mean() < 0.02


@pytest.mark.parametrize(("size", "grid"), [(16, 16), (16, 4), (15, 4), (7, 12), (224, 56)])
def test_each_grid_position_is_named_after_the_pixel_under_its_center(batch_of: Batch, size: int, grid: int) -> None:
    views = np.random.default_rng(2).integers(0, 256, (2, size, size, 3), dtype=np.uint8)
    labels = Color(grid).label(batch_of(views), ())
    assert labels.shape == (2, 1, grid, grid)
    assert labels.dtype == np.uint16
    for image, row, column in np.ndindex(2, min(grid, 12), min(grid, 12)):
        pixel = views[image, int((row + 0.5) * size / grid), int((column + 0.5) * size / grid)]
        middle = pixel // BIN * BIN + (BIN - 1) / 2
        assert labels[image, 0, row, column] == names(middle) + 1


def test_concepts() -> None:
    concepts = Color(4).concepts
    assert [concept.name for concept in concepts] == list(COLORS)
    assert {(concept.category, concept.source) for concept in concepts} == {("color", "color")}
