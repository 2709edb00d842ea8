"""A unit as a detector: how well its peak activation tells a set of images from the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    _F64 = npt.NDArray[np.float64]
    _I64 = npt.NDArray[np.int64]
    _Bool = npt.NDArray[np.bool_]

BINS = 40


@dataclass(frozen=True, slots=True)
class Separation:
    """Every unit's detector of one set of `images` images among `others` others; all arrays are `(unit,)`.

    An image is taken for one of the set where its peak is above the `threshold`, which is the observed peak with the
    best balanced accuracy, of equal ones the highest: `taken` images are, `right` of them belong to the set.
    `area` is that under the curve of true over false positive rate, equal peaks counting half. `image_bins` and
    `other_bins` `(unit, bin)` count peaks in bins of equal width from `low` to `high`.
    """

    images: int
    others: int
    threshold: npt.NDArray[np.float32]
    taken: _I64
    right: _I64
    area: _F64
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]
    image_bins: _I64
    other_bins: _I64

    @property
    def balanced_accuracy(self) -> _F64:
        """Mean of the true positive and the true negative rate at the threshold `(unit,)`."""
        rates: _F64 = (self.right / self.images + 1 - (self.taken - self.right) / self.others) / 2
        return rates


class Peaks:
    """Peak activations of some images `(image, unit)`, sorted once for any number of sets.

    Raises:
        ValueError: there is no image, or a peak is no number.
    """

    def __init__(self, peaks: npt.NDArray[np.float32]) -> None:
        if not len(peaks) or np.isnan(peaks).any():
            raise ValueError("peaks of at least one image are needed, and every one of them must be a number")
        self._order = np.argsort(peaks, axis=0, kind="stable")
        self._sorted = np.take_along_axis(peaks, self._order, axis=0)
        self._last = np.ones(peaks.shape, dtype=np.bool_)  # of equal peaks
        self._last[:-1] = self._sorted[:-1] != self._sorted[1:]
        self._low, self._high = self._sorted[0], self._sorted[-1]
        width = np.where(self._high > self._low, self._high.astype(np.float64) - self._low, 1)
        self._bins = np.minimum((self._sorted.astype(np.float64) - self._low) / width * BINS, BINS - 1).astype(np.int64)

    def separation(self, positives: _Bool) -> Separation:
        """How well each unit tells the images of a set `(image,)` from the others.

        Raises:
            ValueError: the set is empty, or the others are.
        """
        images = int(positives.sum())
        others = len(positives) - images
        if not (images and others):
            raise ValueError("a detector needs images of the set, and others")
        member = positives[self._order]
        members = np.cumsum(member, axis=0, dtype=np.int64)  # up to here, itself included
        strangers = np.cumsum(~member, axis=0, dtype=np.int64)
        place = self._best(members, strangers, images, others)
        right = images - np.take_along_axis(members, place, axis=0)[0]
        wrong = others - np.take_along_axis(strangers, place, axis=0)[0]
        return Separation(
            images,
            others,
            np.take_along_axis(self._sorted, place, axis=0)[0],
            right + wrong,
            right,
            self._area(members, strangers) / (images * others),
            self._low,
            self._high,
            self._histogram(member),
            self._histogram(~member),
        )

    def _best(self, members: _I64, strangers: _I64, images: int, others: int) -> npt.NDArray[np.intp]:
        """Where in the order the threshold is `(1, unit)`: the last peak of those with the best balanced accuracy."""
        gain = strangers * images - members * others  # of balanced accuracy, in whole numbers
        gain = np.where(self._last, gain, gain.min() - 1)
        last: npt.NDArray[np.intp] = len(gain) - 1 - np.argmax(gain[::-1], axis=0, keepdims=True)
        return last

    def _area(self, members: _I64, strangers: _I64) -> _F64:
        """Count the pairs of an image of the set and another with a lower peak, half of those with an equal one."""
        ends = np.where(self._last, np.arange(len(self._last))[:, None], len(self._last))
        end = np.minimum.accumulate(ends[::-1], axis=0)[::-1]  # the last one equal to each
        at_end = np.take_along_axis(strangers, end, axis=0)
        first = np.zeros_like(self._last)
        first[0], first[1:] = True, self._last[:-1]
        starts = np.maximum.accumulate(np.where(first, np.arange(len(first))[:, None], 0), axis=0)
        before = np.take_along_axis(np.vstack([np.zeros_like(strangers[:1]), strangers]), starts, axis=0)
        is_member = np.diff(members, axis=0, prepend=0)
        pairs: _F64 = (is_member * (before + at_end)).sum(axis=0) / 2
        return pairs

    def _histogram(self, which: _Bool) -> _I64:
        units = self._bins.shape[1]
        places = self._bins + np.arange(units) * BINS
        return np.bincount(places[which], minlength=units * BINS).reshape(units, BINS).astype(np.int64)
