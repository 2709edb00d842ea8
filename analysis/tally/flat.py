"""Flat units: around the threshold, their activations differ by no more than rounding.

    near = count_within(kept, thresholds, rounding_limits(thresholds, moments))     # added over all shards
    flat = is_flat(near, active)

Which positions of a flat unit are active depends on the order in which the network's sums are added, and so on the
device and its number of threads. Only active positions are counted: they are known exactly, while positions below the
threshold are kept only as far as the unit's bound. Units whose activations are exactly equal are not flat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.compiling import compiled, constant
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from dissectory.analysis.tally.kept import Kept
    from dissectory.analysis.tally.moments import Moments

_Bool = npt.NDArray[np.bool_]
_F32 = npt.NDArray[np.float32]
_I64 = npt.NDArray[np.int64]

ROUNDING = 4e-6
"""Activations may differ by this share of a unit's scale from one device to another. Between numbers of threads, 2e-6
was measured."""
SHARE = 0.1
"""A unit is flat if more than this share of its active positions is within rounding of its threshold."""


def rounding_limits(thresholds: _F32, moments: Moments) -> _F32:
    """Return the highest activation `(unit,)` that is within rounding of the unit's threshold `(unit,)`.

    A unit's scale is the absolute value of its threshold, or the root mean square of its activations if that is larger.
    """
    usual = np.sqrt(moments.mean**2 + moments.std**2)
    return (thresholds + ROUNDING * np.maximum(np.abs(thresholds), usual)).astype(np.float32)


def count_within(kept: Kept, low: _F32, high: _F32, threads: int = 1) -> _I64:
    """Count the kept activations of each unit `(unit,)` that are above `low` and at most `high`, both `(unit,)`."""
    found = np.zeros(kept.count, dtype=np.int64)
    given = (kept.starts[kept.first], kept.values, constant(low, np.float32), constant(high, np.float32))
    in_blocks(lambda first, last: _count_within(first, last, *given, found), kept.count, threads)
    return found


def is_flat(near: _I64, active: _I64) -> _Bool:
    """Return whether each unit is flat, given its active positions within rounding of its threshold, and all active."""
    return np.asarray(near > SHARE * active)


@compiled
def _count_within(begin: int, end: int, ends: _I64, values: _F32, low: _F32, high: _F32, found: _I64) -> None:
    """Count for the units `begin` to `end`; see `count_within`."""
    for unit in range(begin, end):
        for entry in range(ends[unit], ends[unit + 1]):
            found[unit] += int(low[unit] < values[entry] <= high[unit])
