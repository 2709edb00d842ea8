"""In which layer of a generator are a concept's units those that draw it? Some are removed from a few images.

What a layer's units fit says little about that: layers may fit many concepts and draw none of them alone. So the units
of some concepts are removed from every layer, on images of the study: what is told of others later on is not chosen by
them.
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
"""Images that are tried, the first ones of the study; concepts; units that are removed of each, at most."""

PART = 4
"""At most one of so many of a layer's units is removed: with most of them, random ones take away as much.

Layers with fewer than twice as many units are not tried where there are others: without the red of a picture, what is
red is gone, and no unit draws it.
"""

LEAST = 0.01
"""A concept is tried where it covers so much of a picture, on all images together."""


@dataclass(frozen=True, slots=True)
class AblationTrial:
    """A concept's area before its best units were removed, after it, and after as many at random were."""

    concept: int
    units: int
    before: int
    after: int
    random: int

    @property
    def lost(self) -> float:
        """What share of the area was lost beyond what random units take, at least -1; what these add does not count."""
        return max(-1.0, (min(self.before, self.random) - self.after) / self.before)


def layer_to_remove_from(bench: Bench) -> str:
    """Try every layer, and write the table; returns the layer in which concepts lose most of their areas.

    Concepts are those that any unit fits best, no colors; where none of them is on the images, it is the layer with
    most matched units.
    """
    run, setting, progress = bench.run, bench.setting, bench.progress
    wide = [layer.name for layer in setting.layers if layer.units >= 2 * PART]
    names = wide or [layer.name for layer in setting.layers]
    if len(names) == 1:
        return names[0]
    rankings = [rank_units(run, setting, name) for name in names]
    concepts = _concepts(setting, rankings)
    tried: dict[str, list[AblationTrial]] = {}
    with progress.stage("Trying to remove", len(names), "layers") as advance:
        for ranking in rankings:
            tried[ranking.layer] = _try_layer(setting, ranking, concepts)
            advance(1)
    rows = [(layer, one) for layer, trials in tried.items() for one in trials]
    run.write_table(
        ABLATION_TRIALS,
        {
            "layer": [layer for layer, _ in rows],
            "concept": [setting.vocabulary.keys[one.concept] for _, one in rows],
            "units": [one.units for _, one in rows],
            "images": [min(IMAGES, len(setting.images))] * len(rows),
            "baseline": [one.before for _, one in rows],
            "pixels": [one.after for _, one in rows],
            "random_pixels": [one.random for _, one in rows],
            "lost": [one.lost for _, one in rows],
        },
    )
    return best_layer({layer: [one.lost for one in trials] for layer, trials in tried.items()}) or most_matched(run)


def best_layer(lost: Mapping[str, Sequence[float]]) -> str | None:
    """Choose the layer in which concepts lose most on average, the first of equal ones; none where nothing was tried.

    >>> best_layer({"a": [0.1, 0.0], "b": [0.5, -0.1], "c": [0.2, 0.2]}), best_layer({"a": [], "b": []})
    ('b', None)
    """
    means = {layer: sum(shares) / len(shares) for layer, shares in lost.items() if shares}
    return max(means, key=means.__getitem__) if means else None


def _concepts(setting: Setting, rankings: Sequence[Ranking]) -> list[int]:
    """The concepts that any unit of any layer fits at all, the best fitted first; colors are none."""
    best = np.max([ranking.best for ranking in rankings], axis=0)
    named = [concept.category != "color" for concept in setting.vocabulary.concepts]
    return [int(concept) for concept in np.argsort(-best, kind="stable") if best[concept] > 0 and named[concept]]


def _try_layer(setting: Setting, ranking: Ranking, concepts: Sequence[int]) -> list[AblationTrial]:
    """Remove the units of the first concepts that are on the images from one layer."""
    generator = EditedGenerator(setting, ranking.layer, first_images(setting, IMAGES))
    drawn = list(generator.drawn())
    units = ranking.order.shape[1]
    size = min(UNITS, max(1, units // PART))

    def areas(removed: npt.NDArray[np.intp]) -> Areas:
        changed = [generator.changed(one, without(one.point.output, removed)) for one in drawn]
        found: Areas = generator.areas(np.concatenate(changed)).sum(axis=0)
        return found

    before = generator.areas(np.concatenate([one.labels for one in drawn])).sum(axis=0)
    random = areas(np.random.default_rng(abs(setting.study.seed)).permutation(units)[:size])
    least = LEAST * setting.positions
    shown = [concept for concept in concepts if before[concept] >= max(1, least)][:CONCEPTS]
    return [
        AblationTrial(one, size, int(before[one]), int(areas(ranking.order[one][:size])[one]), int(random[one]))
        for one in shown
    ]
