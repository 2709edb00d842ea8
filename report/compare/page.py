"""The page that compares a network with a related one: which concepts does each detect, and at which depth?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.compare.charts import depth_chart
from dissectory.report.compare.reading import Comparison
from dissectory.report.core.chips import concept_link, unit_href

if TYPE_CHECKING:
    from dissectory.report.charts.chart import Chart
    from dissectory.report.compare.reading import ComparedNetwork, Fit, SharedConcept
    from dissectory.report.core.chips import Chips, ConceptLink
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Side:
    """The best unit of a network for a concept; the column sorts by `order`."""

    iou: str
    width: str
    order: str
    href: str
    layer: str
    unit: int
    above: bool


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A concept with the best unit of each network."""

    concept: ConceptLink
    sides: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The page of a comparison."""

    title: str
    answer: str
    remark: str
    names: tuple[str, ...]
    chart: Chart
    rows: tuple[ComparedRow, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """What the first page of each network shows of the comparison: a chart, and a link to the page."""

    chart: Chart
    href: str


def compared(site: Site) -> Compared | None:
    """Show a comparison on the first page of both networks; `None` if the run is not compared with another one."""
    home = site.parent or site
    comparison = home.reading(Comparison)
    if comparison is None or site not in {home, home.children[0]}:
        return None
    return Compared(depth_chart(comparison), "compare.html" if site is home else "../compare.html")


def compare_page(site: Site) -> ComparePage | None:
    """Make the page of a comparison; `None` if the run is not compared with another one."""
    comparison = site.reading(Comparison)
    if comparison is None:
        return None
    ordered = sorted(comparison.shared, key=lambda one: -max(fit.iou for fit in one.fits))
    present = {one.concept.category for one in ordered}
    answer, remark = _answer(comparison)
    return ComparePage(
        title="Compare",
        answer=answer,
        remark=remark,
        names=tuple(network.title for network in comparison.networks),
        chart=depth_chart(comparison),
        rows=tuple(_row(comparison, site.chips, one) for one in ordered),
        categories=tuple(category for category in CATEGORIES if category in present),
    )


def _answer(comparison: Comparison) -> tuple[str, str]:
    reached = [
        {one.concept.name for one in comparison.shared if one.fits[number].iou > network.findings.iou_threshold}
        for number, network in enumerate(comparison.networks)
    ]
    both = reached[0] & reached[1]
    parts = [
        f"{len(found):,} are above the IoU threshold in {network.title}, {len(found - both):,} of them only there"
        for found, network in zip(reached, comparison.networks, strict=True)
    ]
    concepts = words.count(len(comparison.shared), "concept")
    remark = f"Of {concepts} that both networks were dissected for, {'; '.join(parts)}."
    return f"{words.count(len(both), 'concept')} in both." if both else "No concept in both.", remark


def _row(comparison: Comparison, chips: Chips, one: SharedConcept) -> ComparedRow:
    pairs = zip(comparison.networks, one.fits, strict=True)
    return ComparedRow(concept_link(one.concept), tuple(_side(network, chips, fit) for network, fit in pairs))


def _side(network: ComparedNetwork, chips: Chips, fit: Fit) -> Side:
    findings, known = network.findings, fit.place >= 0
    return Side(
        iou=words.ratio(fit.iou),
        width=chips.width(fit.iou),
        order=f"{fit.iou:.6f}",
        href=network.root + unit_href(findings, fit.place) if known else "",
        layer=findings.layer_of(fit.place).name if known else "",
        unit=int(findings.units.unit[fit.place]) if known else -1,
        above=fit.iou > findings.iou_threshold,
    )
