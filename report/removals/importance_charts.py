"""Charts of important units: as detectors of images, and importance against IoU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, box, dot, line, steps, whisker
from dissectory.report.charts.scales import ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from dissectory.report.core.findings import Floats, Ints
    from dissectory.report.removals.detectors import Detector

GROUP = 32
"""Units whose importance is averaged together."""
_MOST_LED = 6
"""Units that are important for this many classes or more share a bar."""
_INTERVAL = 1.96
_FEW = 3
"""The fewest units with a confidence interval."""


def detector_density(detector: Detector) -> Chart:
    """Draw the peak activations on the images of a set and on all others, as shares, with the best threshold."""
    frame = Frame(width=520, height=210, left=54, top=24, bottom=42)
    inside, outside = (
        [count / max(1, sum(counts)) for count in counts] for counts in (detector.inside, detector.outside)
    )
    top = max([1e-9, *inside, *outside]) * 1.05
    bins, reach = len(inside), detector.high - detector.low
    edges = [round(frame.x(place / bins), 1) for place in range(bins + 1)]
    at = frame.x((detector.threshold - detector.low) / reach if reach > 0 else 0.5)
    marks = ticks(top, 3)
    paths = [
        ("rule", across(frame, (mark / top for mark in marks))),
        ("outside", steps(edges, [round(frame.y(share / top), 1) for share in outside], frame.base)),
        ("inside", steps(edges, [round(frame.y(share / top), 1) for share in inside], frame.base)),
        ("cut", f"M{at:.1f} {frame.base}V{frame.top - 12}"),
    ]
    texts = [Text(frame.left - 8, frame.y(mark / top) + 4, words.percent(mark), "end") for mark in marks]
    texts += [
        Text(frame.x(share), frame.base + 17, words.number(detector.low + share * reach), look)
        for share, look in ((0, ""), (0.5, "middle"), (1, "end"))
    ]
    texts.append(Text(frame.end, frame.base + 34, "peak activation on the image", "end quiet"))
    side = "end cut" if at > (frame.left + frame.end) / 2 else "cut"
    texts.append(Text(at + (-5 if side != "cut" else 5), frame.top - 8, "best threshold", side))
    return Chart(
        kind="detector",
        says=_says_detector(detector),
        width=frame.width,
        height=frame.height,
        marks=paint(paths, texts),
        links=(),
        data=embed(
            {name: getattr(detector, name) for name in ("low", "high", "inside", "outside", "threshold", "name")}
        ),
        head=("from", "to", f"images {_of(detector)}", "others"),
        rows=tabulate(
            (
                words.number(detector.low + place / bins * reach),
                words.number(detector.low + (place + 1) / bins * reach),
                f"{detector.inside[place]:,}",
                f"{detector.outside[place]:,}",
            )
            for place in range(bins)
            if detector.inside[place] or detector.outside[place]
        ),
    )


def _says_detector(detector: Detector) -> str:
    return (
        f"Peak activations on {words.count(detector.images, 'image')} {_of(detector)} (filled) and on "
        f"{detector.others:,} other images (outlined), as shares of each set. The best threshold, chosen on the same "
        f"images, separates them with a balanced accuracy of {words.percent(detector.balanced_accuracy)}. In "
        f"{words.percent(detector.area)} of all pairs, the image of the set has the higher peak (ROC area)."
    )


def _of(detector: Detector) -> str:
    return f"with more than 5 % {detector.name}" if detector.kind == "concept" else f"of {detector.name}"


def interpretability_by_led(led: Ints, iou: Floats) -> Chart:
    """Draw the mean IoU of units by the number of classes for which they are among the four most important."""
    groups = [(str(count), iou[led == count]) for count in range(_MOST_LED)]
    groups.append((f"{_MOST_LED} or more", iou[led >= _MOST_LED]))
    groups = [(name, values) for name, values in groups if len(values)]
    means = [float(values.mean()) for _, values in groups]
    errors = [_error(values) for _, values in groups]
    frame = Frame(width=max(300, 70 + 64 * len(groups)), height=240, left=50, top=24, bottom=46)
    top = max([1e-6, *(mean + (error or 0) for mean, error in zip(means, errors, strict=True))]) * 1.08
    marks = ticks(top)
    step = (frame.end - frame.left) / len(groups)
    paths = {"rule": across(frame, (mark / top for mark in marks)), "on": "", "whisker": ""}
    texts = [Text(frame.left - 8, frame.y(mark / top) + 4, f"{mark:g}", "end") for mark in marks]
    for place, ((name, values), mean, error) in enumerate(zip(groups, means, errors, strict=True)):
        left, middle = frame.left + place * step, frame.left + (place + 0.5) * step
        paths["on"] += box(left + 0.2 * step, left + 0.8 * step, frame.y(mean / top), frame.base)
        if error is not None:
            paths["whisker"] += whisker(middle, frame.y(max(0, mean - error) / top), frame.y((mean + error) / top))
        texts.append(Text(middle, frame.base + 17, name, "middle"))
        highest = frame.y((mean + (error or 0)) / top)
        texts.append(Text(middle, highest - 5, f"{len(values):,}", "middle quiet"))
    texts.append(Text(frame.end, frame.base + 36, "classes with the unit among their top four", "end quiet"))
    return Chart(
        kind="led",
        says="Mean IoU of units by the number of classes for which they are among the four most important units. The "
        "number above each bar is that of units; the confidence intervals are 95 %.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed(
            {
                "names": [name for name, _ in groups],
                "means": [round(mean, 5) for mean in means],
                "errors": [round(error, 5) if error is not None else 0 for error in errors],
                "units": [len(values) for _, values in groups],
            }
        ),
        head=("classes", "units", "mean IoU", "95 % confidence interval"),
        rows=tabulate(
            (name, f"{len(values):,}", words.ratio(mean), _interval(mean, error))
            for (name, values), mean, error in zip(groups, means, errors, strict=True)
        ),
    )


def interpretability_by_importance(importance: Floats, iou: Floats, what: str) -> Chart | None:
    """Draw mean IoU against mean importance, in groups of similar importance; `None` if no importance is known."""
    known = np.flatnonzero(np.isfinite(importance))
    if not len(known):
        return None
    order = known[np.argsort(-importance[known], kind="stable")]
    groups = [order[first : first + GROUP] for first in range(0, len(order), GROUP)]
    points = [(float(importance[group].mean()), float(iou[group].mean()), len(group)) for group in groups]
    frame = Frame(width=420, height=240, left=50, top=24, bottom=46, right=16)
    low, high = (choose(point[0] for point in points) for choose in (min, max))
    reach, top = (high - low) or 1.0, max([1e-6, *(point[1] for point in points)]) * 1.15
    marks = ticks(top)
    paths = {"rule": across(frame, (mark / top for mark in marks)), "own": ""}
    places = [(frame.x(0.02 + 0.96 * (x - low) / reach), frame.y(y / top)) for x, y, _ in points]
    paths["curve other"] = line(places)
    paths["own"] = "".join(dot(*place, 4) for place in places)
    texts = [Text(frame.left - 8, frame.y(mark / top) + 4, f"{mark:g}", "end") for mark in marks]
    for share in (0, 0.5, 1):
        look = ("", "middle", "end")[round(2 * share)]
        texts.append(Text(frame.x(share), frame.base + 17, words.number(low + share * reach), look))
    texts.append(Text(frame.end, frame.base + 36, what, "end quiet"))
    return Chart(
        kind="groups",
        says=f"Mean IoU against the {what} (mean over classes), in groups of {GROUP} units of similar importance. "
        f"The rank correlation over all units is {_rank_correlation(importance[known], iou[known]):+.2f}.",
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed({"points": [[round(x, 6), round(y, 5), n] for x, y, n in points], "what": what}),
        head=(what, "mean IoU", "units"),
        rows=tabulate((words.number(x), words.ratio(y), f"{n}") for x, y, n in points),
    )


def _error(values: Floats) -> float | None:
    """Return half the 95 % confidence interval of a mean."""
    if len(values) < _FEW:
        return None
    return float(_INTERVAL * values.std(ddof=1) / math.sqrt(len(values)))


def _interval(mean: float, error: float | None) -> str:
    return "" if error is None else f"{words.ratio(max(0.0, mean - error))} to {words.ratio(mean + error)}"


def _rank_correlation(one: Floats, other: Floats) -> float:
    """Return Spearman's correlation; 0 if one of them never varies."""
    first, second = _ranks(one), _ranks(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Floats) -> Floats:
    """Return ranks; equal values have their mean rank.

    >>> _ranks(np.array([3.0, 1.0, 3.0]))
    array([1.5, 0. , 1.5])
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[places])
