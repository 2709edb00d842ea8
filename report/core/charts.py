"""The charts of layers, units and concepts, each from plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, box, diamond, dot, hatch, steps, upright, whisker
from dissectory.report.charts.scales import ticks, whole_ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.core.findings import DissectedConcept, Floats, Ints, Layer

MOST_DOTS = 400
"""The most dots of one chart: more would cover each other."""


@dataclass(frozen=True, slots=True)
class UnitPoint:
    """A unit of a concept's chart: its IoU with the concept, and whether the concept is its label.

    `low` and `high` are the ends of the confidence interval, NaN if it was not measured; a `doubtful` label may be
    chance.
    """

    layer: int
    unit: int
    iou: float
    own: bool = False
    doubtful: bool = False
    low: float = math.nan
    high: float = math.nan


def matched_by_layer(layers: Sequence[Layer], counts: Ints, doubtful: Ints) -> Chart:
    """Draw the matched units of every layer by category, stacked; on top are those whose label may be chance.

    Args:
        layers: in the order of the network.
        counts: other matched units `(layer, category)`, categories in the order of `CATEGORIES`.
        doubtful: matched units whose label may be chance `(layer,)`.
    """
    frame = Frame(width=max(520, min(1240, 60 + 130 * len(layers)), 60 + 76 * len(layers)), height=304, bottom=52)
    top = max((layer.units for layer in layers), default=1)
    paths: dict[str, str] = {"rule": across(frame, (tick / top for tick in ticks(top))), "whole": "", "doubt": ""}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in ticks(top)]
    for place, layer in enumerate(layers):
        left, right = frame.x((place + 0.18) / len(layers)), frame.x((place + 0.82) / len(layers))
        paths["whole"] += box(left, right, frame.y(layer.units / top), frame.base)
        below = 0
        for category, count in zip(CATEGORIES, counts[place].tolist(), strict=True):
            piece = box(left, right, frame.y((below + count) / top), frame.y(below / top)) if count else ""
            paths[category] = paths.get(category, "") + piece
            below += count
        most, middle = below + int(doubtful[place]), (left + right) / 2
        if most > below:
            paths["doubt"] += hatch(left, right, frame.y(most / top), frame.y(below / top))
        texts.append(Text(middle, frame.y(most / top) - 5, _sum(below, most), "middle strong"))
        texts.append(Text(middle, frame.base + 18, words.ending(layer.name), "middle", href=layer.href))
        texts.append(Text(middle, frame.base + 37, f"of {layer.units:,}", "middle quiet"))
    data = {
        "layers": [layer.name for layer in layers],
        "units": [layer.units for layer in layers],
        "counts": {category: counts[:, place].tolist() for place, category in enumerate(CATEGORIES)},
        "doubtful": doubtful.tolist(),
    }
    doubted = " the hatched part may be chance;" if doubtful.any() else ""
    return Chart(
        kind="layers",
        says=f"Units of each layer that match a concept, by its category;{doubted} the pale bar is the whole layer.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed(data),
        head=("layer", *CATEGORIES, "may be chance", "matched", "units"),
        rows=tabulate(
            (layer.name, *(f"{count:,}" for count in (*row, doubt, sum(row) + doubt, layer.units)))
            for layer, row, doubt in zip(layers, counts.tolist(), doubtful.tolist(), strict=True)
        ),
    )


def concepts_of_layer(bars: Sequence[tuple[DissectedConcept, int, int]]) -> Chart:
    """Draw a bar for every concept that units of a layer match, by category, then by the number of units.

    Args:
        bars: a concept, the number of units that match it, and the number of these whose label may be chance.
    """
    frame = Frame(width=max(420, min(1240, 60 + 44 * len(bars)), 60 + 22 * len(bars)), height=330, left=36, bottom=122)
    top = max((count for _, count, _ in bars), default=1)
    step = min(44.0, (frame.end - frame.left) / max(1, len(bars)))
    marks = whole_ticks(top)
    paths: dict[str, str] = {"rule": across(frame, (tick / top for tick in marks))}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in marks]
    for place, (concept, count, doubtful) in enumerate(bars):
        left = frame.left + (place + 0.16) * step
        right = frame.left + (place + 0.84) * step
        middle_y = frame.y((count - doubtful) / top)
        bar = box(left, right, middle_y, frame.base) if count > doubtful else ""
        paths[concept.category] = paths.get(concept.category, "") + bar
        if doubtful:
            look = f"doubt {concept.category}"
            paths[look] = paths.get(look, "") + hatch(left, right, frame.y(count / top), middle_y)
        middle = (left + right) / 2 + 4
        texts.append(Text(middle, frame.base + 13, words.beginning(concept.name), "end", turn=-50, href=concept.href))
        texts.append(Text((left + right) / 2, frame.y(count / top) - 4, _sum(count - doubtful, count), "middle quiet"))
    doubted = "; the hatched part may be chance" if any(doubtful for *_, doubtful in bars) else ""
    return Chart(
        kind="concepts",
        says=f"Number of units that match each concept, by category{doubted}.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed({"bars": [[concept.name, concept.category, *counts] for concept, *counts in bars]}),
        head=("concept", "category", "units", "may be chance"),
        rows=tabulate(
            (concept.name, concept.category, *(f"{count:,}" for count in counts)) for concept, *counts in bars
        ),
    )


def iou_distribution(ious: Floats, iou_threshold: float, bins: int = 40) -> Chart:
    """Draw the IoUs of a layer's labels as a histogram of about `bins` bins, with the threshold at an edge."""
    frame = Frame(width=560, height=240, top=26, bottom=42)
    reach = max(float(ious.max(initial=0)), iou_threshold * 1.5, 1e-3) * 1.02
    step = iou_threshold / max(1, round(iou_threshold / reach * bins)) if iou_threshold else reach / bins
    edges = step * np.arange(math.ceil(reach / step) + 1)
    top = float(edges[-1])
    counts, _ = np.histogram(ious, bins=edges)
    highest = max(1, int(counts.max()))
    marks = whole_ticks(highest)
    paths = {"rule": across(frame, (tick / highest for tick in marks)), "off": "", "on": ""}
    for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if count:
            bar = box(frame.x(low / top) + 0.5, frame.x(high / top) - 0.5, frame.y(count / highest), frame.base)
            paths["on" if low > iou_threshold - step / 2 else "off"] += bar
    paths["cut"] = upright(frame, iou_threshold / top)
    above = int((ious > iou_threshold).sum())
    texts = [Text(frame.left - 8, frame.y(tick / highest) + 4, f"{tick:g}", "end") for tick in marks]
    texts += [Text(frame.x(tick / top), frame.base + 17, f"{tick:g}", "middle") for tick in ticks(top, 6)]
    texts.append(Text(frame.x(iou_threshold / top) + 6, frame.top - 9, f"IoU threshold {iou_threshold:g}", "cut"))
    texts.append(Text(frame.end, frame.base + 36, "IoU of the label", "end quiet"))
    return Chart(
        kind="ious",
        says=f"IoU of the labels: {above:,} of {words.count(len(ious), 'unit')} are above the IoU threshold of "
        f"{iou_threshold:g}.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed({"step": step, "counts": counts.tolist(), "cut": iou_threshold}),
        head=("IoU from", "to", "units"),
        rows=tabulate(
            (f"{low:.4f}", f"{high:.4f}", f"{count:,}")
            for count, low, high in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        ),
    )


def activations(low: Floats, high: Floats, count: Ints, threshold: float, quantile: float) -> Chart:
    """Draw the histogram of a unit's activations, on a logarithmic scale of counts, with the unit's threshold."""
    frame = Frame(width=520, height=230, top=26, left=46, bottom=42)
    edges = np.append(low, high[-1])
    span = float(edges[-1] - edges[0]) or 1.0
    heights = np.log10(1 + count)
    highest = float(heights.max()) or 1.0
    x = np.round(frame.x(0) + (edges - edges[0]) * ((frame.x(1) - frame.x(0)) / span), 1).tolist()
    y = np.round(frame.base - heights * ((frame.base - frame.top) / highest), 1).tolist()
    active = int(np.searchsorted(low, threshold)) if math.isfinite(threshold) else len(y)
    powers = range(0, int(highest) + 1, 1 if highest < 4 else 2)  # noqa: PLR2004 - at most a handful of rules
    paths = [
        ("rule", across(frame, (power / highest for power in powers))),
        ("off", steps(x[: active + 1], y[:active], frame.base)),
        ("on", steps(x[active:], y[active:], frame.base)),
    ]
    texts = [Text(frame.left - 8, frame.y(power / highest) + 4, _power(power), "end") for power in powers]
    texts += [
        Text(frame.left, frame.base + 17, words.number(float(edges[0])), "start"),
        Text(frame.end, frame.base + 17, words.number(float(edges[-1])), "end"),
        Text(frame.end, frame.base + 36, "activation", "end quiet"),
    ]
    if math.isfinite(threshold):
        share = min(1.0, max(0.0, (threshold - float(edges[0])) / span))
        paths.append(("cut", upright(frame, share)))
        before = share > 0.6  # noqa: PLR2004 - the text stays inside the picture
        place = frame.x(share) + (-6 if before else 6)
        texts.append(Text(place, frame.top - 9, f"t = {words.number(threshold)}", "cut end" if before else "cut"))
    shown, counts = [f"{edge:.5g}" for edge in edges.tolist()], count.tolist()
    t = float(f"{threshold:.5g}") if math.isfinite(threshold) else None
    return Chart(
        kind="activations",
        says=f"Number of activations by value (logarithmic scale); {words.percent(quantile)} of positions are above t.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths, texts),
        links=(),
        data=embed({"edges": [float(edge) for edge in shown], "counts": counts, "t": t}),
        head=("from", "to", "activations"),
        rows=tabulate((shown[i], shown[i + 1], f"{many:,}") for i, many in enumerate(counts)),
    )


def units_of_concept(layers: Sequence[Layer], points: Sequence[UnitPoint], iou_threshold: float) -> Chart:
    """Draw every unit's IoU with one concept, layer by layer.

    Args:
        layers: in the order of the network.
        points: the highest IoU first.
        iou_threshold: the study's IoU threshold.
    """
    points = points[:MOST_DOTS]
    frame = Frame(width=max(480, 60 + 46 * len(layers)), height=340, bottom=36, left=50)
    top = (
        max(
            [1e-3, iou_threshold * 1.5, *(point.iou for point in points), *(p.high for p in points if _has_interval(p))]
        )
        * 1.04
    )
    paths = {"rule": across(frame, (tick / top for tick in ticks(top))), "other": "", "whisker": "", "own": ""}
    paths |= {"perhaps": "", "cut": across(frame, [iou_threshold / top])}
    for point in points:
        x = frame.x((point.layer + 0.22 + 0.56 * (point.unit * 0.618034 % 1)) / len(layers))
        if _has_interval(point):
            paths["whisker"] += whisker(x, frame.y(point.low / top), frame.y(point.high / top))
        paths[_look(point)] += (diamond if point.doubtful else dot)(x, frame.y(point.iou / top), 3.5)
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in ticks(top)]
    texts += [
        Text(frame.x((place + 0.5) / len(layers)), frame.base + 18, words.ending(layer.name), "middle", href=layer.href)
        for place, layer in enumerate(layers)
    ]
    texts.append(Text(frame.end, frame.y(iou_threshold / top) - 5, f"IoU threshold {iou_threshold:g}", "cut end"))
    return Chart(
        kind="strip",
        says="IoU of every unit that overlaps with the concept, layer by layer; " + _legend(points),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed({"layers": [layer.name for layer in layers], "points": _columns(points), "cut": iou_threshold}),
        head=("layer", "unit", "IoU", "95 % confidence interval", "is its label"),
        rows=tabulate(
            (layers[point.layer].name, str(point.unit), words.ratio(point.iou), _interval(point), _bears(point))
            for point in points
        ),
    )


def _columns(points: Sequence[UnitPoint]) -> list[list[float]]:
    """Return layer, unit, IoU, 0 for another label, 1 for its label, 2 for one that may be chance, and the interval."""
    return [
        [point.layer, point.unit, round(point.iou, 5), point.own + point.doubtful]
        + ([round(point.low, 5), round(point.high, 5)] if _has_interval(point) else [])
        for point in points
    ]


def _has_interval(point: UnitPoint) -> bool:
    return math.isfinite(point.low) and math.isfinite(point.high)


def _interval(point: UnitPoint) -> str:
    return f"{words.ratio(point.low)} to {words.ratio(point.high)}" if _has_interval(point) else ""


def _look(point: UnitPoint) -> str:
    return "perhaps" if point.doubtful else "own" if point.own else "other"


def _bears(point: UnitPoint) -> str:
    return "may be chance" if point.doubtful else "yes" if point.own else "no"


def _legend(points: Sequence[UnitPoint]) -> str:
    """Say what the dots of a concept's chart mean, if they occur."""
    says = "a filled dot is a unit whose label is the concept"
    if any(map(_has_interval, points)):
        says += ", with its confidence interval"
    if any(point.doubtful for point in points):
        says += "; a diamond is one whose label may be chance"
    return f"{says}."


def _sum(sure: int, most: int) -> str:
    """Return a number of matched units as those that are more than chance and those that may be chance."""
    return f"{most:,}" if sure == most else f"{sure:,} + {most - sure:,}"


def _power(power: int) -> str:
    return f"{10**power:,}" if power < 4 else f"10{''.join('⁰¹²³⁴⁵⁶⁷⁸⁹'[int(digit)] for digit in str(power))}"  # noqa: PLR2004
