"""The experiment `[ablation]` of a generator: which concepts vanish from its images if their units are ablated?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.experiments.generator_ablation.tables import (
    ABLATION_PICTURES,
    ABLATION_TRIALS,
    GENERATOR_ABLATIONS,
    UNIT_EFFECTS,
)
from dissectory.analysis.study.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.analysis.study.section import Rule


@dataclass(frozen=True, slots=True)
class AblationSection(Section):
    """`[ablation]` of a generator: the units that match a concept best are ablated; what vanishes from its images?

    Units are ablated in one `layer`, by default in the layer in which ablation removes the largest share of the
    concepts' area on a few images. This is done for every concept that a unit of the layer matches at all, or for the
    `concepts` best matched ones. A concept's units, ranked by IoU and by the information quality ratio, are ablated in
    the first `images` images that show it, out of `among` images that are not the study's, and in as many that do not
    show it. Then each unit of the layer is ablated alone, on `single_images` images; 0 skips this.
    """

    usual_dissection: ClassVar[Mapping[str, object]] = MappingProxyType({"information_ratio": True})

    layer: str | None = None
    images: int = 50
    among: int = 1000
    concepts: int | None = None
    single_images: int = 16

    def rules(self) -> Iterable[Rule]:
        """Positive numbers."""
        yield from self._at_least(1, "images", "among", "concepts")
        yield from self._at_least(0, "single_images")


GENERATOR_ABLATION = Experiment(
    key="ablation",
    section=AblationSection,
    kind="generator",
    tables=(GENERATOR_ABLATIONS, UNIT_EFFECTS, ABLATION_PICTURES, ABLATION_TRIALS),
    work=f"{__package__}.work",
)
