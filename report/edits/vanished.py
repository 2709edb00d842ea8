"""The concepts that vanish from generated images when their units are removed, for the first page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.edits.reading import EditResults
from dissectory.report.edits.shots import change_bar

if TYPE_CHECKING:
    from dissectory.report.core.chips import ConceptLink
    from dissectory.report.edits.reading import AblationResult
    from dissectory.report.estimate import Estimate
    from dissectory.report.site import Site

UNITS = 20
"""The number of removed units, as in Bau et al. 2020; fewer if the layer has fewer."""

MOST = 24
"""Rows of the table."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The loss of a concept by each ranking of its units, and by random units; `bar` is for the first ranking."""

    concept: ConceptLink
    bar: str
    change: str
    order: str
    interval: str
    informed: str
    informed_order: str
    random: str
    images: str
    unsure: bool


@dataclass(frozen=True, slots=True)
class Vanished:
    """The concepts that lose most, those first whose interval excludes zero; `says` names the first.

    `concepts` is the number of all concepts; `ranked` tells whether there is a second ranking of units.
    """

    says: str
    units: int
    concepts: int
    rows: tuple[Lost, ...]
    ranked: bool


def vanished(site: Site) -> Vanished | None:
    """Make the overview; `None` if no units were removed, or no image shows a concept."""
    edits = site.reading(EditResults)
    if edits is None:
        return None
    links = {concept.name: site.chips.concepts[concept.row] for concept in site.findings.concepts}
    found = [(name, one) for name, one in edits.ablations.items() if math.isfinite(one.own[-1].value)]
    if not found:
        return None
    found.sort(key=lambda item: (not _is_sure(_own(item[1])), _own(item[1]).value))
    places = {one.sizes[_place(one)] for _, one in found}
    name, first = found[0]
    return Vanished(
        says=_says(name, first),
        units=max(places),
        concepts=len(found),
        rows=tuple(_lost(links[name], one) for name, one in found[:MOST]),
        ranked=any(one.informed for _, one in found),
    )


def _place(ablation: AblationResult) -> int:
    """Return the place of the number of units that is shown among those that were removed."""
    return max(place for place, size in enumerate(ablation.sizes) if size <= UNITS)


def _own(ablation: AblationResult) -> Estimate:
    return ablation.own[_place(ablation)]


def _is_sure(span: Estimate) -> bool:
    """Whether the interval of a change is below zero."""
    return math.isfinite(span.high) and span.high < 0


def _lost(link: ConceptLink, ablation: AblationResult) -> Lost:
    place = _place(ablation)
    own, random = ablation.own[place], ablation.random[place]
    informed = ablation.informed[place] if ablation.informed else None
    known = math.isfinite(own.low)
    return Lost(
        concept=link,
        bar=change_bar(own, 1.0),
        change=words.signed_percent(own.value),
        order=f"{own.value:.4f}",
        interval=words.signed_interval(own.low, own.high),
        informed=words.signed_percent(informed.value) if informed else "",
        informed_order=f"{informed.value:.4f}" if informed else "",
        random=words.signed_percent(random.value),
        images=f"{ablation.images:,}",
        unsure=not known or own.low <= 0 <= own.high,
    )


def _says(name: str, ablation: AblationResult) -> str:
    """Name the concept that loses most, and its loss."""
    own, units = _own(ablation), words.count(ablation.sizes[_place(ablation)], "best unit")
    if not _is_sure(own):
        return f"No concept loses area with certainty when its {units} in {ablation.layer} are removed."
    informed = words.signed_percent(ablation.informed[_place(ablation)].value) if ablation.informed else ""
    lost = f"{words.percent(-own.value)} of its area" + (f" ({informed} by IQR)" if informed else "")
    return f"The largest loss: when its {units} by IoU in {ablation.layer} are removed, {name} loses {lost}."
