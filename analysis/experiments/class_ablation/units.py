"""The ablation of single units: each class's balanced accuracy without each unit of a layer.

    plan = plan_removal(find_rest(module, "layer4", example), example)
    removals = remove_units(plan, SplitImages(batches, classes, halves(classes, seed), grouping))

To remove a unit is to set its output to zero at every position. The network is not trained again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from dissectory.analysis.experiments.class_ablation.cache import FeatureBatch
from dissectory.analysis.experiments.class_ablation.estimate import estimate_lead_drops
from dissectory.analysis.experiments.class_ablation.tail import scores_of, variants_at_once
from dissectory.analysis.tally.importance import Correlation
from dissectory.analysis.tally.outcomes import Outcomes, count_outcomes
from dissectory.analysis.tally.removal import UnitPredictions, leads_of, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
    from dissectory.analysis.experiments.class_ablation.images import SplitImages
    from dissectory.analysis.experiments.class_ablation.plan import Plan
    from dissectory.analysis.experiments.class_ablation.tail import Tail
    from dissectory.analysis.subjects.rest import Point

Split = Literal["ranking", "reporting"]
SPLITS: tuple[Split, Split] = ("ranking", "reporting")

BEST = 8
"""The number of units of each class that are removed in "ranked" mode."""


@dataclass(frozen=True, slots=True)
class UnitRemovals:
    """The effect of removing each unit, on both splits. The last class stands for outputs that stand for no class.

    Attributes:
        plan: how the units were removed.
        original: the outcomes of the unchanged network, with `taken` and `right` `(class,)`.
        without: the outcomes without each unit, with `taken` and `right` `(unit, class)`. They are those of the
            unchanged network for units that were not removed.
        lead_drops: the drop of each class's lead, its score minus the best other score, as a mean over its images
            `(unit, class)`. For units that were not removed, an estimate on the ranking split and NaN on the other.
        removed: whether each unit was removed `(unit,)`.
        correlation: the correlation of each unit's peak activation with each class's softmax score over all images
            `(unit, class)`.
        peaks: the peak activations `(image, unit)`, NaN for images that are not in any batch.
        recomputed: the number of predictions that rounding may have decided, and that the network itself made.
    """

    plan: Plan
    original: dict[Split, Outcomes]
    without: dict[Split, Outcomes]
    lead_drops: dict[Split, npt.NDArray[np.float64]]
    removed: npt.NDArray[np.bool_]
    correlation: npt.NDArray[np.float64]
    peaks: npt.NDArray[np.float32]
    recomputed: int

    def drop(self, split: Split) -> npt.NDArray[np.float64]:
        """Return the drop of balanced accuracy without each unit `(unit, class)`; NaN if it is not known."""
        drop = self.original[split].balanced_accuracy - self.without[split].balanced_accuracy
        return np.where(self.removed[:, None], drop, np.nan)

    def order(self, output: int) -> npt.NDArray[np.intp]:
        """Rank the units by their importance for a class on the ranking split, most important first `(unit,)`.

        Units are ranked by the drop of balanced accuracy, then by the drop of the lead, then by number. The drop of a
        unit that was not removed counts as 0.
        """
        drop = np.nan_to_num(self.drop("ranking")[:, output])
        lead = np.nan_to_num(self.lead_drops["ranking"][:, output])
        return np.lexsort((np.arange(len(drop)), -lead, -drop))


def remove_units(
    plan: Plan,
    images: SplitImages,
    *,
    best: int = BEST,
    cache: FeatureCache | None = None,
    advance: Callable[[int], None] = lambda _images: None,
) -> UnitRemovals:
    """Remove every unit of a layer by itself, or only the most important units if every unit costs too much.

    Args:
        plan: how to remove the units.
        images: all images.
        best: the number of units of every class to remove in "ranked" mode.
        cache: the cache to fill with the reporting images.
        advance: called with the number of images after each batch.
    """
    with torch.no_grad():
        if plan.mode != "ranked":
            everything = np.ones(plan.tail.units, dtype=np.bool_)
            return _UnitPass(plan, images, everything, cache).run(advance)
        estimate = estimate_lead_drops(plan.tail, images)
        important = _important(estimate, images, best)
        return _UnitPass(plan, images, important, cache).run(advance, estimate)


def _important(estimate: npt.NDArray[np.float64], images: SplitImages, best: int) -> npt.NDArray[np.bool_]:
    """Choose the best units of every class that has ranking images `(unit,)`."""
    present = np.unique(images.classes[images.ranking & (images.classes >= 0)])
    important = np.zeros(len(estimate), dtype=np.bool_)
    important[np.argsort(-estimate[:, present], axis=0, kind="stable")[:best]] = True
    return important


class _UnitPass:
    """One pass over the images, in which the `removed` units `(unit,)` are removed one by one."""

    def __init__(
        self, plan: Plan, images: SplitImages, removed: npt.NDArray[np.bool_], cache: FeatureCache | None
    ) -> None:
        units, outputs = plan.tail.units, images.grouping.count + 1
        self._plan, self._images, self._removed, self._cache = plan, images, removed, cache
        self._peaks = np.full((len(images.classes), units), np.nan, dtype=np.float32)
        self._original: dict[Split, Outcomes] = {}
        self._without: dict[Split, Outcomes] = {}
        self._lead_drops: dict[Split, npt.NDArray[np.float64]] = {split: np.zeros((units, outputs)) for split in SPLITS}
        self._correlation = Correlation(units, outputs)
        self._recomputed = 0

    def run(self, advance: Callable[[int], None], estimate: npt.NDArray[np.float64] | None = None) -> UnitRemovals:
        """Go over the images; the `estimate` `(unit, class)` is for units that are not removed."""
        tail = self._plan.tail
        for numbers, inputs in self._images.batches():
            point, answer = tail.rest.run(inputs)
            batch = FeatureBatch(numbers, *tail.split(point), scores_of(answer))
            if self._cache is not None:
                self._cache.keep(batch)
            self._observe_peaks(numbers, point, batch.scores)
            self._observe_removals(batch)
            advance(len(numbers))
        return self._result(estimate)

    def _observe_peaks(self, numbers: npt.NDArray[np.integer[Any]], point: Point, scores: Tensor) -> None:
        """Add the peak activations, and their correlation with the scores."""
        peaks = point.output.flatten(2).amax(dim=2).float().cpu().numpy()
        self._peaks[numbers] = peaks
        shares = self._images.grouping.sums(scores.softmax(dim=1).double().cpu().numpy())
        self._correlation.observe(peaks, shares)

    def _observe_removals(self, batch: FeatureBatch) -> None:
        """Add the predictions and the leads, unchanged and without each unit."""
        grouping, scores = self._images.grouping, batch.scores.float().cpu().numpy()
        classes, ranking = self._images.classes[batch.numbers], self._images.ranking[batch.numbers]
        own_outputs = grouping.own_outputs(scores, classes)
        found = self._predict(batch, own_outputs)
        drops = leads_of(scores, own_outputs)[:, None] - found.leads
        taken, unchanged_taken = grouping.taken(found.outputs), grouping.taken(scores.argmax(axis=1))
        outputs = grouping.count + 1
        for split, of in zip(SPLITS, (ranking, ~ranking), strict=True):
            _add(self._original, split, count_outcomes(unchanged_taken[of], classes[of], outputs))
            _add(self._without, split, count_outcomes(taken[of], classes[of], outputs))
            counted = of & (classes >= 0)
            np.add.at(self._lead_drops[split].T, classes[counted], drops[counted].astype(np.float64))

    def _predict(self, batch: FeatureBatch, own_outputs: npt.NDArray[np.int64]) -> UnitPredictions:
        """Predict without each unit `(image, unit)`."""
        tail = self._plan.tail
        if tail.head is not None:
            features = tail.features(batch.cut, batch.silent, batch.scores)
            found = tail.head.without_units(features, own_outputs, torch.get_num_threads())
            self._recomputed += int(found.near.sum())
            wanted = found.near
        else:
            found = unchanged(batch.scores.float().cpu().numpy(), own_outputs, tail.units)
            differs = (batch.cut.output != batch.silent).reshape(len(own_outputs), tail.units, -1).any(dim=2)
            wanted = differs.cpu().numpy() & self._removed
        _run_on(tail, batch, wanted, own_outputs, found)
        return found

    def _result(self, estimate: npt.NDArray[np.float64] | None) -> UnitRemovals:
        lead_drops = {}
        for split in SPLITS:
            images = self._original[split].images
            means = self._lead_drops[split] / np.where(images > 0, images, np.nan)
            otherwise = estimate if estimate is not None and split == "ranking" else np.nan
            lead_drops[split] = np.where(self._removed[:, None], means, otherwise)
        return UnitRemovals(
            plan=self._plan,
            original=self._original,
            without=self._without,
            lead_drops=lead_drops,
            removed=self._removed,
            correlation=self._correlation.value,
            peaks=self._peaks,
            recomputed=self._recomputed,
        )


def _add(sums: dict[Split, Outcomes], split: Split, counted: Outcomes) -> None:
    sums[split] = sums[split] + counted if split in sums else counted


def _run_on(
    tail: Tail,
    batch: FeatureBatch,
    wanted: npt.NDArray[np.bool_],
    own_outputs: npt.NDArray[np.integer[Any]],
    found: UnitPredictions,
) -> None:
    """Make the `wanted` predictions `(image, unit)` by running the network on from the cut; write them into `found`."""
    images, units = wanted.nonzero()
    at_once = variants_at_once(batch.cut)
    for first in range(0, len(images), at_once):
        image, unit = images[first : first + at_once], units[first : first + at_once]
        removed = np.zeros((len(image), tail.units), dtype=np.bool_)
        removed[np.arange(len(unit)), unit] = True
        scores = tail.without(batch.cut, batch.silent, image, removed)
        found.outputs[image, unit] = scores.argmax(dim=1).cpu().numpy()
        found.leads[image, unit] = leads_of(scores.float().cpu().numpy(), own_outputs[image])
