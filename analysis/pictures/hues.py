"""Colors for concepts: similar to the concept's pixels, distinct, and readable on a light or dark background."""

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
"""Colors of the concepts in the category color: each resembles the color that it names."""

APART = 22.0
"""Distance of the first colors from each other in CIELab; it shrinks as the number of colors grows."""

_CLOSER = 0.9
_VIVID = 2.5
"""The chroma of a wish is multiplied by this factor, because the mean of many pixels is grayish."""

_LEVELS = np.arange(40, 250, 12)
"""Values of red, green and blue to choose from; the extremes are left out because they are glaring."""
_LIGHTNESS = (42, 84)
_CHROMA = (16, 54)
"""Ranges of L and C in CIELab: visible on a white or black background, but not glaring."""


def distinct_colors(wishes: Sequence[Sequence[float]]) -> list[str]:
    """Choose a color `#rrggbb` for every wish: the nearest one that is distinct from all colors chosen before.

    Args:
        wishes: sRGB, 0..255; earlier wishes are met better.
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
    """Return the colors to choose from, as sRGB and as CIELab `(color, 3)`."""
    rgb = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), axis=-1).reshape(-1, 3)
    places = lab(rgb)
    lightness, chroma = places[:, 0], np.hypot(places[:, 1], places[:, 2])
    fit = (lightness >= _LIGHTNESS[0]) & (lightness <= _LIGHTNESS[1])
    fit &= (chroma >= _CHROMA[0]) & (chroma <= _CHROMA[1])
    return rgb[fit], places[fit]
