"""Shape against texture: do units respond to the same places of images whose textures differ?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.experiments.texture.tables import TEXTURES
from dissectory.analysis.study.section import Section


@dataclass(frozen=True, slots=True)
class TextureSection(Section):
    """`[texture]`: do units respond to the same places if the shapes are the same and the textures differ?

    `folder` holds re-textured copies of the pictures in the folder `originals`, by default that of `[images]`. A copy
    has the path of its original.
    """

    folder: Path
    originals: Path | None = None


TEXTURE = Experiment(
    key="texture",
    section=TextureSection,
    kind="classifier",
    tables=(TEXTURES,),
    work=f"{__package__}.work",
)
