"""By which share areas changed from some images to the same images after an edit.

    change_of(Sample(before, after))                              # of any images
    change_of(Sample(before, after, 130), Sample(b, a, 870))      # of 1,000 of two kinds, some of each

Where images are of kinds, such as those that show a concept and those that do not, each sample stands for all images of
its kind: else a rare kind would hardly be met, and a chosen one would not tell of the others.
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
"""Of every interval; where the distribution of what is averaged is far from normal, it needs many images to hold it."""

NINETY_NINE = 2.58
"""Standard errors to each side of what 99 % of normal errors are within."""

FEWEST = 10
"""Of fewer images, no interval is given: the standard error itself is hardly known then."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Areas `(image, concept)` before and after an edit, of some images of a kind of which there are `all`."""

    before: Areas
    after: Areas
    all: int | None = None

    def __len__(self) -> int:
        return len(self.before)

    @property
    def weight(self) -> float:
        """For how many images each one stands."""
        return (len(self) if self.all is None else self.all) / len(self)


@dataclass(frozen=True, slots=True)
class Change:
    """Areas of all images `(concept,)` before and after, and by which share of the first they changed.

    The share is NaN where there was no area. Its 99 % interval, never below -1, is NaN where less than `FEWEST` images
    had any, or stand for more of their kind.
    """

    before: Values
    after: Values
    share: Values
    low: Values
    high: Values


def mean_of(values: npt.NDArray[np.integer]) -> tuple[float, float, float]:
    """The mean of values, and its 99 % interval by Student's distribution; NaN for less than `FEWEST`.

    >>> mean_of(np.array([1, 2]))
    (1.5, nan, nan)
    """
    mean, count = float(values.mean()), len(values)
    if count < FEWEST:
        return mean, np.nan, np.nan
    wide = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return mean, mean - wide, mean + wide


def change_of(*samples: Sample) -> Change:
    """Estimate by which share the sum of areas over all images changed; samples without images count for nothing.

    The error is that of a ratio of two sums (Cochran 1977, 'Sampling techniques', chapter 6): of what each image's
    change differs by from the share of its own area. Of several kinds it is as in double sampling for stratification
    (the same, chapter 12): how many images are of which kind was counted on a sample as well. The interval is that of
    Student's distribution.
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
