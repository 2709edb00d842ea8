"""Charts of units on other images than the study's: those of an attack, copies with other textures."""

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
"""What groups of units are called, in the order of telling."""

_ROW = 50


def group_changes(attacks: Attacks) -> Chart:
    """How much the peak activations of groups of units change in an attack, with intervals."""
    told = attacks.told
    frame = Frame(width=560, height=64 + _ROW * len(told), left=8, right=20, top=4, bottom=40)
    top = max([1e-6, *(end for span, _ in told.values() for end in (span.value, span.high) if math.isfinite(end))])
    marks = ticks(top * 1.05)
    paths = {"rule": "".join(f"M{_x(frame, tick, top):.1f} {frame.top}V{frame.base}" for tick in marks)}
    texts = [Text(_x(frame, tick, top), frame.base + 17, f"{tick:g}", "middle") for tick in marks]
    texts.append(Text(frame.end, frame.base + 36, "change of peak activation", "end quiet"))
    for place, (name, (span, _)) in enumerate(told.items()):
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
        data=embed({"groups": [[GROUPS[name], *_numbers(span), images] for name, (span, images) in told.items()]}),
        head=("group", "change", "99 % interval", "images"),
        rows=tabulate(
            (GROUPS[name], words.number(span.value), interval(span), f"{images:,}")
            for name, (span, images) in told.items()
        ),
    )


def _x(frame: Frame, value: float, top: float) -> float:
    return frame.x(max(0.0, value) / (top * 1.05))


def _lying(frame: Frame, span: Estimate, y: float, top: float, cap: float = 5) -> str:
    """A horizontal interval with its ends as path data; nothing where there is none."""
    if not math.isfinite(span.low):
        return ""
    low, high = _x(frame, span.low, top), _x(frame, span.high, top)
    return f"M{low:.1f} {y - cap:.1f}v{2 * cap}m0 {-cap}H{high:.1f}m0 {-cap}v{2 * cap}"


def interval(span: Estimate) -> str:
    """The ends of an interval; empty where there is none."""
    return f"{words.number(span.low)} to {words.number(span.high)}" if math.isfinite(span.low) else ""


def _numbers(span: Estimate) -> list[float | None]:
    return [round(value, 6) if math.isfinite(value) else None for value in (span.value, span.low, span.high)]


def _says(attacks: Attacks) -> str:
    told = attacks.told
    if set(told) <= {"all"}:
        return (
            f"How much the peak activation of a unit of {attacks.layer} changes, over all units: which ones matter "
            "most to a class is not known in this run. The interval holds 99 %."
        )
    return (
        f"How much the peak activation of a unit of {attacks.layer} changes: of the {attacks.important} units that "
        f"matter most to the class that an image is to be taken for (the target), of the {attacks.important} that "
        "matter most to its own (the source), and of the others. Intervals over images hold 99 %."
    )
