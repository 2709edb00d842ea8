"""The first paint of a chart: inline SVG as a few paths and texts, with its numbers beside it.

A path joins all marks of one look, so that a chart is a few hundred bytes; looks are CSS classes, so that a chart
follows the theme. The same numbers go along as JSON, from which the browser makes an interactive chart when somebody
looks at it (`site/assets/js/charts.js`), and as a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
