"""Ablation in a generator: the units that fit a concept best are removed; what vanishes from its images?

As in Bau et al. 2020 ('Ablation in a GAN'): areas of the concept, and of every other one, against the same images
unchanged, with 99 % intervals; beside it the same with as many units taken at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis import schema
from dissectory.analysis.experiments.edit_pictures import draw_removals
from dissectory.analysis.experiments.editing import NINETY_NINE, EditedGenerator, further_images, rank_units, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import AblationSection
    from dissectory.progress import Progress

    Areas = npt.NDArray[np.int64]
    Values = npt.NDArray[np.float64]

SIZES = (0, 1, 2, 4, 8, 12, 16, 20, 30)
"""How many units are removed, as far as the layer has so many."""

FEWEST = 4
"""Of fewer images with a concept, no interval is given: the standard error itself is hardly known then."""

_RANDOM = -1
"""Stands for the units taken at random where others stand for concepts."""


@dataclass(frozen=True, slots=True)
class Change:
    """By which share of what they were areas changed `(concept,)`, with 99 % intervals.

    NaN where there was no area; the interval is NaN where less than `FEWEST` images had any.
    """

    share: Values
    low: Values
    high: Values


def ablate_generator(run: Run, setting: Setting, section: AblationSection, progress: Progress) -> None:
    """Remove units, measure, and write the table."""
    ranking = rank_units(run, setting, section.layer, "ablation.layer")
    concepts = ranking.concepts(section.concepts)
    units = ranking.order.shape[1]
    sizes = [size for size in SIZES if size <= units]
    random = np.random.default_rng(setting.study.seed).permutation(units)
    orders = {_RANDOM: random, **{concept: ranking.order[concept] for concept in concepts}}
    generator = EditedGenerator(setting, ranking.layer, further_images(setting, section.images))
    baseline, areas = _measure(generator, orders, sizes, progress)
    rows = [
        _rows(setting.vocabulary.keys, (concept, size), baseline, areas[concept, size], areas[_RANDOM, size])
        for concept in concepts
        for size in sizes
    ]
    columns: dict[str, Any] = {
        column.name: np.concatenate([row[column.name] for row in rows]) if rows else []
        for column in schema.GENERATOR_ABLATIONS.columns[1:]
    }
    layer = np.full(len(columns["units"]), ranking.layer, dtype=object)
    run.write_table(schema.GENERATOR_ABLATIONS, {"layer": layer, **columns})
    own = {key: found for key, found in areas.items() if key[0] != _RANDOM}
    draw_removals(run, setting, generator, ranking, own)


def _measure(
    generator: EditedGenerator, orders: Mapping[int, npt.NDArray[np.intp]], sizes: Sequence[int], progress: Progress
) -> tuple[Areas, dict[tuple[int, int], Areas]]:
    """Areas `(image, concept)` of the images as they are, and without the first units of each order."""
    before: list[Areas] = []
    after: dict[tuple[int, int], list[Areas]] = {(concept, size): [] for concept in orders for size in sizes}
    with progress.stage("Removing units", len(generator), "images") as advance:
        for drawn in generator.drawn():
            before.append(generator.areas(drawn.labels))
            for (concept, size), found in after.items():
                output = without(drawn.point.output, orders[concept][:size])
                found.append(generator.areas(generator.changed(drawn, output)) if size else before[-1])
            advance(len(drawn.batch))
    return np.concatenate(before), {key: np.concatenate(found) for key, found in after.items()}


def _rows(
    keys: Sequence[str], removed: tuple[int, int], baseline: Areas, areas: Areas, random: Areas
) -> dict[str, npt.NDArray[Any]]:
    """The rows of one concept and one number of units: its own, and of each concept that was or came to be there."""
    concept, size = removed
    there = np.union1d(np.flatnonzero((baseline + areas + random).any(axis=0)), [concept])
    change, control = change_of(baseline[:, there], areas[:, there]), change_of(baseline[:, there], random[:, there])
    return {
        "concept": np.full(len(there), keys[concept], dtype=object),
        "units": np.full(len(there), size),
        "measured": np.array(keys, dtype=object)[there],
        "images": np.full(len(there), len(baseline)),
        "pixels": areas[:, there].sum(axis=0),
        "baseline": baseline[:, there].sum(axis=0),
        "change": change.share,
        "low": change.low,
        "high": change.high,
        "random_pixels": random[:, there].sum(axis=0),
        "random_change": control.share,
        "random_low": control.low,
        "random_high": control.high,
    }


def change_of(before: Areas, after: Areas) -> Change:
    """Find by which share of their sum areas `(image, concept)` changed.

    The standard error is that of a ratio of two sums over images (Cochran 1977, chapter 6): of what each image's change
    differs by from the share of its own area.
    """
    count, total = len(before), before.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, (after - before).sum(axis=0) / total, np.nan)
        apart = (after - before) - share * before
        error = np.sqrt((apart**2).sum(axis=0) / max(count - 1, 1) * count) / total
    wide = np.where((before > 0).sum(axis=0) >= FEWEST, NINETY_NINE * error, np.nan)
    return Change(share, share - wide, share + wide)
