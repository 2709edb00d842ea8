"""What a reader of the site can paint with: the units of a generator that fit concepts best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.experiments.editing import rank_units
from dissectory.analysis.painting import PAINT, Paint
from dissectory.analysis.subjects.latents import Latents
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from dissectory.analysis.experiments.editing import Ranking
    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import PaintSection
    from dissectory.progress import Progress


def offer_paints(run: Run, setting: Setting, section: PaintSection, progress: Progress) -> None:
    """Write what the page to paint on is made of; a generator that no browser can run has none, and it is said why."""
    from dissectory.analysis.experiments.painting import prepare_painting  # noqa: PLC0415 - exporters take long to import

    images, ranking = setting.images, rank_units(run, setting, section.layer, "paint.layer")
    assert isinstance(images, Latents)  # noqa: S101 - only a generator's study asks for paint
    low, high = images.range
    numbers = range(min(section.images, len(images)))
    latents, *others = images.inputs(numbers)
    paints = paints_of(run, setting, ranking, section)
    if others or not paints:
        reason = "the generator takes several inputs" if others else f"no unit of {ranking.layer} matches a concept"
        progress.say(f"There is no page to paint on: {reason}")
        return
    try:
        with progress.stage("Preparing to paint", len(paints), "concepts") as advance:
            seeds = [images.seeds[number] for number in numbers]
            module, folder = setting.model.module, run.folder / PAINT
            prepare_painting(module, ranking.layer, latents, paints, folder, seeds=seeds, low=low, high=high)
            advance(len(paints))
    except SubjectError as error:
        progress.say(f"There is no page to paint on: {error}")


def paints_of(run: Run, setting: Setting, ranking: Ranking, section: PaintSection) -> list[Paint]:
    """The best fitted concepts above the cut that are no colours, those with the largest area first."""
    vocabulary, cut = setting.vocabulary, setting.study.dissection.iou_threshold
    table = run.table("concepts")
    pixels = dict(zip(table["concept"].astype(str), table["pixels"].tolist(), strict=True))
    fitting = [
        concept
        for concept in ranking.concepts(len(vocabulary))
        if ranking.best[concept] > cut and vocabulary.concepts[concept].category != "color"
    ]
    chosen = sorted(fitting[: section.concepts], key=lambda concept: -pixels[vocabulary.keys[concept]])
    paints = []
    for concept in chosen:
        units = ranking.order[concept][: section.units]
        levels = tuple(float(level) for level in ranking.thresholds[units])
        paints.append(Paint(vocabulary.keys[concept], tuple(int(unit) for unit in units), levels))
    return paints
