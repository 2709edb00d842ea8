"""The ablation of a classifier: which classes does the network no longer recognize without some of its units?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.class_ablation.switches import SWITCHES
from dissectory.analysis.experiments.class_ablation.tables import (
    ABLATION_CURVES,
    CONFUSIONS,
    DETECTORS,
    UNIT_ABLATIONS,
    UNIT_IMPORTANCE,
)
from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.study.section import Rule, Section

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ClassAblationSection(Section):
    """`[ablation]` of a classifier: units are removed, and the accuracy of each class is measured.

    Units are removed in `layers`, by default in the last layer of the study. `classes` is the source of an image's
    class: its folder ("folders"), the output that the unchanged network predicts ("predicted"), or the name of a CSV
    file that gives, for each `output` of the network by its name, the `class` of images that it stands for. A
    `ranking_share` of the images of every class, drawn with the study's seed, ranks the units; the results are reported
    on the other images. For the classes in `curves`, units are removed one after the other; by default these are all
    classes if they are few and the cost is small. `random_sets` random sets of units are the comparison. The site has a
    page on which its reader removes units if the browser has to load at most `switch_mb` megabytes for it.
    """

    layers: tuple[str, ...] = ()
    classes: str = "folders"
    ranking_share: float = 0.5
    curves: tuple[str, ...] | None = None
    random_sets: int = 20
    switch_mb: float = 8.0

    def rules(self) -> Iterable[Rule]:
        """Yield the allowed values."""
        yield Rule("ranking_share", 0 < self.ranking_share < 1, "between 0 and 1")
        yield from self._at_least(1, "random_sets")
        yield from self._at_least(0, "switch_mb")
        yield Rule("classes", self.classes != "", "'folders', 'predicted' or a CSV file")


CLASS_ABLATION = Experiment(
    key="ablation",
    section=ClassAblationSection,
    kind="classifier",
    tables=(UNIT_ABLATIONS, ABLATION_CURVES, UNIT_IMPORTANCE, CONFUSIONS, DETECTORS),
    folders=(SWITCHES,),
    work=f"{__package__}.work",
)
