"""The chart of artifacts: how far images are from real ones without the units that make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, dot, line, whisker
from dissectory.report.charts.scales import ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from dissectory.report.artifacts.reading import Artifacts, Without

_HEADROOM = 1.08


def distance_without(artifacts: Artifacts) -> Chart:
    """The Frechet distance over the number of removed units: the worst, and as many at random with their range."""
    rows = artifacts.without
    frame = Frame(width=560, height=280, left=54, right=112, top=34, bottom=44)
    top = max([1e-9, *(max(one.distance, one.random_high) for one in rows)]) * _HEADROOM
    most = max(one.units for one in rows) or 1
    points = {
        "own": [(frame.x(one.units / most), frame.y(one.distance / top)) for one in rows],
        "random": [(frame.x(one.units / most), frame.y(one.random / top)) for one in rows],
    }
    paths = {"rule": across(frame, (tick / top for tick in ticks(top)))}
    paths |= {f"curve {look}": line(found) for look, found in points.items()}
    paths["whisker"] = "".join(
        whisker(frame.x(one.units / most), frame.y(one.random_low / top), frame.y(one.random_high / top))
        for one in rows
        if one.units
    )
    paths["own"] = "".join(dot(*point, 3.5) for point in points["own"])
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, f"{tick:g}", "end") for tick in ticks(top)]
    texts += [Text(frame.x(one.units / most), frame.base + 17, f"{one.units}", "middle") for one in rows]
    texts.append(Text(frame.end, frame.base + 36, "units removed", "end quiet"))
    texts.append(Text(frame.left, frame.top - 18, "Frechet distance from real images", "quiet"))
    own, random = points["own"][-1][1] + 4, points["random"][-1][1] + 4
    if abs(own - random) < 14:  # noqa: PLR2004 - the height of a line
        random = own + (14 if random >= own else -14)
    texts += [Text(frame.end + 8, own, "the worst", "strong"), Text(frame.end + 8, random, "random ones", "quiet")]
    return Chart(
        kind="artifacts",
        says=_says(artifacts),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed(
            {
                "units": [one.units for one in rows],
                "worst": [one.distance for one in rows],
                "random": [[one.random, one.random_low, one.random_high] for one in rows],
            }
        ),
        head=("units removed", "the worst", "random ones", "range of the draws"),
        rows=tabulate(_row(one) for one in rows),
    )


def _row(one: Without) -> tuple[str, ...]:
    ends = f"{words.number(one.random_low)} to {words.number(one.random_high)}" if one.units else ""
    return str(one.units), words.number(one.distance), words.number(one.random), ends


def _says(artifacts: Artifacts) -> str:
    first, last = artifacts.without[0], artifacts.without[-1]
    return (
        f"Frechet distance of {words.count(first.images, 'other image')} from the real ones: "
        f"{words.number(first.distance)} as they are, {words.number(last.distance)} without the {last.units} worst "
        f"units of {artifacts.layer.name}, {words.number(last.random)} without as many at random, a mean whose upright "
        "lines reach from the least of the draws to the greatest. Less is nearer."
    )
