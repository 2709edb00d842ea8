"""The chart of artifacts: the distance of images from real ones when units are removed."""

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
    """Draw the Frechet distance over the number of removed units: those with the highest scores, and random units."""
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
    texts += [
        Text(frame.end + 8, own, "highest scores", "strong"),
        Text(frame.end + 8, random, "random units", "quiet"),
    ]
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
        head=("units removed", "highest scores", "random units", "range of random sets"),
        rows=tabulate(_row(one) for one in rows),
    )


def _row(one: Without) -> tuple[str, ...]:
    ends = f"{words.number(one.random_low)} to {words.number(one.random_high)}" if one.units else ""
    return str(one.units), words.number(one.distance), words.number(one.random), ends


def _says(artifacts: Artifacts) -> str:
    first, last = artifacts.without[0], artifacts.without[-1]
    return (
        f"Frechet distance of {words.count(first.images, 'other image')} from real images: "
        f"{words.number(first.distance)} with all units, {words.number(last.distance)} without the {last.units} units "
        f"of {artifacts.layer.name} with the highest scores, {words.number(last.random)} without as many random units "
        "(the mean of several random sets; the vertical lines show their range). Lower is closer to real images."
    )
