"""A source of concepts whose answers are known beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.concepts.vocabulary import Concept, Planes
    from dissectory.analysis.subjects.images import ViewBatch


@dataclass
class Given:
    """A source that answers what it is given `(batch, planes, grid, grid)`, and remembers what it was shown."""

    name: str
    concepts: tuple[Concept, ...]
    answer: Planes
    seen: Sequence[Planes] = ()

    @property
    def planes(self) -> int:
        return int(self.answer.shape[1])

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
        self.seen = earlier
        return self.answer[: len(batch)]
