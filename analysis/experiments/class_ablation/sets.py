"""The ablation of sets of units: how many units does a class need?

    cache = FeatureCache(plan.tail, images, budget)
    removals = remove_units(plan, images, cache=cache)
    curves = remove_sets(cache, {number: removals.order(number) for number in classes}, sizes_below(plan.tail.units))

Units are ranked on the ranking split; all counts here are of the reporting split. Sets of random units are the
comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from dissectory.analysis.experiments.class_ablation.tail import variants_at_once
from dissectory.analysis.tally.outcomes import Outcomes, count_outcomes
from dissectory.analysis.tally.removal import Predictions
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.cache import FeatureBatch, FeatureCache
    from dissectory.analysis.experiments.class_ablation.tail import Tail

    _Ints = npt.NDArray[np.integer[Any]]

SetMode = Literal["remove", "keep"]
MODES: tuple[SetMode, SetMode] = ("remove", "keep")
"""The units of a set are removed, or only they are kept."""
SIZES = (1, 2, 3, 4, 5, 20, 64, 128, 256)
DRAWS = 20
"""The number of random orders of units."""
INTERVAL = (2.5, 97.5)
"""The percentiles of the random orders that bound an interval."""


@dataclass(frozen=True, slots=True)
class ClassCurve:
    """The curve of one class, with arrays `(mode, size)`; the modes are `MODES`.

    Attributes:
        output: the number of the class.
        sizes: the numbers of units in the sets.
        images: images of the reporting split that belong to the class.
        others: other images of the reporting split.
        labelled: images of the reporting split that belong to any class.
        taken: images that are predicted as the class.
        right: images of the class that are predicted as the class.
        correct: images whose predicted class is right, whichever it is.
        confused: the predicted classes of the class's images without its most important units `(size, class)`; the
            last class stands for outputs that stand for no class.
    """

    output: int
    sizes: tuple[int, ...]
    images: int
    others: int
    labelled: int
    taken: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    correct: npt.NDArray[np.int64]
    confused: npt.NDArray[np.int64]

    @property
    def balanced_accuracy(self) -> npt.NDArray[np.float64]:
        """Mean of true positive and true negative rate `(mode, size)`; NaN without images of the class or others."""
        images, others = self.images or np.nan, self.others or np.nan
        rates: npt.NDArray[np.float64] = (self.right / images + 1 - (self.taken - self.right) / others) / 2
        return rates

    @property
    def all_class_accuracy(self) -> npt.NDArray[np.float64]:
        """Share of the images of any class whose predicted class is right `(mode, size)`."""
        shares: npt.NDArray[np.float64] = self.correct / (self.labelled or np.nan)
        return shares


@dataclass(frozen=True, slots=True)
class RandomSets:
    """The effect of sets of random units: `outcomes` `(draw, mode, size, class)` on the reporting split."""

    sizes: tuple[int, ...]
    outcomes: Outcomes

    def interval(self, output: int) -> tuple[npt.NDArray[np.float64], ...]:
        """Return a class's mean balanced accuracy over draws, and the interval's two ends, each `(mode, size)`."""
        drawn = self.outcomes.balanced_accuracy[..., output]
        low, high = np.percentile(drawn, INTERVAL, axis=0)
        return drawn.mean(axis=0), low, high


def sizes_below(units: int) -> tuple[int, ...]:
    """Return the sizes of sets that are smaller than a layer of `units` units."""
    return tuple(size for size in SIZES if size < units)


def remove_sets(
    cache: FeatureCache, orders: Mapping[int, npt.NDArray[np.intp]], sizes: Sequence[int]
) -> list[ClassCurve]:
    """Remove the most important units of each class, and keep only these units.

    Args:
        cache: the reporting images.
        orders: by class, the units of the layer, most important first `(unit,)`.
        sizes: the numbers of units, ascending. 0 units removed, and all units kept, is the unchanged network.

    Returns:
        A curve for each class; none if there is no reporting image.
    """
    if not orders:
        return []
    images, ranked = cache.images, np.array(list(orders.values()))
    counts = _CurveCounts(np.array(list(orders), dtype=np.int64), sizes, images.grouping.count + 1)
    for batch in cache.batches():
        counts.observe(images.classes[batch.numbers], images.grouping.taken(_predict(cache.tail, batch, ranked, sizes)))
    return counts.curves() if counts.total else []


def remove_random_sets(cache: FeatureCache, sizes: Sequence[int], seed: int, draws: int = DRAWS) -> RandomSets:
    """Remove random units, and keep only these units: the first units of `draws` random orders.

    Raises:
        ImagesError: there is no reporting image.
    """
    generator, images = np.random.default_rng(seed), cache.images
    orders = np.array([generator.permutation(cache.tail.units) for _ in range(draws)])
    outcomes: Outcomes | None = None
    for batch in cache.batches():
        taken = images.grouping.taken(_predict(cache.tail, batch, orders, sizes))
        counted = count_outcomes(taken, images.classes[batch.numbers], images.grouping.count + 1)
        outcomes = counted if outcomes is None else outcomes + counted
    if outcomes is None:
        raise ImagesError(
            "an ablation needs images in its reporting split, and the split is empty: add images to every class"
        )
    return RandomSets(tuple(sizes), outcomes)


class _CurveCounts:
    """Counts of the curves of some classes, given by number `(class,)`, over images that are observed in batches."""

    def __init__(self, outputs: npt.NDArray[np.int64], sizes: Sequence[int], classes: int) -> None:
        self._outputs, self._sizes = outputs, tuple(sizes)
        self._sums = np.zeros((3, len(outputs), len(MODES), len(sizes)), dtype=np.int64)
        self._confused = np.zeros((len(outputs), len(sizes), classes), dtype=np.int64)
        self._members = np.zeros(len(outputs), dtype=np.int64)
        self.total = self._labelled = 0

    def observe(self, own: _Ints, predicted: npt.NDArray[np.int64]) -> None:
        """Add images of the classes `own` `(image,)`, -1 for none, that are predicted `(image, class, mode, size)`."""
        of = own[:, None] == self._outputs
        taken = predicted == self._outputs[:, None, None]
        self._sums += (
            taken.sum(axis=0),
            (taken & of[:, :, None, None]).sum(axis=0),
            (predicted == own[:, None, None, None]).sum(axis=0),
        )
        image, place = of.nonzero()
        np.add.at(self._confused, (place[:, None], np.arange(len(self._sizes)), predicted[image, place, 0]), 1)
        self._members += of.sum(axis=0)
        self.total += len(own)
        self._labelled += int((own >= 0).sum())

    def curves(self) -> list[ClassCurve]:
        """Make the curves of the classes, in their order."""
        return [
            ClassCurve(
                output=int(output),
                sizes=self._sizes,
                images=int(images),
                others=self.total - int(images),
                labelled=self._labelled,
                taken=taken,
                right=right,
                correct=correct,
                confused=confused,
            )
            for output, images, (taken, right, correct), confused in zip(
                self._outputs, self._members, self._sums.swapaxes(0, 1), self._confused, strict=True
            )
        ]


def _predict(
    tail: Tail, batch: FeatureBatch, orders: npt.NDArray[np.intp], sizes: Sequence[int]
) -> npt.NDArray[np.int32]:
    """Predict without the first units of each order, and with only these units `(image, order, mode, size)`."""
    with torch.no_grad():
        if tail.head is not None:
            features = tail.features(batch.cut, batch.silent, batch.scores)
            found = tail.head.along(features, orders, sizes, torch.get_num_threads())
        else:
            shape = (len(batch.numbers), len(orders), len(MODES), len(sizes))
            found = Predictions(np.zeros(shape, dtype=np.int32), np.ones(shape, dtype=np.bool_))
        _run_on(tail, batch, orders, sizes, found)
    return found.outputs


def _run_on(
    tail: Tail, batch: FeatureBatch, orders: npt.NDArray[np.intp], sizes: Sequence[int], found: Predictions
) -> None:
    """Make the predictions that are marked as near by running the network on from the cut."""
    ranks = np.argsort(orders, axis=1)
    wanted = found.near.nonzero()
    at_once = variants_at_once(batch.cut)
    for first in range(0, len(wanted[0]), at_once):
        image, order, mode, size = (places[first : first + at_once] for places in wanted)
        among = ranks[order] < np.asarray(sizes)[size][:, None]
        removed = among ^ (mode == MODES.index("keep"))[:, None]
        scores = tail.without(batch.cut, batch.silent, image, removed)
        found.outputs[image, order, mode, size] = scores.argmax(dim=1).cpu().numpy()
