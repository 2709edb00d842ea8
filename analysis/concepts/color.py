"""The concept source `color`: the basic color name of every pixel.

`color_model` defines the names. They are read from a table of 64 x 64 x 64 bins. Each bin holds 4 x 4 x 4 neighboring
8-bit colors and has the name of its middle color.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.concepts.color_model import COLORS, names
from dissectory.analysis.concepts.registry import no_argument, register
from dissectory.analysis.concepts.vocabulary import Concept

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.subjects.images import ViewBatch

BIN = 4
"""How many neighboring values of a channel (0..255) share a bin of the table."""


@cache
def color_table() -> npt.NDArray[np.uint16]:
    """Return the color of every bin `(64, 64, 64)`, indexed by red, green, blue; the value k means `COLORS[k - 1]`."""
    middles = np.arange(0, 256, BIN) + (BIN - 1) / 2
    cube = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
    table = np.stack([names(plane) for plane in cube]).astype(np.uint16) + np.uint16(1)
    table.setflags(write=False)
    return table


class Color:
    """The eleven basic color names, read from the pixel of the view under the center of each grid position."""

    name = "color"
    planes = 1
    concepts = tuple(Concept(color, "color", "color") for color in COLORS)

    def __init__(self, grid: int) -> None:
        """Name colors on a grid of `grid` x `grid` positions."""
        self._grid = grid

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:  # noqa: ARG002 - uses no other labels
        """Label every grid position with the name of its color."""
        size = batch.views.shape[1]
        middles = ((np.arange(self._grid) + 0.5) * (size / self._grid)).astype(np.intp)
        red, green, blue = np.moveaxis(batch.views[:, middles[:, None], middles] // BIN, -1, 0)
        labels: Planes = color_table()[red, green, blue]
        return labels[:, None]


@register("color")
def open_color(argument: str, context: SourceContext) -> Color:
    """Open the concept source `color`."""
    no_argument("color", argument)
    return Color(context.grid)
