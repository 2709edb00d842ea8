"""The importance of units for classes: how many classes each unit matters for, and how importance relates to IoU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    _F64 = npt.NDArray[np.float64]

TOP = 4
"""A unit counts for a class if it is among this many most important units."""
GROUP = 32
"""Number of units in a group, over which importance and IoU are averaged."""


class Correlation:
    """Pearson's correlation of units' peak activations with the scores of outputs, in one pass over the images."""

    def __init__(self, units: int, outputs: int) -> None:
        self._images = 0
        self._units, self._outputs = np.zeros((2, units)), np.zeros((2, outputs))
        self._products = np.zeros((units, outputs))
        self._offsets: tuple[_F64, _F64] | None = None

    def observe(self, peaks: npt.NDArray[np.floating], scores: npt.NDArray[np.floating]) -> None:
        """Add images: peaks `(image, unit)` and scores `(image, output)`."""
        peaks, scores = peaks.astype(np.float64), scores.astype(np.float64)
        if self._offsets is None:  # offsets near the means avoid cancellation in the final subtraction
            self._offsets = peaks.mean(axis=0), scores.mean(axis=0)
        peaks, scores = peaks - self._offsets[0], scores - self._offsets[1]
        self._images += len(peaks)
        self._units += peaks.sum(axis=0), np.square(peaks).sum(axis=0)
        self._outputs += scores.sum(axis=0), np.square(scores).sum(axis=0)
        self._products += peaks.T @ scores

    @property
    def value(self) -> _F64:
        """The correlation `(unit, output)`, -1..1; NaN if a unit's peak or an output's score is constant."""
        images = max(self._images, 1)
        covariance = self._products / images - np.outer(self._units[0], self._outputs[0]) / images**2
        of_units, of_outputs = (sums[1] / images - np.square(sums[0] / images) for sums in (self._units, self._outputs))
        scale = np.sqrt(np.outer(_or_nan(of_units), _or_nan(of_outputs)))
        return np.clip(covariance / scale, -1, 1)


def _or_nan(variances: _F64) -> _F64:
    return np.where(variances > 0, variances, np.nan)


def classes_led(orders: npt.NDArray[np.intp], units: int, top: int = TOP) -> npt.NDArray[np.int64]:
    """Count the classes for which each unit is among the `top` most important `(unit,)`, in orders `(class, unit)`."""
    return np.bincount(orders[:, :top].ravel(), minlength=units).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ImportanceGroup:
    """A group of `units` units of similar importance, with their mean importance (over classes) and mean IoU."""

    units: int
    importance: float
    iou: float


def importance_groups(importance: _F64, iou: npt.NDArray[np.floating], size: int = GROUP) -> list[ImportanceGroup]:
    """Group units by importance `(unit,)`, most important first, and average importance and IoU `(unit,)` per group.

    Units without a known importance are left out; the last group may be smaller.
    """
    known = np.flatnonzero(~np.isnan(importance))
    order = known[np.argsort(-importance[known], kind="stable")]
    groups = [order[first : first + size] for first in range(0, len(order), size)]
    return [ImportanceGroup(len(group), float(importance[group].mean()), float(iou[group].mean())) for group in groups]
