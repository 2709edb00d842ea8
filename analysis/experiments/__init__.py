"""Experiments: the questions that are put to a network. This is the only list of them, in running order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.experiments.artifacts.declare import ARTIFACTS
from dissectory.analysis.experiments.attack.declare import ATTACK
from dissectory.analysis.experiments.class_ablation.declare import CLASS_ABLATION
from dissectory.analysis.experiments.control.declare import CONTROL
from dissectory.analysis.experiments.drawers.declare import DRAWERS
from dissectory.analysis.experiments.generator_ablation.declare import GENERATOR_ABLATION
from dissectory.analysis.experiments.insertion.declare import INSERTION
from dissectory.analysis.experiments.paint.declare import PAINT
from dissectory.analysis.experiments.texture.declare import TEXTURE
from dissectory.analysis.study.section import RESERVED

if TYPE_CHECKING:
    from dissectory.analysis.experiments.experiment import Experiment

EXPERIMENTS: list[Experiment] = [
    CLASS_ABLATION,
    GENERATOR_ABLATION,
    INSERTION,
    PAINT,
    ARTIFACTS,
    DRAWERS,
    ATTACK,
    TEXTURE,
    CONTROL,
]


def register(experiment: Experiment) -> None:
    """Add an experiment; it runs after all others.

    Raises:
        ValueError: its key is taken for the same kind of network or by a study's own sections, or one of its tables is
            taken.
    """
    if experiment.key in RESERVED:
        raise ValueError(f"an experiment cannot have the key '{experiment.key}': every study has it")
    for other in EXPERIMENTS:
        if (other.key, other.kind) == (experiment.key, experiment.kind):
            raise ValueError(f"there is an experiment '{experiment.key}' for a {experiment.kind} already")
        if taken := {table.name for table in other.tables} & {table.name for table in experiment.tables}:
            raise ValueError(f"the experiment '{other.key}' writes the table '{min(taken)}' already")
    EXPERIMENTS.append(experiment)
