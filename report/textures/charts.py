"""The chart of agreement: how much a layer's units agree on images and on copies with other textures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, dot
from dissectory.report.charts.scales import ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.core.findings import Findings, Floats, Layer
    from dissectory.report.textures.reading import Textures

_NO_MATCH = "no match"


def agreement_of_layer(findings: Findings, layer: Layer, textures: Textures) -> Chart:
    """Draw each unit's agreement on images and on their copies with other textures, by the category of its match."""
    places = range(layer.first, layer.last)
    kinds = [_kind(findings, place) for place in places]
    columns = [name for name in (*CATEGORIES, _NO_MATCH) if name in kinds]
    frame = Frame(width=max(560, 60 + 110 * len(columns)), height=300, bottom=36, left=50)
    agreement = textures.agreement[layer.first : layer.last]
    top = max([0.1, *agreement[np.isfinite(agreement)].tolist()]) * 1.04
    chance = mean(textures.chance[layer.first : layer.last])
    paths = {"rule": across(frame, (tick / top for tick in ticks(top))), "other": "", "cut": ""}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in ticks(top)]
    for kind, unit, value in zip(kinds, places, agreement.tolist(), strict=True):
        if math.isfinite(value):
            look = "other" if kind == _NO_MATCH else kind
            x = frame.x((columns.index(kind) + 0.22 + 0.56 * (unit * 0.618034 % 1)) / len(columns))
            paths[look] = paths.get(look, "") + dot(x, frame.y(value / top), 3.5)
    for number, kind in enumerate(columns):
        middle = mean(_of_kind(agreement, kinds, kind))
        texts.append(Text(frame.x((number + 0.5) / len(columns)), frame.base + 18, kind, "middle"))
        if math.isfinite(middle):
            left, right = (frame.x((number + share) / len(columns)) for share in (0.16, 0.84))
            paths["mean"] = paths.get("mean", "") + f"M{left:.1f} {frame.y(middle / top):.1f}H{right:.1f}"
    if math.isfinite(chance):
        paths["cut"] = across(frame, [chance / top])
        texts.append(Text(frame.end, frame.y(chance / top) - 5, "chance", "cut end"))
    shown = list(zip(kinds, places, strict=True))
    return Chart(
        kind="agreement",
        says=_says_agreement(findings, layer, textures),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed(
            {
                "columns": columns,
                "points": [
                    [columns.index(kind), int(findings.units.unit[place]), round(float(textures.agreement[place]), 5)]
                    for kind, place in shown
                    if math.isfinite(textures.agreement[place])
                ],
                "chance": round(chance, 5) if math.isfinite(chance) else None,
            }
        ),
        head=("unit", "agreement", "95 % confidence interval", "chance", "matches"),
        rows=tabulate(_row(findings, textures, place, kind) for kind, place in shown),
    )


def _row(findings: Findings, textures: Textures, place: int, kind: str) -> tuple[str, ...]:
    """A unit's numbers in the table of the chart."""
    unit, agreement, chance = findings.units.unit[place], textures.agreement[place], textures.chance[place]
    return str(unit), ratio(float(agreement)), spread(textures, place), ratio(float(chance)), kind


def _kind(findings: Findings, place: int) -> str:
    """Return the category that a unit matches."""
    label = findings.label_of(place)
    return label.category if label and findings.units.matched[place] else _NO_MATCH


def _of_kind(values: Floats, kinds: Sequence[str], wanted: str) -> Floats:
    return values[[kind == wanted for kind in kinds]]


def mean(values: Floats) -> float:
    """Return the mean of the known values; NaN if there are none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def ratio(value: float) -> str:
    """Return a share with three decimals; empty if it is not known."""
    return words.ratio(value) if math.isfinite(value) else ""


def spread(textures: Textures, place: int) -> str:
    """Return the confidence interval of a unit's agreement; empty if it was not measured."""
    low, high = float(textures.low[place]), float(textures.high[place])
    return f"{words.ratio(low)} to {words.ratio(high)}" if math.isfinite(low) else ""


def _says_agreement(findings: Findings, layer: Layer, textures: Textures) -> str:
    """Say the mean agreement of a layer, and those of the first and the last layer."""
    own = mean(textures.agreement[layer.first : layer.last])
    if not math.isfinite(own):
        return f"No unit of {layer.name} is active on these images."
    beside = [
        f"{words.percent(value)} in {other.name}"
        for other in dict.fromkeys((findings.layers[0], findings.layers[-1]))
        if other is not layer and math.isfinite(value := mean(textures.agreement[other.first : other.last]))
    ]
    also = f" ({' and '.join(beside)})" if beside else ""
    return (
        f"Agreement: of the positions where a unit of {layer.name} is active in an image or in its copy with other "
        f"textures, the share where it is active in both. The mean is {words.percent(own)}{also}. A dot is a unit, by "
        f"the category that it matches; a line is a mean. There are {words.count(textures.pairs, 'pair')} of images."
    )
