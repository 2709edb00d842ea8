"""Painting: a page on which the reader paints with the units of a generator."""

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
    """`[paint]`: a page on which the reader paints concepts with the units of a generator.

    The page offers at most `concepts` concepts, each with the `units` units that have the highest IoU with it, and the
    first `images` images of the study. By default, the `layer` is the one in which most concepts appear when they are
    painted.
    """

    layer: str | None = None
    images: int = 16
    concepts: int = 14
    units: int = 20

    def rules(self) -> Iterable[Rule]:
        """Yield the allowed values."""
        return self._at_least(1, "images", "concepts", "units")


PAINT = Experiment(
    key="paint",
    section=PaintSection,
    kind="generator",
    tables=(PAINT_TRIALS,),
    folders=(FOLDER,),
    work=f"{__package__}.work",
)
