"""The experiment `[control]`: a network with the same layers and other weights is dissected for comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dissectory.analysis.experiments.control.tables import CONTROL_CONCEPTS, CONTROL_UNITS
from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.study.section import Section

FOLDER = "control"
"""The folder of the control's own run inside a run's folder."""


@dataclass(frozen=True, slots=True)
class ControlSection(Section):
    """`[control]`: a network with the same layers, such as one with random weights, dissected for comparison.

    `source` and `weights` are as in `[model]`; everything else is the same as for the network under study.
    """

    source: str
    weights: Path | None = None


CONTROL = Experiment(
    key="control",
    section=ControlSection,
    kind="classifier",
    tables=(CONTROL_UNITS, CONTROL_CONCEPTS),
    folders=(FOLDER,),
    work=f"{__package__}.work",
)
