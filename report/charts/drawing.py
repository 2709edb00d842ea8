"""The first paint of a chart: inline SVG as a few paths and texts, with its numbers beside it.

A path joins all marks of one look, so that a chart is a few hundred bytes; looks are CSS classes, so that a chart
follows the theme. The same numbers go along as JSON, from which the browser makes an interactive chart when somebody
looks at it (`site/assets/js/charts.js`), and as a table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Text:
    """A text in a chart; `look` is a CSS class, `turn` in degrees, `href` from the root of the site."""

    x: float
    y: float
    says: str
    look: str = ""
    turn: int = 0
    href: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart.

    `says` is its one sentence; `marks` the inside of its SVG but for `links`, the texts that lead somewhere; `data`
    what the browser draws it from; `head` and `rows` its numbers as a table.
    """

    kind: str
    says: str
    width: int
    height: int
    marks: Markup
    links: tuple[Text, ...]
    data: Markup
    head: tuple[str, ...]
    rows: Markup


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's own area lies in its picture."""

    width: int
    height: int
    left: int = 44
    right: int = 8
    top: int = 20
    bottom: int = 26

    @property
    def base(self) -> int:
        """The y of the horizontal axis."""
        return self.height - self.bottom

    @property
    def end(self) -> int:
        """The x of the right edge."""
        return self.width - self.right

    def x(self, share: float) -> float:
        """From 0..1 to a place on the horizontal axis."""
        return self.left + share * (self.end - self.left)

    def y(self, share: float) -> float:
        """From 0..1 to a place on the vertical axis, upwards."""
        return self.base - share * (self.base - self.top)


def paint(paths: Iterable[tuple[str, str]], texts: Iterable[Text]) -> Markup:
    """Write looks with their path data, then texts, as SVG; texts that lead somewhere are left to the page."""
    parts = [f'<path class="{look}" d="{d}"/>' for look, d in paths if d]
    parts += [
        f'<text x="{text.x:.0f}" y="{text.y:.0f}" class="{text.look}">{escape(text.says)}</text>'
        for text in texts
        if not text.href
    ]
    return Markup("".join(parts))  # noqa: S704 - what came from outside is escaped above


def tabulate(rows: Iterable[Sequence[str]]) -> Markup:
    """Write the rows of a table, in the short form that HTML allows: the end of a cell is where the next begins."""
    text = str(escape("\x1e".join("\x1f".join(row) for row in rows)))  # once, not for each of a million cells
    return Markup("<tr><td>" + text.replace("\x1e", "<tr><td>").replace("\x1f", "<td>"))  # noqa: S704 - escaped above


def embed(values: Any) -> Markup:  # noqa: ANN401 - anything that JSON can hold
    """JSON that is safe inside a script element: no text in it can end the element."""
    return htmlsafe_json_dumps(values, ensure_ascii=False, separators=(",", ":"))


def box(left: float, right: float, top: float, base: float) -> str:
    """One bar as path data."""
    return f"M{left:.1f} {base:.1f}V{top:.1f}H{right:.1f}V{base:.1f}z"


def steps(edges: Sequence[float], tops: Sequence[float], base: float) -> str:
    """Bars side by side as one outline; `edges` has one more than `tops`."""
    if not tops:
        return ""
    return f"M{edges[0]} {base}" + "".join(f"V{top}H{x}" for top, x in zip(tops, edges[1:], strict=True)) + f"V{base}z"


def line(points: Sequence[tuple[float, float]]) -> str:
    """A line through points as path data."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def across(frame: Frame, shares: Iterable[float]) -> str:
    """Horizontal rules as path data."""
    return "".join(f"M{frame.left} {frame.y(share):.1f}H{frame.end}" for share in shares)


def upright(frame: Frame, share: float) -> str:
    """A vertical line through the whole area as path data."""
    return f"M{frame.x(share):.1f} {frame.base}V{frame.top - 18}"


def hatch(left: float, right: float, top: float, base: float, step: float = 5) -> str:
    """The outline of one bar and slanting lines in it, as path data."""
    lines = ""
    for place in range(1, math.ceil((right - left + base - top) / step)):
        along = place * step  # from the lower left corner, first up, then to the right
        x, y = left + max(0, along - (base - top)), max(top, base - along)
        end = min(along, right - left)
        lines += f"M{x:.1f} {y:.1f}L{left + end:.1f} {base - along + end:.1f}"
    return box(left, right, top, base) + lines


def diamond(x: float, y: float, radius: float) -> str:
    """A diamond as path data."""
    return f"M{x - radius:.1f} {y:.1f}l{radius} {-radius}l{radius} {radius}l{-radius} {radius}z"


def whisker(x: float, low: float, high: float, cap: float = 2.5) -> str:
    """An upright interval with its ends as path data."""
    return f"M{x - cap:.1f} {low:.1f}h{2 * cap}m{-cap} 0V{high:.1f}m{-cap} 0h{2 * cap}"


def dot(x: float, y: float, radius: float) -> str:
    """A dot as path data."""
    return f"M{x - radius:.1f} {y:.1f}a{radius} {radius} 0 1 0 {2 * radius} 0a{radius} {radius} 0 1 0 {-2 * radius} 0"


def ticks(top: float, about: int = 4) -> list[float]:
    """Round numbers from 0 up to at most `top`.

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
    """Round whole numbers from 0 up to at most `top`.

    >>> whole_ticks(3), whole_ticks(1)
    ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0])
    """
    return [tick for tick in ticks(top) if tick == int(tick)]


def free_height(wanted: float, taken: Sequence[float], apart: float = 13) -> float:
    """The nearest y to `wanted` where a text is so far `apart` from all that are `taken`.

    >>> free_height(20, [18, 40])
    5
    """
    steps = sorted(range(-40, 41), key=abs)
    return next(wanted + step * 3 for step in steps if all(abs(wanted + step * 3 - other) >= apart for other in taken))
