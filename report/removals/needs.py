"""What classes lose without units, for the first page and the pages of layers and units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.report import words
from dissectory.report.removals.detectors import Detectors
from dissectory.report.removals.importance_charts import (
    detector_density,
    interpretability_by_importance,
    interpretability_by_led,
)
from dissectory.report.removals.reading import MOST_IMPORTANT, Removals, meaning

if TYPE_CHECKING:
    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.findings import Layer
    from dissectory.report.removals.reading import Curve
    from dissectory.report.site import Site

DETECTED = 2
"""The number of sets of images on a unit's page that the unit detects."""


@dataclass(frozen=True, slots=True)
class HeadlineRow:
    """A layer: the means over classes of balanced accuracy, and of the accuracy over all classes."""

    layer: str
    href: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """What a network loses without units."""

    says: str
    head: tuple[str, ...]
    rows: tuple[HeadlineRow, ...]


@dataclass(frozen=True, slots=True)
class NeedingClass:
    """A class that needs a unit."""

    name: str
    href: str
    rank: int
    drop: str
    lead: str


@dataclass(frozen=True, slots=True)
class UnitNeeds:
    """The classes that need a unit, and the images that it detects."""

    removed: bool
    says: str
    classes: tuple[NeedingClass, ...]
    detectors: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class LayerNeeds:
    """Importance and IoU of a layer's units."""

    led: Chart
    groups: Chart | None


_HEAD = (
    "all units",
    "without the 4 most important",
    "without 20",
    "20 random units removed",
    "only the 20 most important units kept",
)


def headline(site: Site) -> Headline | None:
    """Average over classes, layer by layer; `None` if no class has enough images."""
    findings, removals = site.findings, site.reading(Removals)
    if removals is None:
        return None
    rows, count = [], 0
    for layer in removals.layers:
        curves = [(loss.remove, loss.keep) for loss in removals.losses[layer].values() if loss.remove]
        known = [(remove, keep) for remove, keep in curves if math.isfinite(remove.at(0) or math.nan)]
        if known:
            one = findings.layers[layer]
            rows.append(HeadlineRow(one.name, one.href, _cells(known)))
            count = max(count, len(known))
    if not rows:
        return None
    return Headline(
        f"Balanced accuracy, mean over {words.count(count, 'class', 'classes')}; units are ranked for each class. The "
        f"number in brackets is the accuracy over all classes. {meaning(removals.ablations)}",
        ("layer", *_HEAD),
        tuple(rows),
    )


def _cells(curves: list[tuple[Curve, Curve | None]]) -> tuple[str, ...]:
    removed = [remove for remove, _ in curves]
    kept = [keep for _, keep in curves if keep]
    return (
        *(_cell(_mean(removed, size, "accuracy"), _mean(removed, size, "everything")) for size in (0, 4, 20)),
        _cell(_mean(removed, 20, "random"), None),
        _cell(_mean(kept, 20, "accuracy"), _mean(kept, 20, "everything")),
    )


def _mean(curves: list[Curve], size: int, column: str) -> float:
    values = [float(getattr(one, column)[one.sizes.index(size)]) for one in curves if size in one.sizes]
    known = [value for value in values if math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan


def _cell(mean: float, everything: float | None) -> str:
    if not math.isfinite(mean):
        return ""
    beside = f" ({words.percent(everything)})" if everything is not None and math.isfinite(everything) else ""
    return f"{words.percent(mean)}{beside}"


def unit_needs(site: Site, place: int) -> UnitNeeds | None:
    """Say which classes need a unit, and what it detects; `None` if neither was measured."""
    removals, detectors = site.reading(Removals), site.reading(Detectors)
    layer = int(site.findings.units.layer[place])
    measured = removals is not None and layer in removals.layers
    charts = tuple(detector_density(one) for one in (detectors.of_unit.get(place, ()) if detectors else ())[:DETECTED])
    if not measured and not charts:
        return None
    needed = removals.needed.get(place, ()) if removals else ()
    count = len(removals.sharers.get(place, ())) if removals else 0
    classes = tuple(
        NeedingClass(
            removals.classes[number].name,
            removals.classes[number].href,
            need.rank + 1,
            words.signed_percent(-need.drop, decimals=1) if math.isfinite(need.drop) else "not removed",
            words.number(need.lead_drop) if math.isfinite(need.lead_drop) else "",
        )
        for number, need in needed
        if removals
    )
    return UnitNeeds(measured, _says(count, len(needed)), classes, charts)


def _says(count: int, shown: int) -> str:
    """Say for how many classes a unit is among the most important ones."""
    of = words.count(count, "class", "classes") if count else "no class"
    some = f"; the {shown} with the highest rank are shown" if shown < count else ""
    return f"The unit is among the {MOST_IMPORTANT} most important units of {of}{some}."


def layer_needs(site: Site, number: int) -> LayerNeeds | None:
    """Compare importance and IoU; `None` if no units of the layer were removed."""
    findings, removals = site.findings, site.reading(Removals)
    if removals is None or number not in removals.importance:
        return None
    layer: Layer = findings.layers[number]
    found, iou = removals.importance[number], findings.units.iou[layer.first : layer.last]
    dropped = np.isfinite(found.mean_drop).any() and np.nanmax(np.abs(found.mean_drop)) > 0
    chart = (
        interpretability_by_importance(found.mean_drop, iou, "drop of balanced accuracy")
        if dropped
        else interpretability_by_importance(found.mean_lead_drop, iou, "lead lost")
    )
    return LayerNeeds(interpretability_by_led(found.classes_led, iou), chart)
