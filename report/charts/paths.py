"""Marks of a chart as SVG path data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dissectory.report.charts.chart import Frame


def box(left: float, right: float, top: float, base: float) -> str:
    """Return a bar as path data."""
    return f"M{left:.1f} {base:.1f}V{top:.1f}H{right:.1f}V{base:.1f}z"


def steps(edges: Sequence[float], tops: Sequence[float], base: float) -> str:
    """Return adjacent bars as one outline; `edges` has one value more than `tops`."""
    if not tops:
        return ""
    return f"M{edges[0]} {base}" + "".join(f"V{top}H{x}" for top, x in zip(tops, edges[1:], strict=True)) + f"V{base}z"


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return a line through points as path data."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def across(frame: Frame, shares: Iterable[float]) -> str:
    """Return horizontal rules as path data."""
    return "".join(f"M{frame.left} {frame.y(share):.1f}H{frame.end}" for share in shares)


def upright(frame: Frame, share: float) -> str:
    """Return a vertical line through the plot area as path data."""
    return f"M{frame.x(share):.1f} {frame.base}V{frame.top - 18}"


def hatch(left: float, right: float, top: float, base: float, step: float = 5) -> str:
    """Return the outline of a bar with slanted lines in it as path data."""
    lines = ""
    for place in range(1, math.ceil((right - left + base - top) / step)):
        along = place * step  # from the lower left corner, first up, then to the right
        x, y = left + max(0, along - (base - top)), max(top, base - along)
        end = min(along, right - left)
        lines += f"M{x:.1f} {y:.1f}L{left + end:.1f} {base - along + end:.1f}"
    return box(left, right, top, base) + lines


def diamond(x: float, y: float, radius: float) -> str:
    """Return a diamond as path data."""
    return f"M{x - radius:.1f} {y:.1f}l{radius} {-radius}l{radius} {radius}l{-radius} {radius}z"


def whisker(x: float, low: float, high: float, cap: float = 2.5) -> str:
    """Return a vertical interval with its ends as path data."""
    return f"M{x - cap:.1f} {low:.1f}h{2 * cap}m{-cap} 0V{high:.1f}m{-cap} 0h{2 * cap}"


def dot(x: float, y: float, radius: float) -> str:
    """Return a dot as path data."""
    return f"M{x - radius:.1f} {y:.1f}a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"
