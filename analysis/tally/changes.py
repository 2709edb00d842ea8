"""By which share areas changed from some images to the same images after an edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Areas = npt.NDArray[np.integer]
    Values = npt.NDArray[np.float64]

NINETY_NINE = 2.58
"""Standard errors to each side of what 99 % of normal errors are within."""

FEWEST = 4
"""Of fewer images with a concept, no interval is given: the standard error itself is hardly known then."""


@dataclass(frozen=True, slots=True)
class Change:
    """By which share of what they were areas changed `(concept,)`, with 99 % intervals.

    NaN where there was no area; the interval is NaN where less than `FEWEST` images had any.
    """

    share: Values
    low: Values
    high: Values


def change_of(before: Areas, after: Areas) -> Change:
    """Find by which share of their sum areas `(image, concept)` changed.

    The standard error is that of a ratio of two sums over images (Cochran 1977, 'Sampling techniques', chapter 6): of
    what each image's change differs by from the share of its own area.
    """
    before, after = before.astype(np.int64), after.astype(np.int64)
    count, total = len(before), before.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, (after - before).sum(axis=0) / total, np.nan)
        apart = (after - before) - share * before
        error = np.sqrt((apart**2).sum(axis=0) / max(count - 1, 1) * count) / total
    wide = np.where((before > 0).sum(axis=0) >= FEWEST, NINETY_NINE * error, np.nan)
    return Change(share, share - wide, share + wide)
