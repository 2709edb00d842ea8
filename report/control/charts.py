"""Charts that compare a network with its control: the network is filled, the control an outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, box, dot, line, upright
from dissectory.report.charts.scales import ticks, whole_ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.core.findings import DissectedConcept, Floats, Ints, Layer

MOST_POINTS = 120
"""Points of a curve: a layer of thousands of units looks the same with them."""

ROW = 22
"""Height of one concept among paired dots."""


def matched_beside(layers: Sequence[Layer], control: Ints) -> Chart:
    """Draw the matched units of every layer, and those of the control `(layer,)`."""
    frame = Frame(width=max(520, min(1240, 60 + 130 * len(layers)), 60 + 76 * len(layers)), height=264, bottom=34)
    pairs = [(layer.matched_units, int(count)) for layer, count in zip(layers, control, strict=True)]
    top = max(1, *(count for pair in pairs for count in pair))
    marks = whole_ticks(top)
    paths = {"rule": across(frame, (tick / top for tick in marks)), "on": "", "control": ""}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in marks]
    for place, (layer, pair) in enumerate(zip(layers, pairs, strict=True)):
        for number, (look, count) in enumerate(zip(("on", "control"), pair, strict=True)):
            left, right = (frame.x((place + at) / len(layers)) for at in (0.18 + 0.33 * number, 0.49 + 0.33 * number))
            paths[look] += box(left, right, frame.y(count / top), frame.base) if count else ""
            texts.append(Text((left + right) / 2, frame.y(count / top) - 5, f"{count:,}", _strong(number)))
        middle = frame.x((place + 0.5) / len(layers))
        texts.append(Text(middle, frame.base + 18, words.ending(layer.name), "middle", href=layer.href))
    return Chart(
        kind="beside",
        says="Matched units of each layer: the network's (filled) and the control's (outlined).",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed({"layers": [layer.name for layer in layers], "matched": list(zip(*pairs, strict=True))}),
        head=("layer", "network", "control", "units"),
        rows=tabulate(
            (layer.name, f"{own:,}", f"{other:,}", f"{layer.units:,}")
            for layer, (own, other) in zip(layers, pairs, strict=True)
        ),
    )


def ranked_ious(network: Floats, control: Floats, iou_threshold: float) -> Chart:
    """Draw the IoUs of a layer's labels from the highest to the lowest, and those of the control."""
    frame = Frame(width=560, height=240, top=14, bottom=42)
    curves = [np.sort(ious)[::-1] for ious in (network, control)]
    top = max(1e-3, iou_threshold * 1.5, *(float(curve.max(initial=0)) for curve in curves)) * 1.04
    chosen = [np.unique(np.linspace(0, max(0, len(curve) - 1), MOST_POINTS).astype(int)) for curve in curves]
    points = [
        [(int(at), float(curve[at])) for at in places[: len(curve)]]
        for curve, places in zip(curves, chosen, strict=True)
    ]
    most = max(1, len(network), len(control))
    paths = {"rule": across(frame, (tick / top for tick in ticks(top)))}
    for look, curve in zip(("network", "control"), points, strict=True):
        paths[look] = line([(frame.x((at + 0.5) / most), frame.y(iou / top)) for at, iou in curve])
    paths["cut"] = across(frame, [iou_threshold / top])
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in ticks(top)]
    texts.append(Text(frame.left + 4, frame.y(iou_threshold / top) - 5, f"IoU threshold {iou_threshold:g}", "cut"))
    texts.append(Text(frame.left, frame.base + 17, "the best unit", "quiet"))
    texts.append(Text(frame.end, frame.base + 17, f"the last of {most:,}", "end quiet"))
    return Chart(
        kind="ranked",
        says="IoU of the labels of all units, from the highest to the lowest: the network's (solid) and the control's "
        "(dashed).",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed(
            {"curves": [[[at + 1, round(iou, 5)] for at, iou in curve] for curve in points], "cut": iou_threshold}
        ),
        head=("rank", "network", "control"),
        rows=tabulate(
            (str(at + 1), words.ratio(own), words.ratio(other)) for (at, own), (_, other) in zip(*points, strict=False)
        ),
    )


def paired_concepts(pairs: Sequence[tuple[DissectedConcept, float, float]], iou_threshold: float) -> Chart:
    """Draw two dots for every concept: the highest IoU of the network's units and of the control's units."""
    frame = Frame(width=540, height=44 + ROW * len(pairs), left=128, right=12, top=24, bottom=20)
    top = max([1e-3, iou_threshold * 1.5, *(iou for _, *both in pairs for iou in both)]) * 1.02
    paths = {"rule": "".join(f"M{frame.x(tick / top):.1f} {frame.top - 4}V{frame.base}" for tick in ticks(top, 6))}
    paths |= {"cut": upright(frame, iou_threshold / top), "span": "", "control": ""}
    texts = [Text(frame.x(tick / top), frame.base + 17, f"{tick:g}", "middle") for tick in ticks(top, 6)]
    for place, (concept, own, other) in enumerate(pairs):
        y = frame.top + (place + 0.5) * ROW
        left, right = sorted((frame.x(own / top), frame.x(other / top)))
        if right - left > 12:  # noqa: PLR2004 - the line ends where the dots begin
            paths["span"] += f"M{left + 5:.1f} {y}H{right - 5:.1f}"
        paths["control"] += dot(frame.x(other / top), y, 4.5)
        paths[concept.category] = paths.get(concept.category, "") + dot(frame.x(own / top), y, 5)
        texts.append(Text(frame.left - 12, y + 4, words.beginning(concept.name), "end", href=concept.href))
    texts.append(Text(frame.x(iou_threshold / top) + 6, frame.top - 9, f"IoU threshold {iou_threshold:g}", "cut"))
    return Chart(
        kind="pairs",
        says="The highest IoU of a unit with each concept: the network's (filled) and the control's (open).",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=tuple(text for text in texts if text.href),
        data=embed(
            {
                "pairs": [[concept.name, concept.category, own, other] for concept, own, other in pairs],
                "cut": iou_threshold,
            }
        ),
        head=("concept", "network", "control"),
        rows=tabulate((concept.name, words.ratio(own), words.ratio(other)) for concept, own, other in pairs),
    )


def _strong(number: int) -> str:
    return "middle quiet" if number else "middle strong"
