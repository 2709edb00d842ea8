"""Predictions of a network and its variants, one class against the rest, as counts that can be added."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    _I64 = npt.NDArray[np.int64]
    _F64 = npt.NDArray[np.float64]

NO_CLASS = -1
"""The class number of an image without a class; such an image counts as one of the others for every class."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The predictions of some variants of a network for some images.

    `total` images were seen, of which `images` `(class,)` belong to each class. `taken` `(..., class)` images were
    predicted as the class, and `right` `(..., class)` of these belong to it.
    """

    total: int
    images: _I64
    taken: _I64
    right: _I64

    def __add__(self, other: Outcomes) -> Outcomes:
        """Add the counts of other images."""
        return Outcomes(
            self.total + other.total, self.images + other.images, self.taken + other.taken, self.right + other.right
        )

    @property
    def others(self) -> _I64:
        """Images that do not belong to the class `(class,)`."""
        return self.total - self.images

    @property
    def balanced_accuracy(self) -> _F64:
        """Mean of true positive and true negative rate `(..., class)`; NaN without images of the class or others."""
        images, others = _or_nan(self.images), _or_nan(self.others)
        return (self.right / images + 1 - (self.taken - self.right) / others) / 2

    @property
    def labelled(self) -> int:
        """Images that belong to any class."""
        return int(self.images.sum())

    @property
    def correct(self) -> _I64:
        """Images whose predicted class is right `(...)`."""
        correct: _I64 = self.right.sum(axis=-1)
        return correct


def count_outcomes(
    predicted: npt.NDArray[np.integer[Any]], classes: npt.NDArray[np.integer[Any]], outputs: int
) -> Outcomes:
    """Count predicted outputs `(image, ...)` against the images' classes `(image,)`, -1 for none."""
    variants = predicted.reshape(len(predicted), math.prod(predicted.shape[1:]))
    places = np.arange(variants.shape[1]) * outputs + variants
    own = variants == classes[:, None]
    shape = (*predicted.shape[1:], outputs)
    size = variants.shape[1] * outputs
    return Outcomes(
        len(classes),
        np.bincount(classes[classes >= 0], minlength=outputs).astype(np.int64),
        np.bincount(places.ravel(), minlength=size).reshape(shape).astype(np.int64),
        np.bincount(places[own], minlength=size).reshape(shape).astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class Grouping:
    """The class of each output of a network `(output,)`, -1 for none; there are `count` classes.

    A class's score is that of its highest output, so the predicted class is the class of the highest output of all.
    """

    class_of: npt.NDArray[np.int64]
    count: int

    @classmethod
    def alike(cls, outputs: int) -> Grouping:
        """Return a grouping in which every output is a class of its own."""
        return cls(np.arange(outputs), outputs)

    def taken(self, predicted: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
        """Return the predicted classes, given the predicted outputs; the number `count` if an output has no class."""
        found = self.class_of[predicted]
        return np.where(found >= 0, found, self.count)

    def own_outputs(
        self, scores: npt.NDArray[np.floating[Any]], classes: npt.NDArray[np.integer[Any]]
    ) -> npt.NDArray[np.int64]:
        """Return the highest-scoring output of each image's class `(image,)`; -1 for images without a class."""
        among = np.where(self.class_of == np.asarray(classes)[:, None], scores, -np.inf)
        return np.where(np.asarray(classes) >= 0, among.argmax(axis=1), NO_CLASS)

    def sums(self, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Sum the shares of outputs `(image, output)` by class, with outputs of no class last `(image, count + 1)`."""
        summed = np.zeros((len(shares), self.count + 1))
        np.add.at(summed.T, self.taken(np.arange(len(self.class_of))), shares.T)
        return summed


def halves(classes: npt.NDArray[np.integer[Any]], seed: int, share: float = 0.5) -> npt.NDArray[np.bool_]:
    """Draw a share of the images of every class, half by default, and of the images without one; True if drawn.

    The result is `(image,)`. The number of drawn images is rounded up. The draw for a class does not depend on the
    other classes.
    """
    drawn = np.zeros(len(classes), dtype=np.bool_)
    for number in np.unique(classes):
        images = np.flatnonzero(classes == number)
        order = np.random.default_rng([seed, int(number) + 1]).permutation(len(images))
        drawn[images[order[: math.ceil(len(images) * share)]]] = True
    return drawn


def _or_nan(counts: _I64) -> _F64:
    return np.where(counts > 0, counts, np.nan)
