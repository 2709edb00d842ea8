"""The experiment `[texture]`: are units active at the same positions of images with the same shapes, other textures?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.experiments.texture.tables import TEXTURES
from dissectory.analysis.study.section import Section


@dataclass(frozen=True, slots=True)
class TextureSection(Section):
    """`[texture]`: are units active at the same positions of an image and of its copy with other textures?

    `folder` holds re-textured copies of the images in the folder `originals`, which is by default that of `[images]`. A
    copy has the same path as its original.
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
