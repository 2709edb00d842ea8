"""The chart of what a class loses without its units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, dot, line
from dissectory.report.charts.scales import free_height
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dissectory.report.removals.reading import Curve, Floats

CALLED_OUT = (4, 20)
"""Numbers of removed units with a label on the curve, as in Bau et al. 2020, figure 3."""
KEPT = 20
"""Number of kept units with a label on the curve."""
_COARSE = (0.0, 0.25, 0.5, 0.75, 1.0)
_FINE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def class_curve(name: str, layer: str, remove: Curve, keep: Curve | None) -> Chart:
    """Draw balanced accuracy over the number of units, removed or kept only, with random units and all classes."""
    frame = Frame(width=680, height=330, left=50, right=128, top=18, bottom=44)
    series = [("own", "removed", remove.sizes, remove.accuracy)]
    if keep:
        series.append(("kept", "only these kept", keep.sizes, keep.accuracy))
    series.append(("random", "random units", remove.sizes, remove.random))
    series.append(("other", "all classes", remove.sizes, remove.everything))
    values = [value for _, _, _, found in series for value in found.tolist() if math.isfinite(value)]
    low = min(0.45, math.floor(10 * min(values, default=0.5)) / 10)
    most = math.log2(1 + max(max(sizes) for _, _, sizes, _ in series))

    def x(size: int) -> float:
        return frame.x(math.log2(1 + size) / (most or 1))

    def y(value: float) -> float:
        return frame.y((value - low) / (1.0 - low))

    marks = [mark for mark in (_COARSE if low < _COARSE[1] else _FINE) if mark >= low]
    paths = {"rule": across(frame, ((mark - low) / (1.0 - low) for mark in marks)), "band": _band(remove, x, y)}
    texts = [Text(frame.left - 8, y(mark) + 4, words.percent(mark), "end") for mark in marks]
    texts += [Text(x(size), frame.base + 17, f"{size}", "middle") for size in _spaced(remove.sizes, x)]
    texts.append(Text(frame.end, frame.base + 36, "units removed, or kept", "end quiet"))
    ends: list[float] = []
    for look, says, sizes, found in series:
        points = [(x(size), y(value)) for size, value in zip(sizes, found, strict=True) if math.isfinite(value)]
        paths[f"curve {look}"] = line(points)
        if points:
            ends.append(free_height(points[-1][1] + 4, ends))
            texts.append(Text(frame.end + 8, ends[-1], says, "strong" if look == "own" else "quiet"))
    for look, size, curve, other in [
        *(("own", size, remove, keep) for size in (0, *CALLED_OUT)),
        ("kept", KEPT, keep, remove),
    ]:
        value, beside = (one.at(size) if one else None for one in (curve, other))
        if value is not None and math.isfinite(value):
            paths[f"spot {look}"] = paths.get(f"spot {look}", "") + dot(x(size), y(value), 4)
            above = beside is None or value > beside or (value == beside and look == "own")
            texts.append(Text(x(size) + 5, y(value) + (-9 if above else 18), words.percent(value), "strong"))
    return Chart(
        kind="removal",
        says=_says(name, layer, remove, keep),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed({"series": [[look, says, sizes, _plain(found)] for look, says, sizes, found in series]}),
        head=("units", "removed", "only these kept", "random units removed", "95 % of random sets", "all classes"),
        rows=tabulate(_rows(remove, keep)),
    )


def _says(name: str, layer: str, remove: Curve, keep: Curve | None) -> str:
    parts = [f"Balanced accuracy of {name}: {_percent(remove.at(0))} with all units of {layer}"]
    parts += [
        f"{_percent(remove.at(size))} without the {size} most important" for size in CALLED_OUT if remove.at(size)
    ]
    kept = keep.at(KEPT) if keep else None
    if kept is not None:
        parts.append(f"{_percent(kept)} with only the {KEPT} most important kept")
    return f"{'; '.join(parts)}. Chance level is 50 %; the band holds 95 % of the random sets."


def _percent(value: float | None) -> str:
    return words.percent(value) if value is not None and math.isfinite(value) else "not known"


def _band(curve: Curve, x: Callable[[int], float], y: Callable[[float], float]) -> str:
    """Return the accuracies without random sets of units as an area."""
    known = [place for place, value in enumerate(curve.random_low) if math.isfinite(value)]
    if not known:
        return ""
    lower = [(x(curve.sizes[place]), y(float(curve.random_low[place]))) for place in known]
    upper = [(x(curve.sizes[place]), y(float(curve.random_high[place]))) for place in reversed(known)]
    return f"{line([*lower, *upper])}z"


def _spaced(sizes: Sequence[int], x: Callable[[int], float]) -> list[int]:
    """Return the sizes with a label on the axis: powers and those on the curve, unless the labels would overlap."""
    wanted = [size for size in (0, 1, 2, 4, 8, 20, 64, 128, 256, 512, 1024, 2048) if size <= max(sizes)]
    shown: list[int] = []
    for size in wanted:
        if not shown or x(size) - x(shown[-1]) >= 22:  # noqa: PLR2004 - pixels
            shown.append(size)
    return shown


def _plain(values: Floats) -> list[float | None]:
    return [round(value, 5) if math.isfinite(value) else None for value in values.tolist()]


def _rows(remove: Curve, keep: Curve | None) -> list[tuple[str, ...]]:
    return [
        (
            str(size),
            _share(float(remove.accuracy[place])),
            _share(keep.at(size) if keep else None),
            _share(float(remove.random[place])),
            _interval(float(remove.random_low[place]), float(remove.random_high[place])),
            _share(float(remove.everything[place])),
        )
        for place, size in enumerate(remove.sizes)
    ]


def _share(value: float | None) -> str:
    return words.share(value) if value is not None and math.isfinite(value) else ""


def _interval(low: float, high: float) -> str:
    return f"{words.share(low)} to {words.share(high)}" if math.isfinite(low) else ""
