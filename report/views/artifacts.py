"""The page of artifacts: which units are most active on images unlike all others?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.artifact_charts import distance_without

if TYPE_CHECKING:
    from dissectory.analysis.run import Pictures
    from dissectory.report.artifacts import Artifacts, Without
    from dissectory.report.drawing import Chart
    from dissectory.report.findings import Findings
    from dissectory.report.views.chips import Chips, UnitChip

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


def artifacts_page(findings: Findings, chips: Chips, artifacts: Artifacts) -> ArtifactsPage:
    """Make the page of artifacts."""
    shown = artifacts.ranked[:MOST_UNITS]
    place, score = artifacts.ranked[0]
    ratio = score / artifacts.usual if artifacts.usual else 1.0
    return ArtifactsPage(
        title="Artifacts",
        answer=f"Unit {chips.units[place].unit}, more than any other.",
        remark=f"The ten images that excite it most lie {words.number(score)} standard deviations "
        f"from {_reference(artifacts)} on average, {ratio:.1f} times as far as all images do "
        f"({words.number(artifacts.usual)}).",
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
        lines=_lines(findings.manifest.pictures),
        layer=artifacts.layer.name,
        href=artifacts.layer.href,
        more=f"The {len(shown)} of {words.count(len(artifacts.ranked), 'unit')} with the highest scores.",
    )


def _lines(layout: Pictures) -> int:
    columns = max(1, min(layout.columns, layout.unit_tiles))
    return -(-min(SCORED, layout.unit_tiles) // columns)


def _reference(artifacts: Artifacts) -> str:
    return "the mean of real ones" if artifacts.real else "the mean of all"


def _found(artifacts: Artifacts) -> str:
    """Whether images come nearer to real ones without the worst units."""
    if not artifacts.without:
        return ""
    first = artifacts.without[0].distance
    best = min(artifacts.without, key=lambda one: one.distance)
    if not best.units or not first:
        return "Removing them brings images no nearer to real ones: these units also draw what belongs there."
    share, random = words.percent(1 - best.distance / first), words.percent(1 - best.random / first)
    nearer = f"Without the {best.units} worst units, images are nearer to real ones: the distance is {share} less."
    if best.distance < best.random_low:
        return f"{nearer} No draw of as many at random does as much.{_more(artifacts, best)}"
    does = f"takes {random} off" if best.random < first else "adds to it"
    said = f"{nearer} That need not be their doing: removing as many at random {does} on average."
    return said + _more(artifacts, best)


def _more(artifacts: Artifacts, best: Without) -> str:
    """What becomes of it when still more are removed, where that undoes the gain."""
    first, last = artifacts.without[0].distance, artifacts.without[-1]
    if last.units <= best.units or last.distance <= first:
        return ""
    return f" Without the {last.units} worst it is {words.percent(last.distance / first - 1)} more."
