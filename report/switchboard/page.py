"""The switchboard on the page of a class: what does the network predict without some units?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.class_ablation.switches import SHOWN, SWITCHES, Switches
from dissectory.report import words
from dissectory.report.core.chips import image_name
from dissectory.report.frame.scripts import embed
from dissectory.report.switchboard.reading import Switchboards

if TYPE_CHECKING:
    from markupsafe import Markup

    from dissectory.report.core.findings import Findings
    from dissectory.report.site import Site
    from dissectory.report.switchboard.reading import Switchboard

SIZES = (4, 20)
"""Numbers of the most important units that are removed at once; the last one is also the number of kept units."""


@dataclass(frozen=True, slots=True)
class BoardView:
    """The switchboard of a layer on a class's page; `key` names it in scripts and links; the browser reads `data`."""

    key: str
    layer: str
    href: str
    name: str
    units: int
    size: str
    remove: tuple[int, ...]
    keep: int | None
    shown: str
    agreement: str
    data: Markup


@dataclass(frozen=True, slots=True)
class SwitchesView:
    """The switchboards on a class's page, and a sentence for every layer without one."""

    boards: tuple[BoardView, ...]
    left_out: tuple[str, ...]


def switches_view(site: Site, name: str) -> SwitchesView | None:
    """Make the switchboards of a class; `None` if no unit was removed for the class."""
    found = site.reading(Switchboards)
    if found is None or name not in found.switches.classes:
        return None
    number = found.switches.classes.index(name)
    return SwitchesView(
        tuple(_board(site.findings, found, one, number) for one in found.boards if one.board.orders[number]),
        tuple(f"{one.layer} has no switchboard: {one.reason}." for one in found.switches.left_out),
    )


def _board(findings: Findings, found: Switchboards, one: Switchboard, number: int) -> BoardView:
    switches, board = found.switches, one.board
    images = found.images.get(number, ())
    shown = images[:SHOWN]
    return BoardView(
        key=one.layer.slug,
        layer=one.layer.name,
        href=one.layer.href,
        name=switches.classes[number],
        units=board.units,
        size=words.size(len(one.script)),
        remove=tuple(size for size in SIZES if size < board.units),
        keep=SIZES[-1] if SIZES[-1] < board.units else None,
        shown=_shown(len(shown), len(images)),
        agreement=_agreement(board.compared, board.differ),
        data=embed(
            {
                "key": one.layer.slug,
                "script": one.href,
                "class": number,
                "order": board.orders[number],
                "images": [[place, image_name(findings, switches.images[place])] for place in shown],
                "sprite": f"{SWITCHES}/{Switches.sprite(number)}",
                "columns": switches.columns,
            }
        ),
    )


def _shown(shown: int, images: int) -> str:
    if shown == images:
        return f"All {words.count(images, 'image')} of the class in the reporting split."
    return (
        f"The first {shown} of {images:,} images of the class in the reporting split; the numbers are over all of them."
    )


def _agreement(compared: int, differ: int) -> str:
    said = words.count(compared, "number")
    if not differ:
        return f"These computations give the same result as the tables: {said} compared."
    return (
        f"These computations differ from the tables in {differ:,} of {said}: a browser computes with more digits than "
        "the network, so nearly equal outputs may change their order."
    )
