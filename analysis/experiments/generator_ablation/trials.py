"""Trials to choose the layer in which a generator's units are ablated: a few ablations in every layer.

How well the units of a layer match concepts says little about their effect: a layer may match many concepts, and yet
ablating its units removes none of them. The trials ablate the units of some concepts in every layer, on images of the
study. The later ablation is measured on other images, so its results are not biased by this choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.editing.changes import without
from dissectory.analysis.editing.generator import EditedGenerator, first_images
from dissectory.analysis.editing.ranking import most_matched, rank_units
from dissectory.analysis.experiments.generator_ablation.tables import ABLATION_TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.setting import Setting

    Areas = npt.NDArray[np.int64]

IMAGES, CONCEPTS, UNITS = 6, 12, 20
"""Numbers of images (the first of the study), of concepts, and of ablated units for each concept, at most."""

PART = 4
"""At most one in this many of a layer's units is ablated: without most of its units, random units remove as much.

Layers with fewer than twice as many units, such as the red, green and blue of an image, are not tried if there are
others: without the red channel, every red object vanishes, although no unit generates it.
"""

LEAST = 0.01
"""A concept is tried if it covers at least this share of the area of one image, summed over all images."""


@dataclass(frozen=True, slots=True)
class AblationTrial:
    """A concept's area in grid positions: before, after its best units are ablated, and after random units are."""

    concept: int
    units: int
    before: int
    after: int
    random: int

    @property
    def lost(self) -> float:
        """The share of the area that is lost beyond the effect of random units, never below -1.

        If random units increase the area, the increase does not count.
        """
        return max(-1.0, (min(self.before, self.random) - self.after) / self.before)


def layer_to_remove_from(bench: Bench) -> str:
    """Try every layer, write the table, and return the layer in which concepts lose the largest share of their areas.

    The concepts are those that a unit matches best, without colors. If the images show none of them, return the layer
    with the most matched units.
    """
    run, setting, progress = bench.run, bench.setting, bench.progress
    wide = [layer.name for layer in setting.layers if layer.units >= 2 * PART]
    names = wide or [layer.name for layer in setting.layers]
    if len(names) == 1:
        return names[0]
    rankings = [rank_units(run, setting, name) for name in names]
    concepts = _concepts(setting, rankings)
    tried: dict[str, list[AblationTrial]] = {}
    with progress.stage("Choosing a layer", len(names), "layers") as advance:
        for ranking in rankings:
            tried[ranking.layer] = _try_layer(setting, ranking, concepts)
            advance(1)
    rows = [(layer, trial) for layer, trials in tried.items() for trial in trials]
    run.write_table(
        ABLATION_TRIALS,
        {
            "layer": [layer for layer, _ in rows],
            "concept": [setting.vocabulary.keys[trial.concept] for _, trial in rows],
            "units": [trial.units for _, trial in rows],
            "images": [min(IMAGES, len(setting.images))] * len(rows),
            "baseline": [trial.before for _, trial in rows],
            "pixels": [trial.after for _, trial in rows],
            "random_pixels": [trial.random for _, trial in rows],
            "lost": [trial.lost for _, trial in rows],
        },
    )
    lost = {layer: [trial.lost for trial in trials] for layer, trials in tried.items()}
    return best_layer(lost) or most_matched(run)


def best_layer(lost: Mapping[str, Sequence[float]]) -> str | None:
    """Choose the layer with the highest mean loss, the first of equal ones; `None` if no concept was tried.

    >>> best_layer({"a": [0.1, 0.0], "b": [0.5, -0.1], "c": [0.2, 0.2]}), best_layer({"a": [], "b": []})
    ('b', None)
    """
    means = {layer: sum(shares) / len(shares) for layer, shares in lost.items() if shares}
    return max(means, key=means.__getitem__) if means else None


def _concepts(setting: Setting, rankings: Sequence[Ranking]) -> list[int]:
    """List the concepts that a unit of any layer matches with a score above 0, the best first, without colors."""
    best = np.max([ranking.best for ranking in rankings], axis=0)
    named = [concept.category != "color" for concept in setting.vocabulary.concepts]
    return [int(concept) for concept in np.argsort(-best, kind="stable") if best[concept] > 0 and named[concept]]


def _try_layer(setting: Setting, ranking: Ranking, concepts: Sequence[int]) -> list[AblationTrial]:
    """Ablate units of one layer, for the first of the concepts that the images show."""
    generator = EditedGenerator(setting, ranking.layer, first_images(setting, IMAGES))
    drawn = list(generator.drawn())
    units = ranking.order.shape[1]
    size = min(UNITS, max(1, units // PART))

    def areas(removed: npt.NDArray[np.intp]) -> Areas:
        changed = [generator.changed(batch, without(batch.point.output, removed)) for batch in drawn]
        found: Areas = generator.areas(np.concatenate(changed)).sum(axis=0)
        return found

    before = generator.areas(np.concatenate([batch.labels for batch in drawn])).sum(axis=0)
    random = areas(np.random.default_rng(abs(setting.study.seed)).permutation(units)[:size])
    least = LEAST * setting.positions
    shown = [concept for concept in concepts if before[concept] >= max(1, least)][:CONCEPTS]
    return [
        AblationTrial(
            concept,
            size,
            int(before[concept]),
            int(areas(ranking.order[concept][:size])[concept]),
            int(random[concept]),
        )
        for concept in shown
    ]
