"""The threshold of a unit: an exact order statistic of its upsampled activations, found from the strongest ones."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def count_above(quantile: float, positions: int) -> int:
    """Return how many of `positions` values may exceed the threshold: exactly floor(quantile * positions).

    >>> count_above(0.01, 4_704_000)
    47040
    """
    return math.floor(Fraction(repr(quantile)) * positions)


def settled(kept: int, above: int, bound: float, lowest: float) -> bool:
    """Whether the kept activations of a unit determine its threshold; if not, its bound was too high.

    They do if the value of rank `above` is among the `kept` values, or if no value is below the bound. In the second
    case all other values are equal to the bound, as in a unit that is mostly zero.
    """
    return kept > above or lowest >= bound


def threshold(values: npt.NDArray[np.float32], above: int, bound: float, lowest: float) -> np.float32 | None:
    """Return the value of rank `above` (0 is the largest) among all values of a unit; `None` if it is not `settled`.

    At most `above` values are greater; with any lower threshold, more than `above` would be.

    Args:
        values: all values greater than `bound`, in any order; lower values are ignored.
        above: how many values may exceed the threshold; fewer than the number of all values.
        bound: the bound that values had to exceed to be kept.
        lowest: a lower bound of all values.
    """
    values = values[values > bound]  # another part of the images may have had a lower bound
    if not settled(len(values), above, bound, lowest):
        return None
    if len(values) <= above:
        return np.float32(bound) + np.float32(0)
    place = len(values) - 1 - above
    found: np.float32 = np.partition(values, place)[place] + np.float32(0)  # turns minus zero into zero
    return found
