"""The relative change of concept areas between images and the same images after an edit.

    change_of(Sample(before, after))                              # a sample of all images
    change_of(Sample(before, after, 130), Sample(b, a, 870))      # 1,000 images of two kinds, a sample of each

If images are of different kinds, such as those that show a concept and those that do not, each sample represents all
images of its kind. A plain sample would contain few images of a rare kind, and a sample of only one kind would say
nothing about the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    import numpy.typing as npt

    Areas = npt.NDArray[np.integer]
    Values = npt.NDArray[np.float64]

CONFIDENCE = 0.99
"""Confidence level of every interval. If the averaged values are far from normal, the level holds only for many
images."""

NINETY_NINE = 2.58
"""99 % of normally distributed errors are within this many standard errors on each side."""

FEWEST = 10
"""No interval is given for fewer images, because the standard error itself is then too uncertain."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Areas `(image, concept)` before and after an edit, for a sample of the `all` images of one kind."""

    before: Areas
    after: Areas
    all: int | None = None

    def __len__(self) -> int:
        return len(self.before)

    @property
    def weight(self) -> float:
        """How many images each image of the sample represents."""
        return (len(self) if self.all is None else self.all) / len(self)


@dataclass(frozen=True, slots=True)
class Change:
    """Areas over all images `(concept,)` before and after, and the relative change of the first.

    `share` is NaN if there was no area before. Its 99 % interval, never below -1, is NaN if fewer than `FEWEST` images
    had any area, or if a sample of fewer than `FEWEST` images represents more images of its kind.
    """

    before: Values
    after: Values
    share: Values
    low: Values
    high: Values


def mean_of(values: npt.NDArray[np.integer]) -> tuple[float, float, float]:
    """Return the mean of values, and its 99 % interval by Student's t distribution; NaN for fewer than `FEWEST`.

    >>> mean_of(np.array([1, 2]))
    (1.5, nan, nan)
    """
    mean, count = float(values.mean()), len(values)
    if count < FEWEST:
        return mean, np.nan, np.nan
    wide = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - wide, mean + wide


def change_of(*samples: Sample) -> Change:
    """Estimate the relative change of the sum of areas over all images; samples without images are ignored.

    The standard error is that of a ratio of two sums (Cochran 1977, 'Sampling techniques', chapter 6): each image's
    deviation is its own change minus the share of its own area. For several kinds, the error is that of double sampling
    for stratification (the same, chapter 12), because the number of images of each kind is also counted on a sample.
    The interval uses Student's t distribution.
    """
    known = [sample for sample in samples if len(sample)]
    images = sum(len(one) * one.weight for one in known)
    concepts = samples[0].before.shape[1]
    before, after, kinds, within, met = np.zeros((5, concepts))
    for one in known:
        before += one.weight * one.before.sum(axis=0, dtype=np.int64)
        after += one.weight * one.after.sum(axis=0, dtype=np.int64)
        met += (one.before > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(before > 0, (after - before) / before, np.nan)
        for one in known:
            apart = one.after.astype(np.float64) - (1 + share) * one.before
            stands = len(one) * one.weight / images
            alike = apart.var(axis=0, ddof=1) if len(one) > 1 else np.zeros(concepts)
            within += stands**2 * alike / len(one)
            kinds += stands * apart.mean(axis=0) ** 2 / images
        error = np.sqrt(within + kinds) * images / before
        enough = met >= FEWEST if all(len(one) >= FEWEST or one.weight == 1 for one in known) else met < 0
        wide = np.where(enough, stats.t.ppf((1 + CONFIDENCE) / 2, met - 1) * error, np.nan)
    return Change(before, after, share, np.maximum(share - wide, -1), share + wide)
