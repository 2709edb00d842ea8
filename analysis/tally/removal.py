"""The output of a classifier without units of a layer, if a linear step follows the layer: a sum of low-rank changes.

Removing a unit changes only the features that the next linear step takes from it, so the step's results change by one
column of its weights for each feature. Two kinds of classifiers are supported: those that end with a linear layer
(`LinearHead`), and those that end with a 1 x 1 convolution whose rectified results are averaged over the map
(`RectifiedHead`).

These sums differ from the network's own by rounding, because their order is different. Rounding can decide between two
outputs that are almost equal. Such predictions are marked as near, and the network itself must make them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dissectory.analysis.tally.compiling import constant
from dissectory.analysis.tally.removal_kernels import (
    linear_scores,
    linear_sets,
    linear_units,
    rectified_scores,
    rectified_sets,
    rectified_units,
)
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _I64 = npt.NDArray[np.int64]
    _I32 = npt.NDArray[np.int32]
    _Bool = npt.NDArray[np.bool_]

NEAR = 4e-6
"""Two outputs are near if they differ by less than this share of the terms that they are summed of: about 60
roundings."""


@dataclass(frozen=True, slots=True)
class Features:
    """The features of some images that the next step takes, and the network's output.

    `own` `(image, unit, part)` are the unchanged features. `silent` `(image, unit, part)` are those of removed units,
    for all images, or for one that represents all. `scores` `(image, output)` are the unchanged scores.
    """

    own: _F32
    silent: _F32
    scores: _F32

    @property
    def change(self) -> _F32:
        """The part of the features that is lost when a unit is removed `(image, unit, part)`."""
        change: _F32 = self.own - self.silent
        return change

    def tolerance(self, largest: _F32) -> _F32:
        """Return how far outputs may differ and still be near `(image,)`; `largest` absolute weights `(unit, part)`."""
        sums = np.abs(self.scores).max(axis=1)
        for features in (self.own, self.silent):
            sums = sums + np.einsum("iup,up->i", np.abs(features), largest)
        tolerance: _F32 = (NEAR * sums).astype(np.float32)
        return tolerance


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predicted outputs of variants of a network `(image, ...)`, and which of them rounding may have decided."""

    outputs: _I32
    near: _Bool


@dataclass(frozen=True, slots=True)
class UnitPredictions(Predictions):
    """Predictions without single units; `leads` `(image, unit)` are those of the image's class, 0 if it has none.

    The lead of a class is its score minus the best other score, so it is negative if another class is predicted.
    """

    leads: _F32


class Head(ABC):
    """A classifier whose scores follow from the features of a layer by one linear step, and perhaps a rectifier."""

    __slots__ = ()

    def without_units(
        self, features: Features, classes: npt.NDArray[np.integer[Any]], threads: int = 1
    ) -> UnitPredictions:
        """Predict with each unit removed by itself `(image, unit)`; a unit without effect changes nothing.

        Args:
            features: the features of the images.
            classes: the class of each image `(image,)`, -1 for none.
            threads: the number of threads, which share the images.
        """
        found = unchanged(features.scores, classes, features.own.shape[1])
        given = (*self._given(features), self._tolerance(features), constant(classes, np.int64))
        results = (found.outputs, found.near, found.leads)
        work = self._kernels.units
        _by_image(lambda first, last: work(first, last, *given, *results), found, threads)
        return found

    def scores_without_units(self, features: Features) -> _F32:
        """Compute the scores with each unit removed by itself `(image, unit, output)`."""
        scores = np.empty((*features.own.shape[:2], features.scores.shape[1]), dtype=np.float32)
        self._kernels.scores(*self._given(features), scores)
        return scores

    def along(
        self, features: Features, orders: npt.NDArray[np.integer[Any]], sizes: Sequence[int], threads: int = 1
    ) -> Predictions:
        """Predict with the first n units of each order removed, and with only these kept `(image, order, 2, size)`.

        Args:
            features: the features of the images.
            orders: unit numbers, most important first `(order, unit)`.
            sizes: the numbers n of units that are removed or kept, ascending.
            threads: the number of threads, which share the images.
        """
        found = _empty(features, orders, sizes)
        given = (*self._silent(features), *self._given(features), self._tolerance(features), *_path(orders, sizes))
        work = self._kernels.sets
        _by_image(lambda first, last: work(first, last, *given, found.outputs, found.near), found, threads)
        return found

    @property
    @abstractmethod
    def _kernels(self) -> _Kernels:
        """The compiled loops."""

    @abstractmethod
    def _given(self, features: Features) -> tuple[Any, ...]:
        """The arrays that every loop takes."""

    @abstractmethod
    def _silent(self, features: Features) -> tuple[Any, ...]:
        """What the loop along orders takes of the features of removed units."""

    @abstractmethod
    def _tolerance(self, features: Features) -> Any:  # noqa: ANN401 - as the kernels take it
        """How far outputs may differ and still be near `(image,)`."""


@dataclass(frozen=True, slots=True)
class LinearHead(Head):
    """A classifier whose scores are a linear function of the features: `weight` `(unit, part, output)`."""

    weight: _F32

    @property
    def _kernels(self) -> _Kernels:
        return _Kernels(linear_units, linear_scores, linear_sets)

    def _given(self, features: Features) -> tuple[Any, ...]:
        return _constant(features.scores, self.weight, features.change)

    def _silent(self, features: Features) -> tuple[Any, ...]:  # noqa: ARG002 - a sum needs the change alone
        return ()

    def _tolerance(self, features: Features) -> Any:  # noqa: ANN401 - as the kernels take it
        return constant(features.tolerance(np.abs(self.weight).max(axis=2)), np.float32)


@dataclass(frozen=True, slots=True)
class RectifiedHead(Head):
    """A classifier whose scores are means, over the parts, of rectified linear functions; each part is a position.

    `weight` `(unit, output)`, `bias` `(output,)`; negative values are multiplied by `slope`.
    """

    weight: _F32
    bias: _F32
    slope: float

    @property
    def _kernels(self) -> _Kernels:
        return _Kernels(rectified_units, rectified_scores, rectified_sets)

    def _values(self, features: _F32) -> _F32:
        """Return the linear functions before rectification `(image, position, output)`."""
        values: _F32 = features.transpose(0, 2, 1) @ self.weight + self.bias
        return values

    def _given(self, features: Features) -> tuple[Any, ...]:
        arrays = _constant(self._values(features.own), self.weight, features.change)
        return (*arrays, np.float32(self.slope))

    def _silent(self, features: Features) -> tuple[Any, ...]:
        return _constant(self._values(features.silent))

    def _tolerance(self, features: Features) -> Any:  # noqa: ANN401 - as the kernels take it
        positions = features.own.shape[2]
        largest = np.repeat(np.abs(self.weight).max(axis=1)[:, None] / positions, positions, axis=1)
        return constant(features.tolerance(largest), np.float32)


class _Kernels(NamedTuple):
    """The loops of one kind of classifier."""

    units: Callable[..., None]
    scores: Callable[..., None]
    sets: Callable[..., None]


def _constant(*arrays: _F32) -> tuple[Any, ...]:
    return tuple(constant(array, np.float32) for array in arrays)


def unchanged(scores: _F32, classes: npt.NDArray[np.integer[Any]], units: int) -> UnitPredictions:
    """Return the predictions of the unchanged network, repeated for each unit."""
    once = (len(scores), units)
    outputs = np.repeat(scores.argmax(axis=1).astype(np.int32)[:, None], units, axis=1)
    leads = np.repeat(leads_of(scores, classes)[:, None], units, axis=1)
    return UnitPredictions(outputs, np.zeros(once, dtype=np.bool_), leads)


def leads_of(scores: _F32, classes: npt.NDArray[np.integer[Any]]) -> _F32:
    """Return the score of each image's class minus the best other score `(image,)`; 0 if the image has no class."""
    places = np.arange(len(scores))
    others = scores.copy()
    others[places, classes] = -np.inf
    leads = scores[places, classes] - others.max(axis=1)
    return np.where(classes >= 0, leads, 0).astype(np.float32)


def _empty(features: Features, orders: npt.NDArray[np.integer[Any]], sizes: Sequence[int]) -> Predictions:
    shape = (len(features.own), len(orders), 2, len(sizes))
    return Predictions(np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.bool_))


def _path(orders: npt.NDArray[np.integer[Any]], sizes: Sequence[int]) -> tuple[Any, ...]:
    return constant(orders, np.int64), constant(np.asarray(sizes), np.int64)


def _by_image(work: Any, found: Predictions, threads: int) -> None:  # noqa: ANN401 - called as work(first, last)
    in_blocks(work, len(found.outputs), threads)
