"""Painting: the files of the page on which the reader paints with the units of a generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.editing.ranking import rank_units
from dissectory.analysis.experiments.paint.images import SeededImages
from dissectory.analysis.experiments.paint.painting import PAINT, Paint
from dissectory.analysis.experiments.paint.trials import best_layer_to_paint, paint_trials
from dissectory.analysis.subjects.latents import Latents
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.paint.declare import PaintSection
    from dissectory.analysis.experiments.paint.trials import PaintTrial
    from dissectory.analysis.measuring.setting import Setting


def check(setting: Setting, section: PaintSection) -> None:
    """Check that the study has the layer.

    Raises:
        StudyError: the study does not have it.
    """
    setting.check_layer("paint.layer", section.layer)


def run(bench: Bench, section: PaintSection) -> None:
    """Write the files for the layer that the study names, or for the layer in which most concepts can be painted."""
    layer = section.layer or bench.once(best_layer_to_paint)
    offer_paints(bench, section, layer, bench.once(paint_trials)[layer])


def offer_paints(bench: Bench, section: PaintSection, layer: str, trials: Sequence[PaintTrial]) -> None:
    """Write the files of the page to paint on, with the concepts that were tried in a layer, in their order.

    If a browser cannot run the generator, say why there is no page.
    """
    from dissectory.analysis.experiments.paint.export import prepare_painting  # noqa: PLC0415 - exporters take seconds to import

    run, setting, progress = bench.run, bench.setting, bench.progress
    images = setting.images
    assert isinstance(images, Latents)  # noqa: S101 - only the study of a generator has [paint]
    numbers = range(min(section.images, len(images)))
    ranking = rank_units(run, setting, layer)
    paints = [paint_of(setting, ranking, trial) for trial in trials]
    if not paints:
        progress.say(f"There is no page to paint on: no unit of {layer} matches a concept")
        return
    try:
        with progress.stage("Exporting the generator", len(paints), "concepts") as advance:
            seeds = [images.seeds[number] for number in numbers]
            offered = SeededImages(images.inputs(numbers), seeds, *images.range)
            prepare_painting(setting.model.module, layer, offered, paints, run.folder / PAINT)
            advance(len(paints))
    except SubjectError as error:
        progress.say(f"There is no page to paint on: {error}")


def paint_of(setting: Setting, ranking: Ranking, trial: PaintTrial) -> Paint:
    """Make the paint of a trial: the units with the highest IoU with its concept, at their insertion levels."""
    units = ranking.order[trial.concept][: trial.units]
    levels = tuple(float(level) for level in ranking.levels[units])
    return Paint(setting.vocabulary.keys[trial.concept], tuple(int(unit) for unit in units), levels)
