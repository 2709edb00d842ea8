"""Colours for concepts: far apart from each other, and readable on paper by day and by night."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.concepts.color_model import lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.concepts.vocabulary import Concept

OWN = {
    "black": "#26241f", "blue": "#2f62c8", "brown": "#7d4f27", "gray": "#8f8e89", "green": "#3f9142",
    "orange": "#ea8424", "pink": "#ee93b5", "purple": "#84499f", "red": "#cf3030", "white": "#f4f1e9",
    "yellow": "#f0cd3a",
}  # fmt: skip
"""Concepts of the category color that look like what they are called."""

FIRST = (112, 168, 216)
"""The first colour; sources mostly begin with the commonest concept, which often is the sky or a wall."""

_STEP = 12
_LIGHTNESS = (45, 85)
_CHROMA = (18, 54)
"""Ranges of L and C in CIELab: neither lost on white or black paper, nor glaring."""


def concept_colors(concepts: Sequence[Concept]) -> tuple[str, ...]:
    """Give every concept a colour `#rrggbb`: by its place among those of its category, so that it stays the same.

    Colours recur in other categories, which are never shown in one map, and after `len(palette())` concepts.
    """
    seen: dict[str, int] = {}
    colors = []
    for concept in concepts:
        place = seen[concept.category] = seen.get(concept.category, -1) + 1
        own = OWN.get(concept.name) if concept.category == "color" else None
        colors.append(own or palette()[place % len(palette())])
    return tuple(colors)


@cache
def palette(count: int = 200) -> tuple[str, ...]:
    """Choose colours, each as far from all before it as can be: the first few differ most."""
    steps = np.arange(0, 256, _STEP)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    places = lab(cube)
    lightness, chroma = places[:, 0], np.hypot(places[:, 1], places[:, 2])
    fit = (lightness >= _LIGHTNESS[0]) & (lightness <= _LIGHTNESS[1])
    fit &= (chroma >= _CHROMA[0]) & (chroma <= _CHROMA[1])
    cube, places = cube[fit], places[fit]
    apart = np.square(places - lab(FIRST)).sum(axis=1)
    chosen = [int(apart.argmin())]
    apart = np.full(len(places), np.inf)
    while len(chosen) < count:
        apart = np.minimum(apart, np.square(places - places[chosen[-1]]).sum(axis=1))
        chosen.append(int(apart.argmax()))
    return tuple(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in cube[chosen].tolist())
