"""Painting: a page on which a reader paints with the units of a generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.experiments.paint.painting import PAINT as FOLDER
from dissectory.analysis.experiments.paint.tables import PAINT_TRIALS
from dissectory.analysis.study.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.analysis.study.section import Rule


@dataclass(frozen=True, slots=True)
class PaintSection(Section):
    """`[paint]`: a page on which a reader paints with the `units` that match each of some `concepts` best.

    The `layer` is by default the one in which most concepts appear when they are painted. The page offers the study's
    first `images` to paint on.
    """

    layer: str | None = None
    images: int = 16
    concepts: int = 14
    units: int = 20

    def rules(self) -> Iterable[Rule]:
        """Positive numbers."""
        return self._at_least(1, "images", "concepts", "units")


PAINT = Experiment(
    key="paint",
    section=PaintSection,
    kind="generator",
    tables=(PAINT_TRIALS,),
    folders=(FOLDER,),
    work=f"{__package__}.work",
)
