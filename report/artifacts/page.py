"""The page of artifacts: which units are most active on images unlike all others?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.artifacts.charts import distance_without
from dissectory.report.artifacts.reading import Artifacts

if TYPE_CHECKING:
    from dissectory.analysis.run import Pictures
    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.chips import UnitChip
    from dissectory.report.site import Site

MOST_UNITS = 20
"""Units on the page: as many as are removed at most."""

SCORED = 10
"""Strongest images of a unit that its score is the mean of."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A unit with its score; `order` is what that is sorted by."""

    chip: UnitChip
    rank: int
    score: str
    order: str


@dataclass(frozen=True, slots=True)
class ArtifactsPage:
    """Everything that the page of artifacts says; `lines` of each unit's sprite show the images of its score."""

    title: str
    answer: str
    remark: str
    meaning: str
    features: str
    found: str
    chart: Chart | None
    rows: tuple[Suspect, ...]
    lines: int
    layer: str
    href: str
    more: str


def artifacts_page(site: Site) -> ArtifactsPage | None:
    """Make the page of artifacts; `None` if the run has none."""
    artifacts, chips = site.reading(Artifacts), site.chips
    if artifacts is None:
        return None
    shown = artifacts.ranked[:MOST_UNITS]
    place, score = artifacts.ranked[0]
    unit, sure = chips.units[place].unit, score > artifacts.chance
    return ArtifactsPage(
        title="Artifacts",
        answer=f"Unit {unit}, more than any other." if sure else "None, for sure.",
        remark=_remark(artifacts, "it" if sure else f"unit {unit}"),
        meaning=f"A unit's score is how far its ten strongest images lie from {_reference(artifacts)} on average, in "
        f"standard deviations; all images lie {words.number(artifacts.usual)} from it. An image far from all others is "
        "not always a fault: it can show a rare thing. Look at the pictures.",
        features=artifacts.features,
        found=_found(artifacts),
        chart=distance_without(artifacts) if artifacts.without else None,
        rows=tuple(
            Suspect(chips.units[at], rank, words.number(value), f"{value:.6f}")
            for rank, (at, value) in enumerate(shown, start=1)
        ),
        lines=_lines(site.run.manifest.pictures),
        layer=artifacts.layer.name,
        href=artifacts.layer.href,
        more=f"The {len(shown)} of {words.count(len(artifacts.ranked), 'unit')} with the highest scores.",
    )


def _lines(layout: Pictures) -> int:
    columns = max(1, min(layout.columns, layout.unit_tiles))
    return -(-min(SCORED, layout.unit_tiles) // columns)


def _reference(artifacts: Artifacts) -> str:
    return "the mean of real ones" if artifacts.real else "the mean of all"


def _remark(artifacts: Artifacts, unit: str) -> str:
    """How far the images of the unit with the highest score lie, and how far those of any would by chance."""
    _, score = artifacts.ranked[0]
    ratio = score / artifacts.usual if artifacts.usual else 1.0
    return (
        f"The ten images that excite {unit} most lie {words.number(score)} standard deviations from "
        f"{_reference(artifacts)} on average, {ratio:.1f} times as far as all images do "
        f"({words.number(artifacts.usual)}). By chance alone the highest of "
        f"{words.count(len(artifacts.ranked), 'score')} is above {words.number(artifacts.chance)} in 1 of 20 cases."
    )


def _found(artifacts: Artifacts) -> str:
    """Whether images come nearer to real ones without the worst units, the most that were removed of them."""
    if not artifacts.without:
        return ""
    first, last = artifacts.without[0].distance, artifacts.without[-1]
    if not last.units or not first:
        return "The layer has too few units to remove the worst of them."
    change, random = last.distance / first - 1, last.random / first - 1
    start = f"Without the {last.units} worst units, images are"
    if change >= 0:
        return (
            f"{start} no nearer to real ones: the distance is {words.percent(change)} more. These units also draw what "
            "belongs there."
        )
    nearer = f"{start} nearer to real ones: the distance is {words.percent(-change)} less."
    if last.distance < last.random_low:
        return f"{nearer} None of the three draws of as many at random does as much."
    does = f"takes {words.percent(-random)} off" if random < 0 else "adds to it"
    return f"{nearer} That need not be their doing: removing as many at random {does} on average."
