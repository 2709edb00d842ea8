"""The page of a concept with the units that detect it, and the list of all concepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dissectory.analysis.tables.categories import CATEGORIES, SIGNIFICANT
from dissectory.report import words
from dissectory.report.core import charts
from dissectory.report.core.chips import gallery, image_name
from dissectory.report.edits.charts import ablation_curve, insertion_bars
from dissectory.report.edits.reading import EditResults
from dissectory.report.edits.shots import insertion_shots, removal_shots
from dissectory.report.frame.views import Each

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.chips import Chips, Gallery, UnitChip
    from dissectory.report.core.findings import DissectedConcept, Findings
    from dissectory.report.edits.shots import Shots
    from dissectory.report.site import Site

MOST_UNITS = 60
"""Rows of a concept's table: this many units with the highest IoU, and all units whose label it is."""


@dataclass(frozen=True, slots=True)
class DetectorRow:
    """A unit and its IoU with the concept of the page, with interval and q-value if the concept is its label.

    `spread` is the interval on the bar; q-values sort by `q_order`.
    """

    chip: UnitChip
    iou: str
    order: str
    width: str
    spread: str
    q_value: str
    q_order: str
    above: bool
    own: bool


@dataclass(frozen=True, slots=True)
class ConceptPage:
    """The page of a concept."""

    title: str
    href: str
    concept: DissectedConcept
    answer: str
    remark: str
    gallery: Gallery | None
    strip: Chart | None
    detectors: tuple[DetectorRow, ...]
    measured: bool
    overlapping: int
    area: str
    ablation: Chart | None
    insertion: Chart | None
    removed: Shots | None
    inserted: Shots | None


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """A row of the list of concepts."""

    concept: DissectedConcept
    area: str
    area_order: str
    units: int
    best: UnitChip | None
    own: bool
    iou: str
    order: str
    width: str
    sprite: str
    columns: int


@dataclass(frozen=True, slots=True)
class ConceptsPage:
    """The list of all concepts."""

    title: str
    answer: str
    remark: str
    rows: tuple[ConceptRow, ...]
    categories: tuple[tuple[str, int], ...]
    sources: tuple[str, ...]


def concept_pages(site: Site) -> Each[DissectedConcept, ConceptPage]:
    """Make the page of each concept."""
    return Each(site.findings.concepts, partial(concept_page, site))


def concept_page(site: Site, concept: DissectedConcept) -> ConceptPage:
    """Make the page of a concept."""
    findings, chips, edits = site.findings, site.chips, site.reading(EditResults)
    ablation = edits.ablations.get(concept.name) if edits else None
    insertion = edits.insertions.get(concept.name) if edits else None
    rows = {name: column.tolist() for name, column in findings.by_concept.of(concept.row).items()}
    places, ious = rows["place"], rows["iou"]
    units = findings.units
    own = (units.concept[places] == concept.row).tolist() if places else []
    points = [
        _point(findings, place, iou, own=is_own)
        for place, iou, is_own in zip(places[: charts.MOST_DOTS], ious, own, strict=False)
    ]
    shown = [i for i in range(len(places)) if i < MOST_UNITS or own[i]]
    answer, remark = _answer(site, concept)
    detectors = tuple(_detector(chips, places[i], ious[i], findings.iou_threshold, own=own[i]) for i in shown)
    return ConceptPage(
        title=f"{concept.name} ({concept.category})",
        href=concept.href,
        concept=concept,
        answer=answer,
        remark=remark,
        gallery=_gallery(findings, concept),
        strip=charts.units_of_concept(findings.layers, points, findings.iou_threshold) if points else None,
        detectors=detectors,
        measured=any(row.own and (row.chip.interval or row.chip.q_value) for row in detectors),
        overlapping=len(places),
        area=_area(findings, concept),
        ablation=ablation_curve(concept.name, ablation) if ablation else None,
        insertion=insertion_bars(concept.name, insertion, findings.manifest.grid) if insertion else None,
        removed=removal_shots(site, concept),
        inserted=insertion_shots(site, concept),
    )


def concepts_page(site: Site) -> ConceptsPage:
    """Make the list of all concepts."""
    findings = site.findings
    rows = tuple(_row(site, concept) for concept in findings.concepts)
    known = sum(row.units > 0 for row in rows)
    counts = [(category, sum(row.concept.category == category for row in rows)) for category in CATEGORIES]
    return ConceptsPage(
        title="Concepts",
        answer=f"{known:,} of {len(rows):,}." if known else "None of them.",
        remark=f"A concept counts if it is the label of a unit with an IoU above {findings.iou_threshold:g}.",
        rows=tuple(sorted(rows, key=lambda row: -float(row.order))),
        categories=tuple((category, count) for category, count in counts if count),
        sources=tuple(dict.fromkeys(concept.source for concept in findings.concepts)),
    )


def _answer(site: Site, concept: DissectedConcept) -> tuple[str, str]:
    findings, chips, matched = site.findings, site.chips, int(site.matched[concept.row])
    rows = findings.by_concept.of(concept.row)
    if not concept.pixels:
        return "None.", "No image shows the concept."
    if not len(rows["place"]):
        return "None.", "No unit is ever active where the concept is present."
    iou_threshold, units = f"{findings.iou_threshold:g}", findings.units
    own = units.matched[rows["place"]] & (units.concept[rows["place"]] == concept.row)
    if not matched:
        highest = f"the highest IoU is that of {_where(chips, rows, 0)}"
        return "None.", f"It is the label of no unit with an IoU above {iou_threshold}; {highest}."
    layers = len(set(units.layer[rows["place"][own]].tolist()))
    others = int((rows["iou"] > findings.iou_threshold).sum()) - matched
    rest = (
        f" {words.count(others, 'other unit')} with an IoU above {iou_threshold} match another concept better."
        if others > 0
        else ""
    )
    answer = f"{words.count(matched, 'unit')} in {words.count(layers, 'layer')}."
    doubts = int(units.doubtful[rows["place"][own]].sum())
    doubted = f" {_all_or(doubts, matched)} may be chance." if doubts else ""
    return answer, f"The highest IoU is that of {_where(chips, rows, int(own.argmax()))}.{doubted}{rest}"


def _all_or(count: int, whole: int) -> str:
    """Name some of the units of an answer: this match, all of them, or a number of them."""
    if count == whole:
        return "This match" if whole == 1 else "All of them"
    return f"{count:,} of them"


def _where(chips: Chips, rows: dict[str, npt.NDArray[Any]], rank: int) -> str:
    """Name the unit at a rank, with its IoU."""
    chip = chips.units[int(rows["place"][rank])]
    return f"unit {chip.unit} of {chip.layer} ({words.ratio(float(rows['iou'][rank]))})"


def _gallery(findings: Findings, concept: DissectedConcept) -> Gallery | None:
    rows = {name: column.tolist() for name, column in findings.examples.of(concept.row).items()}
    if not rows["image"]:
        return None
    whole = findings.manifest.grid**2
    names = [image_name(findings, image) for image in rows["image"]]
    shares = [words.percent(pixels / whole) for pixels in rows["pixels"]]
    captions = [(f"{name}, {share} {concept.name}", share) for name, share in zip(names, shares, strict=True)]
    layout = findings.manifest.pictures
    return gallery(findings, layout.concept(concept.row), layout.concept_tiles, captions)


def _point(findings: Findings, place: int, iou: float, *, own: bool) -> charts.UnitPoint:
    units = findings.units
    at = int(units.layer[place]), int(units.unit[place])
    if not own:
        return charts.UnitPoint(*at, iou)
    low, high = float(units.iou_low[place]), float(units.iou_high[place])
    return charts.UnitPoint(*at, iou, own=True, doubtful=bool(units.q_value[place] > SIGNIFICANT), low=low, high=high)


def _detector(chips: Chips, place: int, iou: float, iou_threshold: float, *, own: bool) -> DetectorRow:
    chip = chips.units[place]
    return DetectorRow(
        chip=chip,
        iou=words.ratio(iou),
        order=f"{iou:.6f}",
        width=chips.width(iou),
        spread=chip.spread if own else "",
        q_value=chip.q_shown if own else "",
        q_order=chip.q_order if own else "9",
        above=iou > iou_threshold,
        own=own,
    )


def _area(findings: Findings, concept: DissectedConcept) -> str:
    whole = findings.manifest.images * findings.manifest.grid**2
    return words.share(concept.pixels / whole) if whole else "0 %"


def _row(site: Site, concept: DissectedConcept) -> ConceptRow:
    findings, chips = site.findings, site.chips
    best = findings.by_concept.of(concept.row, 1)
    place, iou = (int(best["place"][0]), float(best["iou"][0])) if len(best["iou"]) else (-1, 0.0)
    layout = findings.manifest.pictures
    examples = findings.examples.slice(concept.row)
    return ConceptRow(
        concept=concept,
        area=_area(findings, concept),
        area_order=str(concept.pixels),
        units=int(site.matched[concept.row]),
        best=chips.units[place] if place >= 0 else None,
        own=place >= 0 and int(findings.units.concept[place]) == concept.row,
        iou=words.ratio(iou),
        order=f"{iou:.6f}",
        width=chips.width(iou),
        sprite=layout.concept(concept.row) if examples.stop > examples.start else "",
        columns=max(1, min(layout.columns, layout.concept_tiles)),
    )
