"""Units of a generator as detectors: does a unit's peak tell the images that show its label? It runs in every study."""

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
