"""Attacks on a classifier, as pages tell of them."""

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
    """An attacked image: what it was taken for and what it was to be taken for, with their shares before and after."""

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
    """How much a unit's peak activation changes, mean over images; in how many it matters most to either class."""

    unit: int
    change: float
    of_target: int
    of_source: int


@dataclass(frozen=True, slots=True)
class Attacks:
    """All attacks of a run.

    `groups` are the changes of groups of units with the numbers of images, by the names of the table attack_changes;
    `units` those of each unit of the layer, the most changed first; `important` units are in a group.
    """

    layer: str
    important: int
    attacks: tuple[Attack, ...]
    groups: Mapping[str, tuple[Estimate, int]]
    units: tuple[UnitChange, ...]

    @classmethod
    def read(cls, site: Site) -> Attacks | None:
        """Read a run's attacks; None where it has none.

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
        """Those that succeeded."""
        return tuple(attack for attack in self.attacks if attack.success)

    @property
    def told(self) -> dict[str, tuple[Estimate, int]]:
        """Groups that were measured on any image, in the order of telling."""
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
    """The units by their mean change over some images."""
    frame = frame[frame["image"].isin(images)]
    frame = frame.assign(
        change=(frame["attacked_peak"] - frame["peak"]).abs(),
        of_target=frame["of_target"].eq(True),  # where it is not known it is neither
        of_source=frame["of_source"].eq(True),
    )
    means = frame.groupby("unit").agg({"change": "mean", "of_target": "sum", "of_source": "sum"})
    means = means.sort_values("change", ascending=False, kind="stable")
    return tuple(
        UnitChange(int(unit), float(change), int(target), int(source))
        for unit, change, target, source in means.itertuples()
    )
