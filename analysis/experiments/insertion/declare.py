"""The experiment `[insertion]`: does a concept appear in a generator's images if its units are forced on?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.experiments.insertion.tables import INSERTION_PICTURES, INSERTIONS
from dissectory.analysis.study.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.analysis.study.section import Rule


@dataclass(frozen=True, slots=True)
class InsertionSection(Section):
    """`[insertion]`: the `units` that match a concept best are forced on at one cell of each image; does it appear?

    The `layer` is by default the one in which the most concepts appear when they are painted on a few images. By
    default, every concept is inserted that a unit of the layer matches at all, or the `concepts` best matched ones. The
    `images` come from the seeds that follow the study's own seeds.
    """

    layer: str | None = None
    images: int = 200
    concepts: int | None = None
    units: int = 20

    def rules(self) -> Iterable[Rule]:
        """Positive numbers."""
        return self._at_least(1, "images", "concepts", "units")


INSERTION = Experiment(
    key="insertion",
    section=InsertionSection,
    kind="generator",
    tables=(INSERTIONS, INSERTION_PICTURES),
    work=f"{__package__}.work",
)
