"""The chart of an attack: the change of peak activations by groups of units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import dot
from dissectory.report.charts.scales import ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from dissectory.report.attacks.reading import Attacks
    from dissectory.report.estimate import Estimate

GROUPS = {
    "target": "units of the target",
    "source": "units of the source",
    "other": "all other units",
    "all": "all units",
}
"""The names of the groups of units, in the order of the chart."""

_ROW = 50


def group_changes(attacks: Attacks) -> Chart:
    """Draw the change of the peak activations of groups of units in an attack, with confidence intervals."""
    measured = attacks.measured
    frame = Frame(width=560, height=64 + _ROW * len(measured), left=8, right=20, top=4, bottom=40)
    top = max([1e-6, *(end for span, _ in measured.values() for end in (span.value, span.high) if math.isfinite(end))])
    marks = ticks(top * 1.05)
    paths = {"rule": "".join(f"M{_x(frame, tick, top):.1f} {frame.top}V{frame.base}" for tick in marks)}
    texts = [Text(_x(frame, tick, top), frame.base + 17, f"{tick:g}", "middle") for tick in marks]
    texts.append(Text(frame.end, frame.base + 36, "change of peak activation", "end quiet"))
    for place, (name, (span, _)) in enumerate(measured.items()):
        y = frame.top + _ROW * (place + 0.72)
        look = "own" if name in {"target", "source"} else "other"
        paths["whisker"] = paths.get("whisker", "") + _lying(frame, span, y, top)
        paths[look] = paths.get(look, "") + dot(_x(frame, span.value, top), y, 5)
        texts.append(Text(frame.left + 8, y - 14, GROUPS[name], "strong" if look == "own" else ""))
    return Chart(
        kind="changes",
        says=_says(attacks),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed({"groups": [[GROUPS[name], *_numbers(span), images] for name, (span, images) in measured.items()]}),
        head=("group", "change", "99 % confidence interval", "images"),
        rows=tabulate(
            (GROUPS[name], words.number(span.value), interval(span), f"{images:,}")
            for name, (span, images) in measured.items()
        ),
    )


def _x(frame: Frame, value: float, top: float) -> float:
    return frame.x(max(0.0, value) / (top * 1.05))


def _lying(frame: Frame, span: Estimate, y: float, top: float, cap: float = 5) -> str:
    """Return a horizontal interval with its ends as path data; empty if it was not measured."""
    if not math.isfinite(span.low):
        return ""
    low, high = _x(frame, span.low, top), _x(frame, span.high, top)
    return f"M{low:.1f} {y - cap:.1f}v{2 * cap}m0 {-cap}H{high:.1f}m0 {-cap}v{2 * cap}"


def interval(span: Estimate) -> str:
    """Return the ends of an interval; empty if it was not measured."""
    return f"{words.number(span.low)} to {words.number(span.high)}" if math.isfinite(span.low) else ""


def _numbers(span: Estimate) -> list[float | None]:
    return [round(value, 6) if math.isfinite(value) else None for value in (span.value, span.low, span.high)]


def _says(attacks: Attacks) -> str:
    measured = attacks.measured
    if set(measured) <= {"all"}:
        return (
            f"Change of the peak activation of a unit of {attacks.layer}, mean over all units, with its 99 % "
            "confidence interval. This run does not know which units are most important for a class."
        )
    return (
        f"Change of the peak activation of a unit of {attacks.layer}: of the {attacks.important} most important units "
        f"for the class that the attack aims at (the target), of the {attacks.important} most important units for the "
        "image's own class (the source), and of all other units. The confidence intervals (99 %) are over images."
    )
