"""What a study asks to be done to a generator's images: units removed, units forced on, a page to paint on.

Where it does not say in which layer, the layers are tried on a few images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.generator_ablation.single_units import remove_single_units
from dissectory.analysis.experiments.generator_ablation.trials import layer_to_remove_from
from dissectory.analysis.experiments.generator_ablation.work import ablate_generator
from dissectory.analysis.experiments.insertion.work import insert_concepts
from dissectory.analysis.experiments.paint.trials import layer_to_paint, try_layers
from dissectory.analysis.experiments.paint.work import offer_paints
from dissectory.analysis.measuring.passes import timed
from dissectory.analysis.resuming.fingerprint import Facts
from dissectory.analysis.resuming.shards import Shelf
from dissectory.analysis.study import AblationSection, PaintSection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dissectory.analysis.experiments.generator_ablation.work import Keep
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.seconds import Seconds
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import InsertionSection
    from dissectory.progress import Progress


@dataclass(frozen=True, slots=True)
class Edits:
    """Does what a study asks for to the images of its generator."""

    run: Run
    setting: Setting
    seconds: Seconds
    progress: Progress

    def make(self, record: Record, kept: Path) -> None:
        """Do all of it; what takes long is kept in the folder `kept` on the way."""
        study, shelf = self.setting.study, Shelf(self.run, kept)
        if not (study.insertion or study.paint or isinstance(study.ablation, AblationSection)):
            return
        facts = Facts.of(self.setting, record.images_hash).labels

        def keep(kind: str, own: Mapping[str, str]) -> Shards:
            return shelf.open(kind, {**facts, **own})

        if isinstance(study.ablation, AblationSection):
            self._remove(study.ablation, keep)
        if study.insertion or study.paint:
            self._force(study.insertion, study.paint, keep)
        shelf.discard_others()

    def _remove(self, section: AblationSection, keep: Keep) -> None:
        run, setting, progress = self.run, self.setting, self.progress
        with timed(self.seconds, "ablation"):
            layer = section.layer or layer_to_remove_from(run, setting, progress)
            ablate_generator(run, setting, section, layer, keep=keep, progress=progress)
        with timed(self.seconds, "single units"):
            remove_single_units(run, setting, section, layer, keep=keep, progress=progress)

    def _force(self, insertion: InsertionSection | None, paint: PaintSection | None, keep: Keep) -> None:
        """Force units on at one place of each image, and offer them to paint with: both in a layer where that shows."""
        run, setting, progress = self.run, self.setting, self.progress
        with timed(self.seconds, "paint"):
            asked = [section.layer for section in (insertion, paint) if section]
            names = [layer.name for layer in setting.layers] if None in asked else []
            names = names or ([paint.layer] if paint and paint.layer else [])
            trials = try_layers(run, setting, paint or PaintSection(), names, progress) if names else {}
            best = layer_to_paint(run, trials) if None in asked else ""
        if insertion:
            with timed(self.seconds, "insertion"):
                insert_concepts(run, setting, insertion, insertion.layer or best, keep=keep, progress=progress)
        if paint:
            with timed(self.seconds, "paint"):
                layer = paint.layer or best
                offer_paints(run, setting, paint, layer, trials=trials[layer], progress=progress)
