"""The threshold of a unit: an order statistic of its upsampled activations, exact, from the strongest of them alone."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def count_above(quantile: float, positions: int) -> int:
    """How many of `positions` values may exceed the threshold: floor(quantile * positions), in exact arithmetic.

    >>> count_above(0.01, 4_704_000)
    47040
    """
    return math.floor(Fraction(repr(quantile)) * positions)


def settled(kept: int, above: int, bound: float, lowest: float) -> bool:
    """Whether what was kept of a unit holds its threshold; if not, its bound was too bold.

    Either the value of rank `above` is among the `kept` values, or no value lies below the bound: then all the others
    are equal to it, as those of a unit that is mostly zero.
    """
    return kept > above or lowest >= bound


def threshold(values: npt.NDArray[np.float32], above: int, bound: float, lowest: float) -> np.float32 | None:
    """Find the value of rank `above` (0 is the largest) among all values of a unit; None where it is not `settled`.

    At most `above` values are greater, and with any lower threshold more than `above` would be.

    Args:
        values: all that are greater than `bound`, in any order; others are passed over.
        above: how many values may exceed the threshold; fewer than there are values in all.
        bound: what values had to exceed to be kept.
        lowest: what no value is below.
    """
    values = values[values > bound]  # another part of the images may have been seen with a lower bound
    if not settled(len(values), above, bound, lowest):
        return None
    if len(values) <= above:
        return np.float32(bound) + np.float32(0)
    place = len(values) - 1 - above
    found: np.float32 = np.partition(values, place)[place] + np.float32(0)  # minus zero is zero
    return found
