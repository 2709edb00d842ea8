"""Attacks on a classifier, as a run's tables have them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.report.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Attack:
    """An attacked image: its class and the target class, with their probabilities before and after the attack."""

    image: int
    source: str
    target: str
    success: bool
    distance: float
    source_before: float
    target_before: float
    source_after: float
    target_after: float
    amplification: float


@dataclass(frozen=True, slots=True)
class UnitChange:
    """The mean change of a unit's peak activation; the numbers of images in which it is important for each class."""

    unit: int
    change: float
    of_target: int
    of_source: int


@dataclass(frozen=True, slots=True)
class Attacks:
    """All attacks of a run.

    `groups` has the change of each group of units and its number of images, by the names in the table attack_changes;
    `units` has the change of each unit of the layer, the largest first; a group has `important` units.
    """

    layer: str
    important: int
    attacks: tuple[Attack, ...]
    groups: Mapping[str, tuple[Estimate, int]]
    units: tuple[UnitChange, ...]

    @classmethod
    def read(cls, site: Site) -> Attacks | None:
        """Read a run's attacks; `None` if the run has no attacks.

        Raises:
            RunError: a table is unreadable or of another version.
        """
        run = site.run
        if not all(run.has(name) for name in ("attacks", "attack_units", "attack_changes")):
            return None
        attacks = tuple(_attack(row) for row in run.table("attacks").to_dict("records"))
        changes = run.table("attack_changes")
        if not attacks or not len(changes):
            return None
        groups = {
            str(row["group"]): (Estimate(*(float(row[name]) for name in ("change", "low", "high"))), int(row["images"]))
            for row in changes.to_dict("records")
        }
        done = {attack.image for attack in attacks if attack.success}
        return cls(
            layer=str(changes["layer"].iloc[0]),
            important=int(run.manifest.study.get("attack", {}).get("units", 4)),
            attacks=attacks,
            groups=groups,
            units=_units(run.table("attack_units"), done),
        )

    @property
    def successful(self) -> tuple[Attack, ...]:
        """The attacks that succeeded."""
        return tuple(attack for attack in self.attacks if attack.success)

    @property
    def measured(self) -> dict[str, tuple[Estimate, int]]:
        """The groups that were measured on any image, in the order of the chart."""
        order = ("target", "source", "other", "all")
        return {
            name: self.groups[name]
            for name in order
            if name in self.groups and math.isfinite(self.groups[name][0].value)
        }


def _attack(row: Mapping[object, object]) -> Attack:
    values = {str(key): value for key, value in row.items()}
    shares = ("distance", "source_before", "target_before", "source_after", "target_after", "amplification")
    return Attack(
        image=int(str(values["image"])),
        source=str(values["source"]),
        target=str(values["target"]),
        success=bool(values["success"]),
        **{name: float(str(values[name])) for name in shares},
    )


def _units(frame: pd.DataFrame, images: set[int]) -> tuple[UnitChange, ...]:
    """Return the units by their mean change over some images."""
    frame = frame[frame["image"].isin(images)]
    frame = frame.assign(
        change=(frame["attacked_peak"] - frame["peak"]).abs(),
        of_target=frame["of_target"].eq(True),  # a missing value counts as false
        of_source=frame["of_source"].eq(True),
    )
    means = frame.groupby("unit").agg({"change": "mean", "of_target": "sum", "of_source": "sum"})
    means = means.sort_values("change", ascending=False, kind="stable")
    return tuple(
        UnitChange(int(unit), float(change), int(target), int(source))
        for unit, change, target, source in means.itertuples()
    )
