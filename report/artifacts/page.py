"""The page of artifacts: which units are most active on unusual images?"""

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
"""Units in the table: the largest number of units that are removed."""

SCORED = 10
"""Top images of a unit whose mean distance is its score."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A unit with its score; the table sorts by `order`."""

    chip: UnitChip
    rank: int
    score: str
    order: str


@dataclass(frozen=True, slots=True)
class ArtifactsPage:
    """The page of artifacts; `lines` rows of each unit's sprite show the images of its score."""

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
        answer=f"Unit {unit}, more than any other." if sure else "None with certainty.",
        remark=_remark(artifacts, "this unit" if sure else f"unit {unit}"),
        meaning=f"A unit's score is the mean distance of its ten top images from {_reference(artifacts)}, in standard "
        f"deviations. The mean over all images is {words.number(artifacts.usual)}. An unusual image is not always "
        "faulty: it can show something rare. Look at the pictures.",
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
    return "the mean of real images" if artifacts.real else "the mean of all images"


def _remark(artifacts: Artifacts, unit: str) -> str:
    """Say how unusual the top images of the unit with the highest score are, and what chance gives."""
    _, score = artifacts.ranked[0]
    ratio = score / artifacts.usual if artifacts.usual else 1.0
    scores = words.count(len(artifacts.ranked), "score")
    return (
        f"The mean distance of the ten top images of {unit} from {_reference(artifacts)} is {words.number(score)} "
        f"standard deviations, {ratio:.1f} times that of all images ({words.number(artifacts.usual)}). By chance, "
        f"the highest of {scores} is above {words.number(artifacts.chance)} in 1 of 20 cases."
    )


def _found(artifacts: Artifacts) -> str:
    """Say whether images come closer to real ones when the units with the highest scores are removed."""
    if not artifacts.without:
        return ""
    first, last = artifacts.without[0].distance, artifacts.without[-1]
    if not last.units or not first:
        return "The layer has too few units to remove any of them."
    change, random = last.distance / first - 1, last.random / first - 1
    start = f"Without the {last.units} units with the highest scores, images are"
    if change >= 0:
        return (
            f"{start} no closer to real images: the distance grows by {words.percent(change)}. These units also "
            "contribute to realistic images."
        )
    nearer = f"{start} closer to real images: the distance shrinks by {words.percent(-change)}."
    if last.distance < last.random_low:
        return f"{nearer} None of the three sets of as many random units has this effect."
    does = f"shrinks it by {words.percent(-random)}" if random < 0 else "does not shrink it"
    return f"{nearer} This may not be specific to these units: removing as many random units {does} on average."
