"""The page of a unit: what does it detect?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.core import charts
from dissectory.report.core.chips import gallery, image_name, unit_href
from dissectory.report.core.neighbors import Neighbors
from dissectory.report.edits.shots import alone_view, counterexample_shots
from dissectory.report.frame.views import Each
from dissectory.report.removals.needs import unit_needs
from dissectory.report.textures.charts import ratio, spread
from dissectory.report.textures.reading import Textures

if TYPE_CHECKING:
    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.chips import Chips, ConceptLink, Gallery, UnitChip
    from dissectory.report.core.findings import Findings, Layer
    from dissectory.report.edits.shots import Alone, Shots
    from dissectory.report.removals.needs import UnitNeeds
    from dissectory.report.site import Site

RUNNERS = 8
"""Concepts in the list of a unit, its label included."""


@dataclass(frozen=True, slots=True)
class Runner:
    """A concept that a unit overlaps with; `spread` is the interval on the bar, if the concept is the label."""

    concept: ConceptLink
    iou: str
    width: str
    spread: str
    above: bool
    intersection: str
    union: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A number and its meaning."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class UnitPage:
    """The page of a unit."""

    title: str
    href: str
    layer: Layer
    unit: int
    answer: str
    remark: str
    chip: UnitChip
    label: ConceptLink | None
    evidence: str
    certainty: tuple[str, ...]
    iou_threshold: str
    facts: tuple[Fact, ...]
    runners: tuple[Runner, ...]
    overlapping: int
    histogram: Chart | None
    gallery: Gallery | None
    alone: Alone | None
    counterexamples: Shots | None
    needs: UnitNeeds | None
    before: UnitChip | None
    after: UnitChip | None
    same_layer: tuple[UnitChip, ...]
    other_layers: tuple[UnitChip, ...]


def unit_pages(site: Site) -> Each[int, UnitPage]:
    """Make the page of each unit."""
    return Each(range(len(site.findings.units)), partial(unit_page, site))


def unit_page(site: Site, place: int) -> UnitPage:
    """Make the page of the unit at a place."""
    findings, chips = site.findings, site.chips
    layer, label, chip = findings.layer_of(place), findings.label_of(place), chips.units[place]
    answer, remark = _answer(findings, place)
    same_layer, other_layers = _nearest(site, place)
    return UnitPage(
        title=f"Unit {chip.unit} of {layer.name}" + (f": {label.name}" if label and chip.matched else ""),
        href=unit_href(findings, place),
        layer=layer,
        unit=chip.unit,
        answer=answer,
        remark=remark,
        chip=chip,
        label=chips.concept(int(findings.units.concept[place])),
        evidence=_evidence(chip),
        certainty=_sureness(findings, chip, place),
        iou_threshold=f"{findings.iou_threshold:g}",
        facts=(*_facts(findings, chips, place), *_texture(site, place)),
        runners=_runners(findings, chips, place),
        overlapping=len(findings.pairs.of(place)["concept"]),
        histogram=_histogram(findings, place),
        gallery=_gallery(findings, chip, place),
        alone=alone_view(site, place),
        counterexamples=counterexample_shots(site, place),
        needs=unit_needs(site, place),
        before=chips.units[place - 1] if place > layer.first else None,
        after=chips.units[place + 1] if place + 1 < layer.last else None,
        same_layer=same_layer,
        other_layers=other_layers,
    )


def _answer(findings: Findings, place: int) -> tuple[str, str]:
    """Say what the unit detects, and why."""
    units, label = findings.units, findings.label_of(place)
    iou, iou_threshold = words.ratio(float(units.iou[place])), f"{findings.iou_threshold:g}"
    if not math.isfinite(units.threshold[place]) or units.active[place] == 0:
        return "Nothing.", "The unit is never active: its activation never rises above a threshold."
    if units.flat[place]:
        return "Unknown.", (
            "The unit is flat: around its threshold, its activations differ by no more than rounding. Where it is "
            "active depends on the device, so it has no label."
        )
    if label is None:
        return "None of the concepts.", "No concept of this study is present where the unit is active."
    if not units.matched[place]:
        remark = f"Its IoU is above {iou_threshold} with no concept; the highest IoU is {iou}, with {label.name}."
        return "None of the concepts.", remark
    shown = words.shown_as(label.name, label.category)
    if units.doubtful[place]:
        remark = (
            f"Its IoU with {label.name} is {iou}, above the IoU threshold of {iou_threshold}, but this may be chance."
        )
        return f"{shown}, perhaps.", remark
    return f"{shown}, probably.", f"Its IoU with {label.name} is {iou}, above the IoU threshold of {iou_threshold}."


def _evidence(chip: UnitChip) -> str:
    """Return interval and q-value of the label, or say that they are missing."""
    if not chip.concept:
        return ""
    return (
        ", ".join(filter(None, (chip.interval, chip.q_value)))
        or "this run has no confidence intervals and no tests against chance"
    )


def _sureness(findings: Findings, chip: UnitChip, place: int) -> tuple[str, ...]:
    """Explain interval and q-value of the label."""
    said = []
    if chip.interval:
        said.append(f"The 95 % confidence interval of the IoU, over images of the same kind, is {chip.interval}.")
    if chip.q_value:
        verdict = "This label may be chance" if chip.doubtful else "This label is more than chance"
        false = words.expected_false(float(findings.units.q_value[place]))
        said.append(f"{verdict}: of all labels with a q-value as low, {false} are expected to be false.")
    return tuple(said)


def _facts(findings: Findings, chips: Chips, place: int) -> tuple[Fact, ...]:
    units = findings.units
    threshold = float(units.threshold[place])
    facts = [
        Fact("Threshold t", words.number(threshold), "activation above which the unit is active")
        if math.isfinite(threshold)
        else Fact("Threshold t", "none", "the unit is never active"),
        Fact("Peak", words.number(float(units.peak[place])), "highest activation on any image"),
        Fact(
            "Mean ± s.d.",
            f"{words.number(float(units.mean[place]))} ± {words.number(float(units.std[place]))}",
            "of the activation, over the whole map and all images",
        ),
        Fact("Active", words.percent(float(units.active_fraction[place])), "of all positions of all images"),
    ]
    if math.isfinite(units.iqr[place]):
        facts.append(_by_information(findings, chips, place))
    return tuple(facts)


def _by_information(findings: Findings, chips: Chips, place: int) -> Fact:
    """Name the concept with the highest information quality ratio, at its own best threshold."""
    units = findings.units
    best = chips.concept(int(units.iqr_concept[place]))
    if not best:
        return Fact("Best by IQR", "none", "it has no information about any concept")
    threshold = words.number(float(units.iqr_threshold[place]))
    return Fact(
        "Best by IQR",
        best.name,
        f"information quality ratio {words.ratio(float(units.iqr[place]))}, at the threshold {threshold}",
    )


def _nearest(site: Site, place: int) -> tuple[tuple[UnitChip, ...], tuple[UnitChip, ...]]:
    """Return the most similar units of the same layer, and of the other layers."""
    neighbors = site.reading(Neighbors)
    if neighbors is None:
        return (), ()
    both = (neighbors.same_layer[place].tolist(), neighbors.other_layers[place].tolist())
    return site.chips.chosen(both[0]), site.chips.chosen(both[1])


def _texture(site: Site, place: int) -> tuple[Fact, ...]:
    """Say whether the unit is active at the same positions with other textures."""
    textures = site.reading(Textures)
    if textures is None or not math.isfinite(textures.agreement[place]):
        return ()
    chance = ratio(float(textures.chance[place]))
    more = "; ".join(filter(None, (spread(textures, place), f"chance level {chance}" if chance else "")))
    meaning = "of its active positions are the same with other textures" + (f" ({more})" if more else "")
    return (Fact("Agreement", ratio(float(textures.agreement[place])), meaning),)


def _runners(findings: Findings, chips: Chips, place: int) -> tuple[Runner, ...]:
    rows = {name: column.tolist() for name, column in findings.pairs.of(place, RUNNERS).items()}
    label = int(findings.units.concept[place])
    return tuple(
        Runner(
            concept=chips.concepts[concept],
            iou=words.ratio(iou),
            width=chips.width(iou),
            spread=chips.units[place].spread if concept == label else "",
            above=iou > findings.iou_threshold and not findings.units.flat[place],
            intersection=f"{both:,}",
            union=f"{either:,}",
        )
        for concept, iou, both, either in zip(
            rows["concept"], rows["iou"], rows["intersection"], rows["union"], strict=True
        )
    )


def _histogram(findings: Findings, place: int) -> Chart | None:
    rows = findings.bins.of(place)
    if not len(rows["count"]):
        return None
    threshold = float(findings.units.threshold[place])
    return charts.activations(rows["low"], rows["high"], rows["count"], threshold, findings.quantile)


def _gallery(findings: Findings, chip: UnitChip, place: int) -> Gallery | None:
    if not chip.sprite:
        return None
    rows = findings.tops.of(place)
    peaks = [words.number(peak) for peak in rows["peak"].tolist()]
    names = [image_name(findings, image) for image in rows["image"].tolist()]
    captions = [(f"{name}, peak activation {peak}", peak) for name, peak in zip(names, peaks, strict=True)]
    return gallery(findings, chip.sprite, findings.manifest.pictures.unit_tiles, captions)
