"""A unit as a detector: how well its peak activation separates a set of images from the others."""

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
    """The detectors of every unit for one set of `images` images, against `others` other images; arrays are `(unit,)`.

    An image is detected if its peak is above `threshold`: the observed peak with the best balanced accuracy, or the
    highest of several. `taken` images are detected, of which `right` belong to the set. `area` is the area under the
    curve of true positive rate over false positive rate; equal peaks count half. `image_bins` and `other_bins`
    `(unit, bin)` count peaks in bins of equal width from `low` to `high`.
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
        ValueError: if there is no image, or a peak is NaN.
    """

    def __init__(self, peaks: npt.NDArray[np.float32]) -> None:
        if not len(peaks) or np.isnan(peaks).any():
            raise ValueError("detectors need the peaks of at least one image, and no peak may be NaN")
        self._order = np.argsort(peaks, axis=0, kind="stable")
        self._sorted = np.take_along_axis(peaks, self._order, axis=0)
        self._last = np.ones(peaks.shape, dtype=np.bool_)  # the last of equal peaks
        self._last[:-1] = self._sorted[:-1] != self._sorted[1:]
        self._low, self._high = self._sorted[0], self._sorted[-1]
        width = np.where(self._high > self._low, self._high.astype(np.float64) - self._low, 1)
        self._bins = np.minimum((self._sorted.astype(np.float64) - self._low) / width * BINS, BINS - 1).astype(np.int64)

    def separation(self, positives: _Bool) -> Separation:
        """Measure how well each unit separates the images of a set `(image,)` from the others.

        Raises:
            ValueError: if the set is empty, or contains all images.
        """
        images = int(positives.sum())
        others = len(positives) - images
        if not (images and others):
            raise ValueError(f"a detector needs images in the set and others, not {images} and {others}")
        member = positives[self._order]
        members = np.cumsum(member, axis=0, dtype=np.int64)  # up to and including this peak
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
        """Return the threshold's index in the order `(1, unit)`: the last peak with the best balanced accuracy."""
        gain = strangers * images - members * others  # balanced accuracy up to scale and offset, in integers
        gain = np.where(self._last, gain, gain.min() - 1)
        last: npt.NDArray[np.intp] = len(gain) - 1 - np.argmax(gain[::-1], axis=0, keepdims=True)
        return last

    def _area(self, members: _I64, strangers: _I64) -> _F64:
        """Count the pairs of an image of the set and another with a lower peak; pairs of equal peaks count half."""
        ends = np.where(self._last, np.arange(len(self._last))[:, None], len(self._last))
        end = np.minimum.accumulate(ends[::-1], axis=0)[::-1]  # the last of the equal peaks
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
