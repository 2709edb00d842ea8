"""The page of attacks: how small a change misleads the network, and which units change?"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.attack.paths import picture
from dissectory.report import words
from dissectory.report.attacks.charts import GROUPS, group_changes
from dissectory.report.attacks.reading import Attacks
from dissectory.report.core.chips import image_name

if TYPE_CHECKING:
    from dissectory.report.attacks.reading import Attack
    from dissectory.report.charts.chart import Chart
    from dissectory.report.core.chips import UnitChip
    from dissectory.report.core.findings import Findings
    from dissectory.report.site import Site

MOST_UNITS = 12
"""Units in the table of the units that change most."""


@dataclass(frozen=True, slots=True)
class AttackRow:
    """An attacked image: its three pictures, and the predictions for the first two."""

    original: str
    changed: str
    difference: str
    name: str
    before: str
    before_share: str
    after: str
    after_share: str
    distance: str
    amplified: str
    success: bool


@dataclass(frozen=True, slots=True)
class ChangedUnit:
    """A unit of the layer with the mean change of its peak activation; the table sorts by `order`."""

    chip: UnitChip
    change: str
    order: str
    matters: str


@dataclass(frozen=True, slots=True)
class AttacksPage:
    """The page of attacks."""

    title: str
    answer: str
    remark: str
    found: str
    chart: Chart | None
    rows: tuple[AttackRow, ...]
    units: tuple[ChangedUnit, ...]
    more: str
    layer: str


def attacks_page(site: Site) -> AttacksPage | None:
    """Make the page of attacks; `None` if the run has no attacks."""
    attacks = site.reading(Attacks)
    if attacks is None:
        return None
    units = _units(site, attacks)
    shown = f"The {len(units)} of {words.count(len(attacks.units), 'unit')} that change most"
    return AttacksPage(
        title="Attacks",
        answer=_answer(site.findings, attacks),
        remark=_remark(attacks),
        found=_found(attacks),
        chart=group_changes(attacks) if attacks.measured else None,
        rows=tuple(_row(site.findings, attack) for attack in attacks.attacks),
        units=units,
        more=f"{shown}; the change is a mean over {words.count(len(attacks.successful), 'image')}.",
        layer=attacks.layer,
    )


def _answer(findings: Findings, attacks: Attacks) -> str:
    """Say the mean distance: in levels of 255 for each color if the size of the images is known."""
    done = attacks.successful
    if not done:
        return "No attack succeeded."
    distance = float(np.mean([attack.distance for attack in done]))
    size = findings.manifest.study.get("images", {}).get("size")
    if not size:
        return f"An L2 distance of {distance:.2f}."
    levels = 255 * distance / math.sqrt(3 * int(size) ** 2)
    return f"{levels:.1f} of 255 levels." if levels >= 0.05 else "Less than 0.1 of 255 levels."  # noqa: PLR2004 - rounds to 0.1


def _remark(attacks: Attacks) -> str:
    done, tried = attacks.successful, len(attacks.attacks)
    if not done:
        return f"The attack misled the network on none of {words.count(tried, 'correctly classified image')}."
    distances = [attack.distance for attack in done]
    kind = "correctly classified image"
    number = f"all {words.count(tried, kind)}" if len(done) == tried else f"{len(done):,} of {words.count(tried, kind)}"
    return (
        f"The attack misleads the network on {number} with such a change (the root mean square over all colors and "
        f"pixels). The L2 distance is {np.mean(distances):.2f} on average ({min(distances):.2f} to "
        f"{max(distances):.2f}), where black is 0 and white is 1."
    )


def _found(attacks: Attacks) -> str:
    """Say which group changes most, and whether the confidence intervals are apart."""
    measured = {name: span for name, (span, _) in attacks.measured.items() if name != "all"}
    if "other" not in measured or len(measured) < 2:  # noqa: PLR2004 - nothing to compare
        return ""
    rest = measured["other"]
    ahead = [name for name, span in measured.items() if name != "other" and span.value > rest.value]
    sure = [name for name in ahead if measured[name].low > rest.high]
    if not ahead:
        return "The most important units for the two classes change no more than all other units."
    named = " and ".join(GROUPS[name] for name in ahead)
    times = words.listed([f"{measured[name].value / rest.value:.1f}" for name in ahead]) if rest.value else "many"
    clear = "" if sure == ahead else " The confidence intervals overlap."
    return words.sentence_case(f"{named} change {times} times as much as all other units.{clear}")


def _row(findings: Findings, attack: Attack) -> AttackRow:
    return AttackRow(
        original=picture(attack.image),
        changed=picture(attack.image, "changed"),
        difference=picture(attack.image, "difference"),
        name=image_name(findings, attack.image),
        before=_short(attack.source),
        before_share=words.percent(attack.source_before),
        after=_short(attack.target if attack.success else attack.source),
        after_share=words.percent(attack.target_after if attack.success else attack.source_after),
        distance=f"{attack.distance:.2f}",
        amplified=f"{attack.amplification:.0f}" if math.isfinite(attack.amplification) else "",
        success=attack.success,
    )


def _short(name: str) -> str:
    """Shorten an output's name: of ImageNet's names, only the first synonym stays.

    >>> _short("n02123045 tabby, tabby cat"), _short("ski, slope")
    ('tabby', 'ski, slope')
    """
    synset = re.fullmatch(r"n\d{8} ([^,]+).*", name, flags=re.DOTALL)
    return synset.group(1) if synset else name


def _units(site: Site, attacks: Attacks) -> tuple[ChangedUnit, ...]:
    findings, chips = site.findings, site.chips
    layer = next((layer for layer in findings.layers if layer.name == attacks.layer), None)
    if layer is None:
        return ()
    by_unit = {int(findings.units.unit[place]): chips.units[place] for place in range(layer.first, layer.last)}
    return tuple(
        ChangedUnit(
            by_unit[one.unit], words.number(one.change), f"{one.change:.6f}", _matters(one.of_target, one.of_source)
        )
        for one in attacks.units[:MOST_UNITS]
        if one.unit in by_unit
    )


def _matters(of_target: int, of_source: int) -> str:
    """Say in how many images a unit is among the most important ones for each class."""
    parts = [f"{name} of {number:,}" for name, number in (("target", of_target), ("source", of_source)) if number]
    return ", ".join(parts)
