"""Charts: inline SVG of a few paths and texts, with the numbers as JSON and as a table.

A path joins all marks of one look, so a chart takes a few hundred bytes. A look is a CSS class, so a chart follows the
theme. From the JSON the browser makes an interactive chart when a reader asks for it (`site/assets/js/charts.js`).
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

    `says` describes it; `marks` is the inside of its SVG without `links`, the texts that are links; the interactive
    chart is made from `data`; `head` and `rows` are the numbers as a table.
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
    """The size of a chart, and the margins around its plot area."""

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
        """Return the x of a share 0..1 of the horizontal axis."""
        return self.left + share * (self.end - self.left)

    def y(self, share: float) -> float:
        """Return the y of a share 0..1 of the vertical axis, upward."""
        return self.base - share * (self.base - self.top)


def paint(paths: Iterable[tuple[str, str]], texts: Iterable[Text]) -> Markup:
    """Write looks with their path data, then texts, as SVG; the template writes texts that are links."""
    parts = [f'<path class="{look}" d="{d}"/>' for look, d in paths if d]
    parts += [
        f'<text x="{text.x:.0f}" y="{text.y:.0f}" class="{text.look}">{escape(text.says)}</text>'
        for text in texts
        if not text.href
    ]
    return Markup("".join(parts))  # noqa: S704 - texts are escaped above


def tabulate(rows: Iterable[Sequence[str]]) -> Markup:
    """Write the rows of a table, in the short form that HTML allows: cells and rows have no end tags."""
    text = str(escape("\x1e".join("\x1f".join(row) for row in rows)))  # one call, not one for each of a million cells
    return Markup("<tr><td>" + text.replace("\x1e", "<tr><td>").replace("\x1f", "<td>"))  # noqa: S704 - escaped above
