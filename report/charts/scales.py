"""Round numbers for the axes of charts, and room for the texts beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ticks(top: float, about: int = 4) -> list[float]:
    """Return round numbers from 0 up to at most `top`.

    >>> ticks(183), ticks(0.31), ticks(3)
    ([0.0, 50.0, 100.0, 150.0], [0.0, 0.1, 0.2, 0.3], [0.0, 1.0, 2.0, 3.0])
    """
    if top <= 0:
        return [0.0]
    raw = top / about
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= raw)
    return [round(step * i, 10) for i in range(int(top / step + 1e-9) + 1)]


def whole_ticks(top: int) -> list[float]:
    """Return round whole numbers from 0 up to at most `top`.

    >>> whole_ticks(3), whole_ticks(1)
    ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0])
    """
    return [tick for tick in ticks(top) if tick == int(tick)]


def free_height(wanted: float, taken: Sequence[float], apart: float = 13) -> float:
    """Return the y nearest to `wanted` that is at least `apart` from all y in `taken`.

    >>> free_height(20, [18, 40])
    5
    """
    steps = sorted(range(-40, 41), key=abs)
    return next(wanted + step * 3 for step in steps if all(abs(wanted + step * 3 - other) >= apart for other in taken))
