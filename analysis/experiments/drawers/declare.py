"""Units of a generator as detectors of their labels: this experiment has no section, and runs in every study."""

from __future__ import annotations

from dissectory.analysis.experiments.drawers.tables import COUNTEREXAMPLES
from dissectory.analysis.experiments.experiment import Experiment

DRAWERS = Experiment(
    key="peaks",
    section=None,
    kind="generator",
    tables=(COUNTEREXAMPLES,),
    work=f"{__package__}.work",
)
