"""Charts of edits to a generator: units removed, and units forced on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, box, dot, line, whisker
from dissectory.report.charts.scales import free_height, ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.report.edits.reading import AblationResult, InsertionContext, InsertionResult
    from dissectory.report.estimate import Estimate

_LEAST = 0.2
"""The axis of changes goes down at least this far."""
_DWARFING = 0.5
"""The curve of another concept is drawn at most this high; its label has the value."""
_FEW = 5
"""A context with fewer locations is in the chart's table only."""
_BARS = 16
"""Contexts in a chart; its table has all of them."""


def ablation_curve(concept: str, ablation: AblationResult) -> Chart:
    """Draw the change of areas over the number of removed units.

    The curves are those of the concept, by each ranking of its units; of the concept when random units are removed; and
    of the other concepts that change most.
    """
    frame = Frame(width=580, height=300, left=54, right=140, top=16, bottom=44)
    series = _series(concept, ablation)
    low, high = _ends(ablation)
    span_of_axis = (high - low) * 1.05
    most = max(ablation.sizes) or 1

    def y(value: float) -> float:
        return frame.y((min(max(value, low), high) - low) / span_of_axis)

    def x(units: int) -> float:
        return frame.x(units / most)

    step = ticks(high - low)[1]
    marks = [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    paths = {"rule": across(frame, ((tick - low) / span_of_axis for tick in marks))}
    texts = [Text(frame.left - 8, y(tick) + 4, words.signed_percent(tick), "end") for tick in marks]
    texts += [Text(x(size), frame.base + 17, f"{size}", "middle") for size in ablation.sizes if size != 1]
    texts.append(Text(frame.end, frame.base + 36, "units removed", "end quiet"))
    ends: list[float] = []
    for look, name, spans in series:
        points = [(x(n), y(span.value)) for n, span in zip(ablation.sizes, spans, strict=True) if _known(span.value)]
        paths[f"curve {look}"] = paths.get(f"curve {look}", "") + line(points)
        if look == "own":
            bars = zip(ablation.sizes, spans, strict=True)
            paths["whisker"] = "".join(whisker(x(n), y(at.low), y(at.high)) for n, at in bars if _known(at.low))
            paths["own"] = "".join(dot(*point, 3) for point in points)
        if points:
            ends.append(free_height(points[-1][1] + 4, ends))
            strong = "strong" if look == "own" else "quiet"
            last = words.signed_percent(spans[-1].value) if _known(spans[-1].value) else ""
            texts.append(Text(frame.end + 8, ends[-1], f"{words.beginning(name)} {last}", strong))
    return Chart(
        kind="ablation",
        says=_says(concept, ablation),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed({"sizes": ablation.sizes, "series": [_curve(*one) for one in series]}),
        head=("units removed", *(name for _, name, _ in series)),
        rows=tabulate(
            (str(size), *(_shown(spans[place]) for _, _, spans in series)) for place, size in enumerate(ablation.sizes)
        ),
    )


def _curve(look: str, name: str, spans: Sequence[Estimate]) -> list[Any]:
    """A curve's numbers for the browser."""
    return [look, name, [_numbers(span) for span in spans]]


def _series(concept: str, ablation: AblationResult) -> list[tuple[str, str, tuple[Estimate, ...]]]:
    """Each curve of the chart: its look, its name and its values."""
    informed = [("informed", "units by IQR", ablation.informed)] if ablation.informed else []
    others = [("other", name, spans) for name, spans in ablation.others]
    return [("own", concept, ablation.own), *informed, ("random", "random units", ablation.random), *others]


def _ends(ablation: AblationResult) -> tuple[float, float]:
    """Return the ends of the axis: the concept's own curves fit; those of other concepts may be cut off."""
    own = [end for span in ablation.own for end in (span.value, span.low, span.high)]
    beside = [span.value for span in (*ablation.informed, *ablation.random)]
    others = [min(span.value, _DWARFING) for _, spans in ablation.others for span in spans]
    values = [value for value in (*own, *beside, *others) if _known(value)]
    return min([-_LEAST, *values]), max([0.0, *values])


def insertion_bars(concept: str, insertion: InsertionResult, grid: int) -> Chart:
    """Draw how much of a concept appears where its units are forced on, by the concept that was there before."""
    shown = _frequent(insertion)[:_BARS]
    frame = Frame(width=max(480, 60 + 40 * len(shown)), height=280, left=54, top=22, bottom=96)
    top = (max((context.added.value for context in shown), default=0) or 1.0) * 1.05
    step = min(40.0, (frame.end - frame.left) / max(1, len(shown)))
    marks = ticks(top)
    paths = {"rule": across(frame, (tick / top for tick in marks)), "on": ""}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in marks]
    for place, context in enumerate(shown):
        left = frame.left + place * step
        middle = left + step / 2
        paths["on"] += box(left + 0.16 * step, left + 0.84 * step, frame.y(context.added.value / top), frame.base)
        texts.append(Text(middle, frame.y(context.added.value / top) - 4, str(context.locations), "middle quiet"))
        texts.append(Text(middle + 4, frame.base + 13, words.beginning(context.name), "end", turn=-50))
    return Chart(
        kind="insertion",
        says=_says_inserted(concept, insertion, grid),
        width=frame.width,
        height=frame.height,
        marks=_paint_turned(paths, texts),
        links=(),
        data=embed({"bars": [[one.name, one.locations, *_numbers(one.added)] for one in shown]}),
        head=("context", "locations", "positions added", "99 % confidence interval"),
        rows=tabulate(_row(context) for context in insertion.contexts),
    )


def _paint_turned(paths: dict[str, str], texts: Sequence[Text]) -> Markup:
    """Write looks and texts as `paint` does, with turned texts."""
    turned = [
        f'<text x="{text.x:.0f}" y="{text.y:.0f}" class="{text.look}" '
        f'transform="rotate({text.turn} {text.x:.0f} {text.y:.0f})">{escape(text.says)}</text>'
        for text in texts
        if text.turn
    ]
    plain = paint(paths.items(), [text for text in texts if not text.turn])
    return plain + Markup("".join(turned))  # noqa: S704 - escaped above


def _frequent(insertion: InsertionResult) -> Sequence[InsertionContext]:
    """Return the contexts with enough locations; all contexts if nothing appears in these."""
    enough = [context for context in insertion.contexts if context.locations >= _FEW]
    return enough if any(context.added.value > 0 for context in enough) else insertion.contexts


def _says(concept: str, ablation: AblationResult) -> str:
    """Say how the concept's area changes when most units are removed, and when as many random units are."""
    last, control = ablation.own[-1], ablation.random[-1]
    if not _known(last.value):
        return f"None of the {ablation.drawn:,} images that were generated for this concept shows {concept}."
    does = "shrinks" if last.value < 0 else "enlarges"
    other = (
        f"; removing as many units ranked by IQR changes it by {_shown(ablation.informed[-1])}"
        if ablation.informed
        else ""
    )
    interval = f" ({words.signed_interval(last.low, last.high)})" if _known(last.low) else ""
    sure = "the intervals hold 99 %" if _known(last.low) else "these are too few for an interval"
    return (
        f"Removing the {ablation.sizes[-1]} units of {ablation.layer} with the highest IoU with {concept} {does} its "
        f"area by {words.percent(abs(last.value))}{interval}{other}. Removing as many random units changes it by "
        f"{words.signed_percent(control.value)}. Measured on {ablation.images:,} images that show {concept} and "
        f"{ablation.without:,} that do not, of {ablation.drawn:,} other images; {sure}."
    )


def _says_inserted(concept: str, insertion: InsertionResult, grid: int) -> str:
    """Say in which context most of the concept appears; if no interval excludes zero, say that."""
    start = f"When the units of {concept} are forced on in one cell of {insertion.layer},"
    frequent = _frequent(insertion)
    sure = [context for context in frequent if _known(context.added.low) and context.added.low > 0]
    most = max(sure or frequent, key=lambda context: context.added.value)
    if most.added.value <= 0:
        return f"{start} no {concept} appears in any context."
    there, positions = most.name.strip("()"), f"{_mean(most.added.value)} of {grid * grid:,} positions"
    marks = "The number above each bar is that of locations; rarer contexts are in the table."
    if sure:
        interval = f"99 % confidence interval {_mean(most.added.low)} to {_mean(most.added.high)}"
        return f"{start} most {concept} appears where {there} was: {positions} on average ({interval}). {marks}"
    places = words.count(most.locations, "location")
    return (
        f"{start} no context gains {concept} with certainty; most, {positions}, appears at the {places} where {there} "
        f"was. {marks}"
    )


def _mean(value: float) -> str:
    """Return a mean of counts in words.

    >>> _mean(0.1667), _mean(3.25), _mean(41.6)
    ('0.2', '3.2', '42')
    """
    return f"{value:.1f}" if value < 10 else words.number(round(value))  # noqa: PLR2004 - two digits


def _row(context: InsertionContext) -> tuple[str, str, str, str]:
    added = context.added
    interval = f"{_mean(added.low)} to {_mean(added.high)}" if _known(added.low) else ""
    return context.name, f"{context.locations:,}", _mean(added.value), interval


def _known(value: float) -> bool:
    return math.isfinite(value)


def _shown(span: Estimate) -> str:
    if not _known(span.value):
        return ""
    interval = f" ({words.signed_interval(span.low, span.high)})" if _known(span.low) else ""
    return f"{words.signed_percent(span.value)}{interval}"


def _numbers(span: Estimate) -> list[float | None]:
    return [round(value, 5) if _known(value) else None for value in (span.value, span.low, span.high)]
