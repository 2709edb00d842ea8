"""The experiment `[attack]`: which units change when an adversarial attack misleads a classifier?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.attack.paths import FOLDER
from dissectory.analysis.experiments.attack.tables import ATTACK_CHANGES, ATTACK_UNITS, ATTACKS
from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.study.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.analysis.study.section import Rule


@dataclass(frozen=True, slots=True)
class AttackSection(Section):
    """`[attack]`: `images` that a classifier predicts correctly are changed as little as possible to mislead it.

    `target` names the output that the network should predict. By default, it is the most likely other output for each
    image; if `[ablation]` ranks units for several classes, only these classes are targets. The units of one `layer` are
    measured, by default of the last layer: the most important `units` of both classes are compared with all others.
    """

    images: int = 20
    target: str | None = None
    layer: str | None = None
    units: int = 4

    def rules(self) -> Iterable[Rule]:
        """Positive numbers."""
        return self._at_least(1, "images", "units")


ATTACK = Experiment(
    key="attack",
    section=AttackSection,
    kind="classifier",
    tables=(ATTACKS, ATTACK_UNITS, ATTACK_CHANGES),
    folders=(FOLDER,),
    work=f"{__package__}.work",
)
