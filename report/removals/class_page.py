"""The page of a class: the units that it needs, and accuracy and predictions without them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dissectory.report import words
from dissectory.report.frame.views import Each
from dissectory.report.removals.curve_charts import CALLED_OUT, class_curve
from dissectory.report.removals.reading import Removals, meaning
from dissectory.report.switchboard.page import switches_view

if TYPE_CHECKING:
    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.chips import Chips, UnitChip
    from dissectory.report.core.findings import Findings
    from dissectory.report.removals.reading import ImageClass, Loss, Need
    from dissectory.report.site import Site
    from dissectory.report.switchboard.page import SwitchesView

CARDS = 8
SHARING = 6
MISTAKES = 6
"""The number of each on the page."""


@dataclass(frozen=True, slots=True)
class NeededUnit:
    """A row of the table of a class's most important units."""

    chip: UnitChip
    rank: int
    drop: str
    drop_order: str
    lead: str
    lead_order: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A predicted class: the number of images, with all units and without the most important ones."""

    name: str
    own: bool
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Another class that needs some of the same units."""

    name: str
    href: str
    units: int


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """What the class loses when units of one layer are removed."""

    layer: str
    href: str
    key: str
    how: str
    chart: Chart | None
    cards: tuple[UnitChip, ...]
    units: tuple[NeededUnit, ...]
    removed: tuple[int, ...]
    mistakes: tuple[Mistake, ...]
    sharing: tuple[Sharing, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a class."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ClassPage:
    """The page of a class."""

    title: str
    href: str
    name: str
    answer: str
    remark: str
    figures: tuple[Figure, ...]
    layers: tuple[LayerLoss, ...]
    switches: SwitchesView | None


def class_pages(site: Site) -> Each[int, ClassPage] | None:
    """Make the page of each class that units were removed for; `None` if no units were removed."""
    removals = site.reading(Removals)
    return Each(range(len(removals.classes)), partial(class_page, site, removals)) if removals else None


def class_page(site: Site, removals: Removals, number: int) -> ClassPage:
    """Make the page of a class."""
    one = removals.classes[number]
    losses = list(removals.of_class(number))
    return ClassPage(
        title=one.name,
        href=one.href,
        name=one.name,
        answer=_answer(site.findings, losses),
        remark=f"{meaning(removals.ablations)} Units were ranked on the ranking split of the images; the numbers here "
        "are from the reporting split.",
        figures=_figures(one, losses),
        layers=tuple(_layer(site, removals, number, layer) for layer, _ in losses),
        switches=switches_view(site, one.name),
    )


def _answer(findings: Findings, losses: list[tuple[int, Loss]]) -> str:
    """Say what the class loses without the most important units of the last layer."""
    for layer, loss in reversed(losses):
        before, after = (loss.remove.at(size) if loss.remove else None for size in (0, CALLED_OUT[-1]))
        if before is not None and after is not None and math.isfinite(before) and math.isfinite(after):
            return (
                f"Without its {CALLED_OUT[-1]} most important units of {findings.layers[layer].name}, balanced "
                f"accuracy goes from {words.percent(before)} to {words.percent(after)}."
            )
    return "The class has too few images to tell."


def _figures(one: ImageClass, losses: list[tuple[int, Loss]]) -> tuple[Figure, ...]:
    ratios = (("Recall", one.recall), ("Precision", one.precision), ("Balanced accuracy", one.balanced_accuracy))
    found = [Figure("Images of the reporting split", f"{losses[-1][1].images:,}")] if losses else []
    return (*found, *(Figure(name, words.percent(value)) for name, value in ratios if math.isfinite(value)))


def _layer(site: Site, removals: Removals, number: int, layer: int) -> LayerLoss:
    findings, chips, loss = site.findings, site.chips, removals.losses[layer][number]
    one, about = findings.layers[layer], {ablation.layer: ablation for ablation in removals.ablations}
    name = removals.classes[number].name
    how = about.get(one.name)
    return LayerLoss(
        layer=one.name,
        href=one.href,
        key=one.slug,
        how=f"Units were removed in the mode {how.mode}: {how.why}." if how else "",
        chart=class_curve(name, one.name, loss.remove, loss.keep) if loss.remove else None,
        cards=chips.chosen(need.place for need in loss.needs[:CARDS]),
        units=tuple(_unit(chips, need) for need in loss.needs),
        removed=tuple(loss.taken),
        mistakes=_mistakes(name, loss),
        sharing=tuple(
            Sharing(removals.classes[other].name, removals.classes[other].href, shared)
            for other, shared in removals.sharing(layer, number, SHARING)
        ),
        most=len(loss.needs),
    )


def _unit(chips: Chips, need: Need) -> NeededUnit:
    return NeededUnit(
        chip=chips.units[need.place],
        rank=need.rank + 1,
        drop=words.signed_percent(-need.drop, decimals=1) if math.isfinite(need.drop) else "",
        drop_order=f"{need.drop:.6f}" if math.isfinite(need.drop) else "-9",
        lead=words.number(need.lead_drop) if math.isfinite(need.lead_drop) else "",
        lead_order=f"{need.lead_drop:.6f}" if math.isfinite(need.lead_drop) else "-9",
    )


def _mistakes(name: str, loss: Loss) -> tuple[Mistake, ...]:
    """Return the predicted classes: the class itself, then those that change most with the most removed units."""
    counts = {size: dict(pairs) for size, pairs in loss.taken.items()}
    if not counts:
        return ()
    sizes = list(counts)
    last, before = counts[sizes[-1]], counts.get(0, {})
    others = sorted(
        {taken for found in counts.values() for taken in found} - {name},
        key=lambda taken: (-abs(last.get(taken, 0) - before.get(taken, 0)), -last.get(taken, 0), taken),
    )
    return tuple(
        Mistake(taken, taken == name, tuple(f"{counts[size].get(taken, 0):,}" for size in sizes))
        for taken in [name, *others[:MISTAKES]]
    )
