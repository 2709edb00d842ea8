"""Colors for concepts: like the thing, apart from each other, and readable on paper by day and by night."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.concepts.color_model import lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

OWN = {
    "black": "#26241f", "blue": "#2f62c8", "brown": "#7d4f27", "gray": "#8f8e89", "green": "#3f9142",
    "orange": "#ea8424", "pink": "#ee93b5", "purple": "#84499f", "red": "#cf3030", "white": "#f4f1e9",
    "yellow": "#f0cd3a",
}  # fmt: skip
"""Concepts of the category color that look like what they are called."""

APART = 22.0
"""How far the first colors are from each other in CIELab; less where there are many."""

_CLOSER = 0.9
_VIVID = 2.5
"""Means of many pixels are grayish: their hue is made this much stronger before a color is looked for."""

_LEVELS = np.arange(40, 250, 12)
"""Of red, green and blue: without their extremes, which glare."""
_LIGHTNESS = (42, 84)
_CHROMA = (16, 54)
"""Ranges of L and C in CIELab: neither lost on white or black paper, nor loud."""


def distinct_colors(wishes: Sequence[Sequence[float]]) -> list[str]:
    """Choose a color `#rrggbb` for every wish: the nearest one that keeps apart from all before it.

    Args:
        wishes: sRGB, 0..255; those that come first are met best.
    """
    rgb, places = _candidates()
    apart = np.full(len(places), np.inf)
    least, chosen = APART, []
    for wish in wishes:
        while not (apart >= least).any():
            least *= _CLOSER
        from_wish = np.linalg.norm(places - lab(wish) * (1, _VIVID, _VIVID), axis=1)
        best = int(np.where(apart >= least, from_wish, np.inf).argmin())
        apart = np.minimum(apart, np.linalg.norm(places - places[best], axis=1))
        chosen.append("#{:02x}{:02x}{:02x}".format(*rgb[best]))
    return chosen


@cache
def _candidates() -> tuple[npt.NDArray[np.intp], Floats]:
    """Colors to choose from, as sRGB and as CIELab `(color, 3)`."""
    rgb = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
    places = lab(rgb)
    lightness, chroma = places[:, 0], np.hypot(places[:, 1], places[:, 2])
    fit = (lightness >= _LIGHTNESS[0]) & (lightness <= _LIGHTNESS[1])
    fit &= (chroma >= _CHROMA[0]) & (chroma <= _CHROMA[1])
    return rgb[fit], places[fit]
