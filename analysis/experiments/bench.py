"""What an experiment works with: the run, the network, what was measured, and where progress is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from dissectory.analysis.resuming.fingerprint import Facts
from dissectory.analysis.resuming.shards import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.seconds import Seconds
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that travels from one experiment to the next.

    `kept` is the folder of the run's progress, and `role` the name of the network there: "network" or "control".
    """

    run: Run
    setting: Setting
    record: Record
    seconds: Seconds
    progress: Progress
    kept: Path
    role: str
    _made: dict[Callable[[Bench], Any], Any] = field(default_factory=dict)

    def once(self, make: Callable[[Bench], Made]) -> Made:
        """Call a function of the bench once, and share its result among the experiments."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("Made", self._made[make])

    def progress_of(self, key: str) -> Path:
        """Return the folder of an experiment's progress."""
        return self.kept / f"{self.role}-{key}"

    def keeper(self, key: str) -> Keeper:
        """Open the progress of an experiment, so that an interrupted one resumes."""
        return Keeper(Shelf(self.run, self.progress_of(key)), self.once(_facts))


def _facts(bench: Bench) -> Mapping[str, str]:
    """Gather what label maps depend on, which takes a hash of the network's weights."""
    return Facts.of(bench.setting, bench.record.images_hash).labels


@dataclass(frozen=True, slots=True)
class Keeper:
    """The progress of one experiment; every part depends on the label maps, and on facts of its own."""

    shelf: Shelf
    facts: Mapping[str, str]

    def open(self, kind: str, own: Mapping[str, str]) -> Shards:
        """Open a part of the work by its kind and its own facts."""
        return self.shelf.open(kind, {**self.facts, **own})

    def discard_others(self) -> None:
        """Remove the parts that were not opened: they belong to an earlier study."""
        self.shelf.discard_others()
