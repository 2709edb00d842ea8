"""The chart that compares the layers of two networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.charts.chart import Chart, Frame, Text, paint, tabulate
from dissectory.report.charts.paths import across, dot, line
from dissectory.report.charts.scales import free_height, ticks
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.tables.categories import Category
    from dissectory.report.compare.reading import ComparedNetwork, Comparison, LayerMatches

_PANEL, _GAP = 330, 60


def depth_chart(comparison: Comparison) -> Chart:
    """Draw the share of units that match a concept of each category, layer by layer, in a panel for each network."""
    networks = comparison.networks
    shown = [name for name in CATEGORIES if any(layer.share(name) for one in networks for layer in one.layers)]
    shares = [layer.share(name) for one in networks for layer in one.layers for name in shown]
    top = max([0.01, *shares]) * 1.06
    frame = Frame(width=2 * _PANEL + _GAP + 120, height=290, left=60, right=70, top=34, bottom=48)
    marks = ticks(top)
    wide = (frame.end - frame.left - _GAP) / 2
    paths = {"rule": across(frame, (tick / top for tick in marks))}
    paths |= {f"{kind} {name}": "" for name in shown for kind in ("curve", "spot")}
    texts = [Text(frame.left - 8, frame.y(tick / top) + 4, words.percent(tick), "end") for tick in marks]
    for number, one in enumerate(networks):
        left = frame.left + number * (wide + _GAP)
        texts.append(Text(left + 8, frame.top - 16, words.beginning(one.title, 40), "strong"))
        texts.append(Text(left + wide / 2, frame.base + 38, _way(one), "middle quiet"))
        ends: list[float] = []
        at = [left + 10 + layer.depth * (wide - 20) for layer in one.layers]
        for place, (layer, x) in enumerate(zip(one.layers, at, strict=True)):
            if not place % max(1, -(-len(at) // 6)):
                texts.append(Text(x, frame.base + 17, words.ending(layer.name), "middle"))
        for name in shown:
            points = [(x, frame.y(layer.share(name) / top)) for layer, x in zip(one.layers, at, strict=True)]
            paths[f"curve {name}"] += line(points)
            paths[f"spot {name}"] += "".join(dot(*point, 3) for point in points)
            if number and points:
                ends.append(free_height(points[-1][1] + 4, ends))
                texts.append(Text(points[-1][0] + 10, ends[-1], name, name))
    return Chart(
        kind="depth",
        says=_says(comparison),
        width=frame.width,
        height=frame.height,
        marks=paint(paths.items(), texts),
        links=(),
        data=embed({"categories": shown, "networks": [_network(one, shown) for one in networks]}),
        head=("network", "layer", "depth", "units", *shown),
        rows=tabulate(_row(one, layer, shown) for one in networks for layer in one.layers),
    )


def _network(network: ComparedNetwork, shown: Sequence[str]) -> list[Any]:
    """A network's numbers for the browser: its name, and the shares of each layer."""
    layers = [[layer.name, layer.depth, [layer.share(name) for name in shown]] for layer in network.layers]
    return [network.title, layers]


def _row(network: ComparedNetwork, layer: LayerMatches, shown: Sequence[Category]) -> tuple[str, ...]:
    """A layer's numbers in the table of the chart."""
    counts = (f"{layer.counts[CATEGORIES.index(name)]:,}" for name in shown)
    return network.title, layer.name, words.percent(layer.depth), f"{layer.units:,}", *counts


def _way(network: ComparedNetwork) -> str:
    """Say what is at both ends of a panel."""
    return "layers, from the latent to the image" if network.draws else "layers, from the image to the output"


def _says(comparison: Comparison) -> str:
    """Say in which layer of each network most units match objects and parts."""
    named = []
    for one in comparison.networks:
        peak = one.peak(("object", "part"))
        named.append(f"{peak.name} of {one.title}" if peak else f"no layer of {one.title}")
    return (
        f"Share of the units of each layer that match one of the {words.count(len(comparison.shared), 'concept')} that "
        f"both networks were dissected for, by category. Objects and parts together have the largest share in "
        f"{' and '.join(named)}."
    )
