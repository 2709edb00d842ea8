"""What a reader of the site can paint with: the units of a generator that fit concepts best, where that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.editing.generator import rank_units
from dissectory.analysis.experiments.paint.painting import PAINT, Paint
from dissectory.analysis.subjects.latents import Latents
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.editing.generator import Ranking
    from dissectory.analysis.experiments.paint.trials import Trial
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import PaintSection
    from dissectory.progress import Progress


def offer_paints(
    run: Run, setting: Setting, section: PaintSection, layer: str, *, trials: Sequence[Trial], progress: Progress
) -> None:
    """Write what the page to paint on is made of: what was tried in a layer, in that order.

    A generator that no browser can run has no such page, and it is said why.
    """
    from dissectory.analysis.experiments.paint.export import prepare_painting  # noqa: PLC0415 - exporters take long to import

    images = setting.images
    assert isinstance(images, Latents)  # noqa: S101 - only a generator's study asks for paint
    low, high = images.range
    numbers = range(min(section.images, len(images)))
    ranking = rank_units(run, setting, layer)
    paints = [paint_of(setting, ranking, trial) for trial in trials]
    if not paints:
        progress.say(f"There is no page to paint on: no unit of {layer} matches a concept")
        return
    try:
        with progress.stage("Preparing to paint", len(paints), "concepts") as advance:
            seeds = [images.seeds[number] for number in numbers]
            module, folder = setting.model.module, run.folder / PAINT
            prepare_painting(module, layer, images.inputs(numbers), paints, folder, seeds=seeds, low=low, high=high)
            advance(len(paints))
    except SubjectError as error:
        progress.say(f"There is no page to paint on: {error}")


def paint_of(setting: Setting, ranking: Ranking, trial: Trial) -> Paint:
    """Make the paint that was tried: the units that fit a concept best, at their levels."""
    units = ranking.order[trial.concept][: trial.units]
    levels = tuple(float(level) for level in ranking.levels[units])
    return Paint(setting.vocabulary.keys[trial.concept], tuple(int(unit) for unit in units), levels)
