"""Trials of painting: each concept is painted in the middle of some images, to find the best layer to paint in.

The IoU of a layer's units does not show whether they can generate a concept: if later layers depend on the whole image,
forcing a few units on has no effect. So painting is tried in every layer, with the same strokes as on the page, on
images of the study. Insertion is measured on other images, so these do not choose the layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.editing.generator import EditedGenerator, first_images
from dissectory.analysis.editing.ranking import most_matched, rank_units
from dissectory.analysis.experiments.insertion.declare import InsertionSection
from dissectory.analysis.experiments.paint.declare import PaintSection
from dissectory.analysis.experiments.paint.tables import PAINT_TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.editing.changes import Cells
    from dissectory.analysis.editing.generator import GeneratedBatch
    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

IMAGES = 6
"""The number of images that are painted on: the first of the study."""

APPEARS = 0.1
"""A concept can be painted if at least this share of the painted positions carries it afterwards."""


@dataclass(frozen=True, slots=True)
class PaintTrial:
    """The result of painting a concept with `units` units of a layer.

    `painted` grid positions under the brush did not carry the concept before, and `came` of them carried it afterwards.
    """

    concept: int
    units: int
    images: int
    painted: int
    came: int

    @property
    def share(self) -> float:
        """The share of the painted positions that carried the concept afterwards."""
        return self.came / self.painted if self.painted else 0.0


def paint_trials(bench: Bench) -> dict[str, list[PaintTrial]]:
    """Try all layers from which `[insertion]` and `[paint]` choose, or the one layer that `[paint]` names."""
    study = bench.setting.study
    paint, insertion = study.section(PaintSection), study.section(InsertionSection)
    asked = [section.layer for section in (insertion, paint) if section]
    layers = [layer.name for layer in bench.setting.layers] if None in asked else [name for name in asked[-1:] if paint]
    with bench.seconds.stage("paint"):
        return try_layers(bench, paint or PaintSection(), [name for name in layers if name])


def best_layer_to_paint(bench: Bench) -> str:
    """Choose the layer in which most concepts appear when they are painted."""
    return layer_to_paint(bench.run, bench.once(paint_trials))


def try_layers(bench: Bench, section: PaintSection, layers: Sequence[str]) -> dict[str, list[PaintTrial]]:
    """Paint in some layers, and write the table; return the trials of each layer, the largest share first."""
    run, setting, progress = bench.run, bench.setting, bench.progress
    tried = {}
    with progress.stage("Painting in each layer", len(layers), "layers") as advance:
        for layer in layers:
            tried[layer] = _try_layer(setting, section, rank_units(run, setting, layer))
            advance(1)
    rows = [(layer, setting.vocabulary.keys[one.concept], one) for layer, trials in tried.items() for one in trials]
    columns = {
        "layer": [layer for layer, _, _ in rows],
        "concept": [concept for _, concept, _ in rows],
        "units": [one.units for _, _, one in rows],
        "images": [one.images for _, _, one in rows],
        "painted": [one.painted for _, _, one in rows],
        "came": [one.came for _, _, one in rows],
        "share": [one.share for _, _, one in rows],
    }
    run.write_table(PAINT_TRIALS, columns)
    return tried


def layer_to_paint(run: Run, tried: Mapping[str, Sequence[PaintTrial]]) -> str:
    """Choose the layer to paint in; if no concept appeared in any layer, the layer with most matched units."""
    shares = {layer: [one.share for one in trials] for layer, trials in tried.items()}
    return best_layer(shares) if any(map(any, shares.values())) else most_matched(run)


def best_layer(shares: Mapping[str, Sequence[float]]) -> str:
    """Choose the layer in which most concepts appear; if none does, the layer with the largest sum of shares.

    >>> best_layer({"a": [0.05, 0.02], "b": [0.3, 0.1], "c": [0.9, 0.12]}), best_layer({"a": [0.05], "b": [0.04, 0.03]})
    ('b', 'b')
    """
    counts = {layer: sum(share >= APPEARS for share in found) for layer, found in shares.items()}
    if any(counts.values()):
        return max(counts, key=counts.__getitem__)
    return max(shares, key=lambda layer: sum(shares[layer]))


def _try_layer(setting: Setting, section: PaintSection, ranking: Ranking) -> list[PaintTrial]:
    """Paint the concepts with the highest IoU in a layer: those above the IoU threshold, except colors."""
    vocabulary, cut = setting.vocabulary, setting.study.dissection.iou_threshold
    fitting = [
        concept
        for concept in ranking.concepts(len(vocabulary))
        if ranking.best[concept] > cut and vocabulary.concepts[concept].category != "color"
    ]
    generator = EditedGenerator(setting, ranking.layer, first_images(setting, IMAGES))
    drawn = list(generator.drawn())
    trials = []
    for concept in fitting[: section.concepts]:
        units = ranking.order[concept][: section.units]
        found = [_paint(generator, one, concept, units, ranking.levels[units]) for one in drawn]
        painted, came = (sum(counts) for counts in zip(*found, strict=True))
        trials.append(PaintTrial(concept, len(units), len(generator), painted, came))
    return sorted(trials, key=lambda one: -one.share)


def _paint(
    generator: EditedGenerator, drawn: GeneratedBatch, concept: int, units: Cells, levels: npt.NDArray[np.float32]
) -> tuple[int, int]:
    """Paint the middle half of rows and columns; count the positions without the concept before, and with it after."""
    output = drawn.point.output.clone()
    sizes = output.shape[2:]
    rows, columns = cells = tuple(map(_middle, sizes))
    output[:, units.tolist(), rows, columns] = torch.from_numpy(levels).to(output)[:, None, None]
    after = generator.changed(drawn, output)
    grid = math.isqrt(drawn.labels.shape[1])
    under = np.logical_and.outer(*(_under(at, size, grid) for at, size in zip(cells, sizes, strict=True)))
    was, now = ((labels[:, under.ravel()] == concept + 1).any(axis=2) for labels in (drawn.labels, after))
    return int((~was).sum()), int((now & ~was).sum())


def _under(cells: slice, size: int, grid: int) -> npt.NDArray[np.bool_]:
    """Return whether the center of each grid position along a side lies in some cells of an activation map `(grid,)`.

    >>> _under(slice(1, 3), 4, 6).tolist()
    [False, True, True, True, False, False]
    """
    own = (2 * np.arange(grid) + 1) * size // (2 * grid)
    under: npt.NDArray[np.bool_] = (own >= cells.start) & (own < cells.stop)
    return under


def _middle(size: int) -> slice:
    """Return the cells in the middle half of an activation map's side, at least one."""
    return slice(size // 4, max(size // 4 + 1, 3 * size // 4))
