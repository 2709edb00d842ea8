"""The page to paint on: what do the units of a generator draw?"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.paint.painting import PAINT, STRONGEST
from dissectory.report import words
from dissectory.report.core.chips import concept_link, unit_href
from dissectory.report.frame.scripts import embed
from dissectory.report.paint.reading import PaintFiles, fits_offline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from dissectory.analysis.experiments.paint.painting import Paint, Painting
    from dissectory.analysis.run import Run
    from dissectory.report.core.chips import ConceptLink
    from dissectory.report.core.findings import Findings, Layer
    from dissectory.report.site import Site

ASK = 40_000_000
"""Bytes of the generator above which the page asks before it loads them."""

_TURN = 137.508 / 360
"""The turn of the hue from one concept to the next: the golden angle keeps any number of hues apart."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An image to paint on."""

    seed: int
    href: str


@dataclass(frozen=True, slots=True)
class UnitLink:
    """A unit that a concept is painted with; `href` is empty if the unit has no page."""

    unit: int
    href: str


@dataclass(frozen=True, slots=True)
class Pot:
    """A concept to paint with; `link` leads to its page, if it has one; `tried` tells how well it appeared."""

    name: str
    color: str
    link: ConceptLink | None
    units: tuple[UnitLink, ...]
    says: str
    tried: str


@dataclass(frozen=True, slots=True)
class PaintPage:
    """The page to paint on; the browser reads `data`, and loads files of `size`, after a question if `asks`.

    `height` and `width` are those of the picture, `rows` and `columns` those of its cells; `sizes` are the widths of
    the brush in cells.
    """

    title: str
    layer: str
    layer_href: str
    choices: tuple[Choice, ...]
    pots: tuple[Pot, ...]
    height: int
    width: int
    rows: int
    columns: int
    sizes: tuple[int, ...]
    strongest: int
    agreement: str
    size: str
    asks: bool
    data: Markup


def paint_page(site: Site) -> PaintPage | None:
    """Make the page to paint on; `None` if the run has nothing to paint with."""
    found, findings = site.reading(PaintFiles), site.findings
    if found is None:
        return None
    painting, files = found.painting, found.sizes
    colors, shares = _colors(site.run, painting), _shares(site.run, painting)
    layer = next((layer for layer in findings.layers if layer.name == painting.layer), None)
    rows, columns = painting.grid
    own = sum(size for name, size in files.items() if name.startswith(f"{PAINT}/"))
    return PaintPage(
        title="Paint",
        layer=painting.layer,
        layer_href=layer.href if layer else "",
        choices=tuple(Choice(seed, f"{PAINT}/{place}.png") for place, seed in enumerate(painting.seeds)),
        pots=tuple(
            _pot(findings, layer, paint, colors[paint.concept], shares.get(paint.concept)) for paint in painting.paints
        ),
        height=painting.height,
        width=painting.width,
        rows=rows,
        columns=columns,
        sizes=tuple(range(1, max(2, min(rows, columns, 12)), 2)),
        strongest=round(100 * STRONGEST),
        agreement=_agreement(painting),
        size=words.size(sum(files.values())),
        asks=own > ASK,
        data=_data(painting, files, colors),
    )


def _colors(run: Run, painting: Painting) -> dict[str, str]:
    """Return the color of each concept: that of the gallery, or one of its own."""
    known: dict[str, str] = {}
    if run.has("gallery_concepts"):
        table = run.table("gallery_concepts")
        known = dict(zip(table["concept"].astype(str), table["color"].astype(str), strict=True))
    return {
        paint.concept: known.get(paint.concept) or _hue(place * _TURN) for place, paint in enumerate(painting.paints)
    }


def _shares(run: Run, painting: Painting) -> dict[str, float]:
    """Return the share of painted positions that showed each concept in the run's own trials."""
    if not run.has("paint_trials"):
        return {}
    table = run.table("paint_trials")
    table = table[table["layer"] == painting.layer]
    return dict(zip(table["concept"].astype(str), table["share"].tolist(), strict=True))


def _hue(turn: float) -> str:
    red, green, blue = (round(255 * value) for value in colorsys.hls_to_rgb(turn % 1, 0.5, 0.55))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _pot(findings: Findings, layer: Layer | None, paint: Paint, color: str, share: float | None) -> Pot:
    concept = next((concept for concept in findings.concepts if concept.name == paint.concept), None)
    places = range(layer.first, layer.last) if layer else ()
    pages = {int(findings.units.unit[place]): unit_href(findings, place) for place in places}
    return Pot(
        name=paint.concept,
        color=color,
        link=concept_link(concept) if concept else None,
        units=tuple(UnitLink(unit, pages.get(unit, "")) for unit in paint.units),
        says=words.count(len(paint.units), "unit"),
        tried=""
        if share is None
        else f"In trials on a few of the images, {words.percent(share)} of the painted positions showed it.",
    )


def _agreement(painting: Painting) -> str:
    apart, drawn = painting.agreement.difference, words.count(painting.agreement.pictures, "picture")
    level = "a thousandth" if apart < 0.001 else words.number(apart)  # noqa: PLR2004 - a thousandth
    return (
        f"The part of the generator that runs here was tested on {drawn}: they differ from those of PyTorch by at most "
        f"{level} of one of 256 levels of brightness."
    )


def _data(painting: Painting, files: Mapping[str, int], colors: dict[str, str]) -> Markup:
    """Return what the browser needs to generate pictures."""
    return embed(
        {
            "inputs": [[item.name, item.shape] for item in painting.inputs],
            "picture": [painting.height, painting.width],
            "range": [painting.low, painting.high],
            "seeds": painting.seeds,
            "paints": [[paint.concept, colors[paint.concept], paint.units, paint.levels] for paint in painting.paints],
            "strongest": STRONGEST,
            "files": files,
            "offline": fits_offline(files),
        }
    )
