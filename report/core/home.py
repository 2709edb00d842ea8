"""The first page: the best units, the layers, the study and its provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.compare.page import compared
from dissectory.report.control.page import summary
from dissectory.report.core import charts
from dissectory.report.core.gallery import about_images, generated_from, has_gallery
from dissectory.report.core.layer import concept_counts
from dissectory.report.edits.vanished import vanished
from dissectory.report.removals.needs import headline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dissectory.report.charts.chart import Chart
    from dissectory.report.compare.page import Compared
    from dissectory.report.control.page import ControlSummary
    from dissectory.report.core.chips import ConceptLink, UnitChip
    from dissectory.report.core.findings import Findings, Ints, Layer
    from dissectory.report.edits.vanished import Vanished
    from dissectory.report.removals.needs import Headline
    from dissectory.report.site import Site, SiteLink

BEST = 12
"""Units on the first page, each for another concept."""


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row of the table of layers; `counts` are the numbers of different matched concepts by category."""

    layer: Layer
    counts: tuple[int, ...]
    share: str
    beyond: str
    commonest: ConceptLink | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of provenance."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class HomePage:
    """The first page."""

    title: str
    answer: str
    remark: str
    about: str
    has_gallery: bool
    related: tuple[SiteLink, ...]
    best: tuple[UnitChip, ...]
    chart: Chart
    layers: tuple[LayerRow, ...]
    control: ControlSummary | None
    compared: Compared | None
    headline: Headline | None
    vanished: Vanished | None
    categories: tuple[str, ...]
    tested: bool
    origins: tuple[Origin, ...]
    stages: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    iou_threshold: str


def home_page(site: Site) -> HomePage:
    """Make the first page."""
    findings, manifest = site.findings, site.run.manifest
    answer, remark = _answer(findings)
    return HomePage(
        title=site.title,
        answer=answer,
        remark=remark,
        about=about_images(findings),
        has_gallery=has_gallery(site),
        related=site.related,
        best=site.chips.chosen(best_places(findings)),
        chart=charts.matched_by_layer(findings.layers, *category_counts(findings)),
        layers=tuple(_layer_row(site, layer) for layer in findings.layers),
        control=summary(site),
        compared=compared(site),
        headline=headline(site),
        vanished=vanished(site),
        categories=CATEGORIES,
        tested=any(layer.matched_significant is not None for layer in findings.layers),
        origins=tuple(_origins(findings)),
        stages=tuple((stage, words.duration(seconds)) for stage, seconds in manifest.seconds.items()),
        versions=tuple(manifest.versions.items()),
        settings=tuple(_settings(manifest.study)),
        skipped=tuple((skipped.path, skipped.reason) for skipped in manifest.skipped),
        notes=manifest.notes,
        iou_threshold=f"{findings.iou_threshold:g}",
    )


def best_places(findings: Findings) -> list[int]:
    """Return the places of the units with the highest IoU, one for each concept; what may be chance comes last."""
    units = findings.units
    order = np.lexsort((-units.iou, units.doubtful))
    order = order[units.matched[order] & (units.concept[order] >= 0)]
    _, first = np.unique(units.concept[order], return_index=True)
    return [int(place) for place in order[np.sort(first)][:BEST]]


def category_counts(findings: Findings) -> tuple[Ints, Ints]:
    """Count the matched units `(layer, category)`, and separately those that may be chance `(layer,)`."""
    numbers = {category: place for place, category in enumerate(CATEGORIES)}
    counts = np.zeros((len(findings.layers), len(CATEGORIES)), dtype=np.int64)
    doubtful = np.zeros(len(findings.layers), dtype=np.int64)
    units = findings.units
    of_concept = np.array([numbers[concept.category] for concept in findings.concepts] or [0], dtype=np.int64)  # type: ignore[index] # the five categories
    matched = units.matched & (units.concept >= 0)
    chosen = matched & ~units.doubtful
    np.add.at(counts, (units.layer[chosen], of_concept[units.concept[chosen]]), 1)
    np.add.at(doubtful, units.layer[matched & units.doubtful], 1)
    return counts, doubtful


def _answer(findings: Findings) -> tuple[str, str]:
    units = findings.units
    matched = units.matched & (units.concept >= 0)
    layers = words.count(len(findings.layers), "layer")
    total = f"{words.count(len(units), 'unit')} in {layers}"
    if not matched.any():
        best = f"; the highest IoU is {words.ratio(float(units.iou.max(initial=0)))}" if len(units) else ""
        return "None of the concepts.", f"Of {total}, none has an IoU above {findings.iou_threshold:g}{best}."
    different = len(set(units.concept[matched].tolist()))
    answer = f"{words.count(different, 'concept')}, by {words.count(int(matched.sum()), 'unit')}."
    most = np.bincount(units.concept[matched], minlength=1).argmax()
    return answer, (
        f"Of {total}, {words.percent(float(matched.mean()))} match a concept with an IoU above "
        f"{findings.iou_threshold:g}{_beyond(findings)}. "
        f"The most common label is {findings.concepts[int(most)].name}."
    )


def _beyond(findings: Findings) -> str:
    """Say how many matched units are more than chance, if that was tested."""
    tested = [layer.matched_significant for layer in findings.layers if layer.matched_significant is not None]
    return f", {sum(tested):,} of them more than chance" if tested else ""


def _layer_row(site: Site, layer: Layer) -> LayerRow:
    findings, chips = site.findings, site.chips
    bars = concept_counts(findings, layer)
    commonest = max(bars, key=lambda bar: bar[1])[0] if bars else None
    return LayerRow(
        layer=layer,
        counts=tuple(sum(concept.category == category for concept, *_ in bars) for category in CATEGORIES),
        share=words.share(layer.matched_units / layer.units) if layer.units else "0 %",
        beyond="" if layer.matched_significant is None else f"{layer.matched_significant:,}",
        commonest=chips.concepts[commonest.row] if commonest else None,
    )


def _origins(findings: Findings) -> Iterator[Origin]:
    manifest, study = findings.manifest, findings.manifest.study
    model, dissection = study.get("model", {}), study.get("dissection", {})
    yield Origin("Network", str(manifest.model.get("source") or model.get("source", "not recorded")), code=True)
    if "parameters" in manifest.model:
        yield Origin("Parameters", words.number(float(manifest.model["parameters"])))
    skipped = f", {len(manifest.skipped):,} skipped" if manifest.skipped else ""
    folder = study.get("images", {}).get("folder", "a folder")
    source = f"generated, {generated_from(findings)}" if "latents" in study else f"from {folder}{skipped}"
    yield Origin("Images", f"{manifest.images:,} {source}")
    yield Origin("Concepts", f"{len(findings.concepts):,} from {words.listed(_sources(study))}")
    yield Origin(
        "A unit is active", f"at the {words.percent(findings.quantile)} of positions with its highest activations"
    )
    yield Origin("A unit matches", f"a concept with an IoU above {findings.iou_threshold:g}")
    grid = f"{manifest.grid} by {manifest.grid} positions for each image"
    yield Origin("Grid", f"{grid}, borders: {dissection.get('border', 'zeros')}")
    if manifest.created:
        yield Origin("Date", words.day(manifest.created))
    if manifest.seconds:
        yield Origin("Wall time", words.duration(manifest.seconds.get("total", sum(manifest.seconds.values()))))
    for name, digest in manifest.hashes.items():
        if digest:
            yield Origin(f"SHA-256 of {name}", digest, code=True)


def _sources(study: dict[str, dict[str, Any]]) -> list[str]:
    return [str(source) for source in study.get("concepts", {}).get("sources", ())] or ["a source that is not recorded"]


def _settings(study: dict[str, dict[str, Any]]) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    for section, values in study.items():
        if isinstance(values, dict) and values:
            yield section, tuple((key, _setting(value)) for key, value in values.items())


def _setting(value: object) -> str:
    return words.listed([str(item) for item in value]) if isinstance(value, (list, tuple)) else str(value)
