"""The page of a layer: what do its units detect?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.control.page import layer_summary
from dissectory.report.core import charts
from dissectory.report.frame.views import Each
from dissectory.report.removals.needs import layer_needs
from dissectory.report.textures.charts import agreement_of_layer
from dissectory.report.textures.reading import Textures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.charts.chart import Chart
    from dissectory.report.control.page import ControlSummary
    from dissectory.report.core.chips import UnitChip
    from dissectory.report.core.findings import DissectedConcept, Findings, Layer
    from dissectory.report.removals.needs import LayerNeeds
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A row of the table of units; the IoU column sorts by `order`."""

    chip: UnitChip
    order: str
    runner_up: str


@dataclass(frozen=True, slots=True)
class LayerPage:
    """The page of a layer."""

    title: str
    href: str
    layer: Layer
    answer: str
    remark: str
    bars: Chart | None
    distribution: Chart
    control: ControlSummary | None
    textures: Chart | None
    needs: LayerNeeds | None
    rows: tuple[UnitRow, ...]
    categories: tuple[str, ...]
    measured: bool
    beyond: str
    before: Layer | None
    after: Layer | None


def layer_pages(site: Site) -> Each[int, LayerPage]:
    """Make the page of each layer."""
    return Each(range(len(site.findings.layers)), partial(layer_page, site))


def layer_page(site: Site, number: int) -> LayerPage:
    """Make the page of the layer with a number."""
    findings, textures = site.findings, site.reading(Textures)
    layer = findings.layers[number]
    bars = concept_counts(findings, layer)
    answer, remark = _answer(findings, layer, bars)
    rows = tuple(_row(site, place) for place in range(layer.first, layer.last))
    present = {row.chip.category for row in rows}
    return LayerPage(
        title=f"Layer {layer.name}",
        href=layer.href,
        layer=layer,
        answer=answer,
        remark=remark,
        bars=charts.concepts_of_layer(bars) if bars else None,
        distribution=charts.iou_distribution(findings.units.iou[layer.first : layer.last], findings.iou_threshold),
        control=layer_summary(site, number),
        textures=agreement_of_layer(findings, layer, textures) if textures else None,
        needs=layer_needs(site, number),
        rows=rows,
        categories=tuple(category for category in CATEGORIES if category in present),
        measured=any(row.chip.interval or row.chip.q_value for row in rows),
        beyond=_beyond(layer),
        before=findings.layers[number - 1] if number else None,
        after=findings.layers[number + 1] if number + 1 < len(findings.layers) else None,
    )


def concept_counts(findings: Findings, layer: Layer) -> list[tuple[DissectedConcept, int, int]]:
    """Count the matched units of a layer by concept, and those that may be chance: by category, then many to few."""
    units, inside = findings.units, slice(layer.first, layer.last)
    labels, matched, doubtful = units.concept[inside], units.matched[inside], units.doubtful[inside]
    counts, doubts = Counter(labels[matched].tolist()), Counter(labels[matched & doubtful].tolist())
    found = [(findings.concepts[row], count, doubts[row]) for row, count in counts.items() if row >= 0]
    return sorted(found, key=lambda bar: (CATEGORIES.index(bar[0].category), -bar[1], bar[0].name))


def _beyond(layer: Layer) -> str:
    """Say how many of a layer's matched units are more than chance, if that was tested."""
    if layer.matched_significant is None or not layer.matched_units:
        return ""
    return f"{layer.matched_significant:,} of these units more than chance"


def _answer(findings: Findings, layer: Layer, bars: Sequence[tuple[DissectedConcept, int, int]]) -> tuple[str, str]:
    if not bars:
        return "None of the concepts.", _best(findings, layer)
    most = sorted(bars, key=lambda bar: -bar[1])[:3]
    answer = words.sentence_case(words.listed([concept.name for concept, *_ in most])) + ", mostly."
    if len(bars) == len(most):
        answer = answer.replace(", mostly.", ".")
    share = f"{layer.matched_units:,} of {words.count(layer.units, 'unit')}"
    matches = ", ".join(filter(None, (f"{share} match {words.count(len(bars), 'concept')}", _beyond(layer))))
    return answer, f"{matches}. {_best(findings, layer)}"


def _best(findings: Findings, layer: Layer) -> str:
    """Name the layer's unit with the highest IoU, even if it matches no concept."""
    if layer.last == layer.first:
        return "The run has no units of this layer."
    place = layer.first + int(findings.units.iou[layer.first : layer.last].argmax())
    label, iou = findings.label_of(place), words.ratio(float(findings.units.iou[place]))
    if label is None:
        return "None of its units has a label."
    if not findings.units.matched[place]:
        best = f"the highest IoU is {iou} ({label.name}, unit {findings.units.unit[place]})"
        return f"No unit of this layer has an IoU above {findings.iou_threshold:g}; {best}."
    return f"The best is unit {findings.units.unit[place]}: {label.name}, IoU {iou}."


def _row(site: Site, place: int) -> UnitRow:
    findings, chips = site.findings, site.chips
    units, second = findings.units, findings.pairs.of(place, 2)["concept"]
    return UnitRow(
        chip=chips.units[place],
        order=f"{units.iou[place]:.6f}",
        runner_up=chips.concepts[int(second[1])].name if len(second) > 1 else "",
    )
