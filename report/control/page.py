"""The page of the control: which concepts does the network detect that its control does not?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.control import charts as paired
from dissectory.report.control.reading import Control

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.charts.chart import Chart
    from dissectory.report.control.reading import Best
    from dissectory.report.core.chips import ConceptLink, UnitChip
    from dissectory.report.core.findings import DissectedConcept, Findings
    from dissectory.report.site import Site

MOST_PAIRS = 30
"""Concepts in the chart: those with the highest IoU in either network."""

NAMED = 3
"""Concepts that the first line names."""


@dataclass(frozen=True, slots=True)
class ControlRow:
    """A concept with the best unit of the network and of the control; columns sort by the values named `order`."""

    concept: ConceptLink
    unit: UnitChip | None
    iou: str
    width: str
    order: str
    control_layer: str
    control_unit: int
    control_iou: str
    control_width: str
    control_order: str
    times: str
    times_order: str
    above: bool
    was_label: bool


@dataclass(frozen=True, slots=True)
class ControlPage:
    """The page of the control."""

    title: str
    answer: str
    remark: str
    meaning: str
    training: str
    source: str
    chart: Chart | None
    layers: Chart
    rows: tuple[ControlRow, ...]
    categories: tuple[str, ...]
    labels: bool


@dataclass(frozen=True, slots=True)
class ControlSummary:
    """What other pages say about the control: a sentence and a chart."""

    says: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class _Beside:
    """The best unit of the network for a concept, by its place, and the best unit of the control."""

    concept: DissectedConcept
    place: int
    iou: float
    control: Best
    was_label: bool | None


def control_page(site: Site) -> ControlPage | None:
    """Make the page of the control; `None` if the run has no control."""
    control, findings = site.reading(Control), site.findings
    if control is None:
        return None
    beside = sorted(_beside(findings, control), key=lambda pair: -pair.iou)
    highest = sorted(beside, key=lambda pair: -max(pair.iou, pair.control.iou))[:MOST_PAIRS]
    shown = [(pair.concept, pair.iou, pair.control.iou) for pair in highest if max(pair.iou, pair.control.iou)]
    present = {pair.concept.category for pair in beside}
    answer, remark = _answer(findings, beside)
    return ControlPage(
        title="Control",
        answer=answer,
        remark=remark,
        meaning=_MEANING,
        training=_training(beside),
        source=control.source,
        chart=paired.paired_concepts(shown, findings.iou_threshold) if shown else None,
        layers=paired.matched_beside(findings.layers, control.matched),
        rows=tuple(_pair(site, pair) for pair in beside),
        categories=tuple(category for category in CATEGORIES if category in present),
        labels=any(pair.was_label for pair in beside),
    )


def summary(site: Site) -> ControlSummary | None:
    """Say on the first page how the network compares with its control; `None` if the run has no control."""
    control, findings = site.reading(Control), site.findings
    if control is None:
        return None
    beside = _beside(findings, control)
    own, other = (words.count(count, "concept") for count in _reached(findings, beside))
    units = words.count(sum(layer.matched_units for layer in findings.layers), "unit")
    return ControlSummary(
        f"In the network, {units} match a concept, and {own} have an IoU above {findings.iou_threshold:g} with some "
        f"unit. In the control, {words.count(control.total, 'unit')} match a concept, and {other} have such an IoU.",
        paired.matched_beside(findings.layers, control.matched),
    )


def layer_summary(site: Site, number: int) -> ControlSummary | None:
    """Say on a layer's page how its units compare with the control's; `None` if the run has no control."""
    control, findings = site.reading(Control), site.findings
    if control is None:
        return None
    layer, matched = findings.layers[number], int(control.matched[number])
    own = f"{layer.matched_units:,} of {words.count(layer.units, 'unit')}"
    return ControlSummary(
        f"In the network, {own} match a concept; in the control, {matched:,} do.",
        paired.ranked_ious(findings.units.iou[layer.first : layer.last], control.ious[number], findings.iou_threshold),
    )


_MEANING = (
    "The control has the same layers with other weights, and was dissected on the same images. It shows which IoUs "
    "come from the images, from the architecture, and from taking the best of many units. The network has learned "
    "what it detects beyond the control."
)


def _beside(findings: Findings, control: Control) -> list[_Beside]:
    found = []
    for concept, other, output in zip(findings.concepts, control.best, control.outputs, strict=True):
        best = findings.by_concept.of(concept.row, 1)
        known = len(best["iou"]) > 0
        place, iou = (int(best["place"][0]), float(best["iou"][0])) if known else (-1, 0.0)
        found.append(_Beside(concept, place, iou, other, output))
    return found


def _reached(findings: Findings, beside: Sequence[_Beside]) -> tuple[int, int]:
    """Count the concepts with an IoU above the threshold in the network, and in the control."""
    return sum(pair.iou > findings.iou_threshold for pair in beside), sum(
        pair.control.iou > findings.iou_threshold for pair in beside
    )


def _answer(findings: Findings, beside: Sequence[_Beside]) -> tuple[str, str]:
    own, other = _reached(findings, beside)
    only = [pair.concept.name for pair in beside if pair.iou > findings.iou_threshold >= pair.control.iou]
    remark = (
        f"Of {words.count(len(beside), 'concept')}, {own:,} have an IoU above {findings.iou_threshold:g} with a unit "
        f"of the network, and {other:,} with a unit of the control; {len(only):,} have one in the network only."
    )
    if not only:
        return "No concept.", remark
    named = words.listed(only) if len(only) <= NAMED else f"such as {words.listed(only[:NAMED])}"
    return f"{words.count(len(only), 'concept')}, {named}.", remark


def _training(beside: Sequence[_Beside]) -> str:
    """Say which concepts were labels in training, if it is known."""
    if any(pair.was_label is None for pair in beside):
        return ""
    labels = [pair.concept.name for pair in beside if pair.was_label]
    if not labels:
        return (
            "No output of the network has the name of one of these concepts: none of them was a label in training. "
            "The network was not trained to detect any of them."
        )
    named = words.listed(labels[:NAMED]) + (f" and {len(labels) - NAMED:,} more" if len(labels) > NAMED else "")
    have, were = ("has", "it was a label") if len(labels) == 1 else ("have", "they were labels")
    return (
        f"{len(labels):,} of these concepts {have} the name of an output of the network, so {were} in training: "
        f"{named}. The network was not trained to detect any of the others."
    )


def _pair(site: Site, pair: _Beside) -> ControlRow:
    findings, chips, other = site.findings, site.chips, pair.control
    times = pair.iou / other.iou if other.iou else float("inf") if pair.iou else 0.0
    return ControlRow(
        concept=chips.concepts[pair.concept.row],
        unit=chips.units[pair.place] if pair.place >= 0 else None,
        iou=words.ratio(pair.iou),
        width=chips.width(pair.iou),
        order=f"{pair.iou:.6f}",
        control_layer=findings.layers[other.layer].name if other.layer >= 0 else "",
        control_unit=other.unit,
        control_iou=words.ratio(other.iou),
        control_width=chips.width(other.iou),
        control_order=f"{other.iou:.6f}",
        times=f"{times:.1f}" if other.iou else "only the network" if pair.iou else "",
        times_order=f"{min(times, 1e9):.6f}",
        above=pair.iou > findings.iou_threshold >= other.iou,
        was_label=bool(pair.was_label),
    )
