"""Sets of units removed, or alone kept: how many units does a class need?

    holding = Holding(plan.stem, ~ranking, budget)
    found = remove_units(plan, batches, classes, ranking, holding=holding)
    curves = remove_sets(plan.stem, holding, batches, classes, orders, sizes=sizes_below(plan.stem.units))

Units are ranked on the ranking split; all that is counted here is of the reporting split. What sets of random units do
stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from dissectory.analysis.experiments.class_ablation.stem import variants_at_once
from dissectory.analysis.tally.outcomes import Grouping, Outcomes, count_outcomes
from dissectory.analysis.tally.removal import Predictions
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.held import Batches, Held, Holding
    from dissectory.analysis.experiments.class_ablation.stem import Stem

SetMode = Literal["remove", "keep"]
MODES: tuple[SetMode, SetMode] = ("remove", "keep")
SIZES = (1, 2, 3, 4, 5, 20, 64, 128, 256)
DRAWS = 20
"""Random orders of units to compare with."""
INTERVAL = (2.5, 97.5)
"""Percentiles of the draws."""


@dataclass(frozen=True, slots=True)
class ClassCurve:
    """One class's curve, `(mode, size)`: modes are those of `MODES`.

    `images` of the reporting split belong to the class and `others` do not; `taken` are taken for it, `right` of them
    belong to it. Of all `labelled` images, `correct` are taken for their own class. `confused` `(size, class)`: what
    the class's own images are taken for without its units; the last place is no class.
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
        """Mean of the true positive and the true negative rate `(mode, size)`; NaN without images or others."""
        images, others = self.images or np.nan, self.others or np.nan
        rates: npt.NDArray[np.float64] = (self.right / images + 1 - (self.taken - self.right) / others) / 2
        return rates

    @property
    def all_class_accuracy(self) -> npt.NDArray[np.float64]:
        """Share of the labelled images that are taken for their own class `(mode, size)`."""
        shares: npt.NDArray[np.float64] = self.correct / (self.labelled or np.nan)
        return shares


@dataclass(frozen=True, slots=True)
class RandomSets:
    """What sets of random units do: `outcomes` `(draw, mode, size, output)` on the reporting split."""

    sizes: tuple[int, ...]
    outcomes: Outcomes

    def interval(self, output: int) -> tuple[npt.NDArray[np.float64], ...]:
        """Mean balanced accuracy of a class over draws, and the interval's lower and upper end, each `(mode, size)`."""
        drawn = self.outcomes.balanced_accuracy[..., output]
        low, high = np.percentile(drawn, INTERVAL, axis=0)
        return drawn.mean(axis=0), low, high


def sizes_below(units: int) -> tuple[int, ...]:
    """Sizes of sets in a layer of so many units."""
    return tuple(size for size in SIZES if size < units)


def remove_sets(
    stem: Stem,
    holding: Holding,
    batches: Batches,
    classes: npt.NDArray[np.integer[Any]],
    orders: Mapping[int, npt.NDArray[np.intp]],
    *,
    sizes: Sequence[int],
    grouping: Grouping | None = None,
    advance: Callable[[int], None] = lambda _images: None,
) -> list[ClassCurve]:
    """Remove the most important units of each class, and all but them.

    Args:
        stem: of the layer.
        holding: the images to report on.
        batches: all images, for those that are not kept.
        classes: the class that each image belongs to `(image,)`, -1 for none.
        orders: for classes, their units, most important first `(unit,)`.
        sizes: how many units, ascending; 0 is the unchanged network, and with all kept it is too.
        grouping: what the network's outputs stand for; by default each is a class of its own.
        advance: told of images that are done.
    """
    outputs = np.array(list(orders), dtype=np.int64)
    if not len(outputs):
        return []
    ranked = np.array([orders[output] for output in outputs])
    sums = np.zeros((3, len(outputs), len(MODES), len(sizes)), dtype=np.int64)
    members, total, labelled = np.zeros(len(outputs), dtype=np.int64), 0, 0
    confused: npt.NDArray[np.int64] | None = None
    for held in holding.over(batches):
        grouping = grouping or Grouping.alike(held.scores.shape[1])
        own, predicted = classes[held.numbers], grouping.taken(_predict(stem, held, ranked, sizes))
        if confused is None:
            confused = np.zeros((len(outputs), len(sizes), grouping.count + 1), dtype=np.int64)
        of = own[:, None] == outputs
        taken = predicted == outputs[:, None, None]
        sums += (
            taken.sum(axis=0),
            (taken & of[:, :, None, None]).sum(axis=0),
            (predicted == own[:, None, None, None]).sum(axis=0),
        )
        image, place = of.nonzero()
        np.add.at(confused, (place[:, None], np.arange(len(sizes)), predicted[image, place, 0]), 1)
        members += of.sum(axis=0)
        total, labelled = total + len(own), labelled + int((own >= 0).sum())
        advance(len(own))
    if confused is None:
        return []
    return [
        ClassCurve(
            int(output),
            tuple(sizes),
            int(images),
            total - int(images),
            labelled,
            taken=sums[0, place],
            right=sums[1, place],
            correct=sums[2, place],
            confused=confused[place],
        )
        for place, (output, images) in enumerate(zip(outputs, members, strict=True))
    ]


def remove_random_sets(
    stem: Stem,
    holding: Holding,
    batches: Batches,
    classes: npt.NDArray[np.integer[Any]],
    *,
    sizes: Sequence[int],
    seed: int,
    draws: int = DRAWS,
    grouping: Grouping | None = None,
    advance: Callable[[int], None] = lambda _images: None,
) -> RandomSets:
    """Remove random units, and all but them: the first ones of `draws` random orders. Args as those of `remove_sets`.

    Raises:
        ImagesError: there is no image to report on.
    """
    generator = np.random.default_rng(seed)
    orders = np.array([generator.permutation(stem.units) for _ in range(draws)])
    outcomes: Outcomes | None = None
    for held in holding.over(batches):
        grouping = grouping or Grouping.alike(held.scores.shape[1])
        taken = grouping.taken(_predict(stem, held, orders, sizes))
        counted = count_outcomes(taken, classes[held.numbers], grouping.count + 1)
        outcomes = counted if outcomes is None else outcomes + counted
        advance(len(held.numbers))
    if outcomes is None:
        raise ImagesError("an ablation needs images to report on, and there are none: add images to every class")
    return RandomSets(tuple(sizes), outcomes)


def _predict(stem: Stem, held: Held, orders: npt.NDArray[np.intp], sizes: Sequence[int]) -> npt.NDArray[np.int32]:
    """Predict without the first so many units of each order, and with them alone `(image, order, mode, size)`."""
    with torch.no_grad():
        if stem.head is not None:
            features = stem.features(held.cut, held.silent, held.scores)
            found = stem.head.along(features, orders, sizes, torch.get_num_threads())
        else:
            shape = (len(held.numbers), len(orders), len(MODES), len(sizes))
            found = Predictions(np.zeros(shape, dtype=np.int32), np.ones(shape, dtype=np.bool_))
        _run_on(stem, held, orders, sizes, found)
    return found.outputs


def _run_on(stem: Stem, held: Held, orders: npt.NDArray[np.intp], sizes: Sequence[int], found: Predictions) -> None:
    """Make those predictions that are near by running on from the cut."""
    ranks = np.argsort(orders, axis=1)
    wanted = found.near.nonzero()
    at_once = variants_at_once(held.cut)
    for first in range(0, len(wanted[0]), at_once):
        image, order, mode, size = (places[first : first + at_once] for places in wanted)
        among = ranks[order] < np.asarray(sizes)[size][:, None]
        removed = among ^ (mode == MODES.index("keep"))[:, None]
        scores = stem.without(held.cut, held.silent, image, removed)
        found.outputs[image, order, mode, size] = scores.argmax(dim=1).cpu().numpy()
