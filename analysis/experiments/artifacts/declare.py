"""The experiment `[artifacts]`: which units of a generator are most active on the most unusual images?"""

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
    """`[artifacts]`: units of a generator are ranked by how unusual the images are on which they are most active.

    `features` is `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`: a network that computes features of
    images (see `dissectory.analysis.subjects.features`). `real` is a folder of real images, with which the generated
    images are compared; without it, each is compared with all generated images. If there are real images, the units
    with the highest scores are ablated, and the effect is measured on `images` images that are not the study's. The
    `layer` is by default the one with the most matched units.
    """

    features: str
    real: Path | None = None
    layer: str | None = None
    images: int = 200

    def rules(self) -> Iterable[Rule]:
        """At least two images: a covariance needs two."""
        return self._at_least(2, "images")


ARTIFACTS = Experiment(
    key="artifacts",
    section=ArtifactsSection,
    kind="generator",
    tables=(tables.ARTIFACTS, tables.ARTIFACT_REMOVALS),
    work=f"{__package__}.work",
)
