"""Artifacts: which units of a generator are most active on images that are unlike all others?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.artifacts import tables
from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.study.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.analysis.study.section import Rule


@dataclass(frozen=True, slots=True)
class ArtifactsSection(Section):
    """`[artifacts]`: units of a generator are ranked by how unlike all others their strongest images are.

    `features` is `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`: a network that describes pictures (see
    `dissectory.analysis.subjects.features`). `real` is a folder of real pictures, which the images are compared with;
    without it, they are compared with all generated images. With it, the units with the highest scores are ablated in
    as many further `images`. The `layer` is by default the one with most matched units.
    """

    features: str
    real: Path | None = None
    layer: str | None = None
    images: int = 200

    def rules(self) -> Iterable[Rule]:
        """At least two images: a distribution needs a spread."""
        return self._at_least(2, "images")


ARTIFACTS = Experiment(
    key="artifacts",
    section=ArtifactsSection,
    kind="generator",
    tables=(tables.ARTIFACTS, tables.ARTIFACT_REMOVALS),
    work=f"{__package__}.work",
)
