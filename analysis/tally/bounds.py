"""What an activation must exceed to be kept: a lower bound of its unit's threshold, raised as images are seen.

A bound is the highest level that the images seen so far support: the mean number of positions above it, less some
standard errors, is still more than the threshold will leave. Images are the sampling unit, and drawn without
replacement from all that there are. A bound can be too bold; `thresholds.settled` tells, and what it says is exact.

Measured on units of four layers of SqueezeNet-Places365 with a thousand photographs each of scenes and of ImageNet, at
a risk of 1 / 2000: in random orders of the visit 2 of 134,400 bounds were too bold at any time. After 64, 128, 256 and
512 of the thousand 3.3, 2.2, 1.6 and 1.3 times as much was kept as the threshold needs.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from dissectory.analysis.tally.compiling import compiled, part_of_kernels
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.threads import in_blocks
from dissectory.analysis.tally.thresholds import count_above

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.kept import Kept
    from dissectory.analysis.tally.upsampling import Upsampler

    Floats = npt.NDArray[np.float32]
    _I64 = npt.NDArray[np.int64]

RISK = 1e-7
"""Chance that a bound is too bold, if the mean over images were normal; see `errors_of`. A single unit whose bound is
costs another pass over all images: at 1 / 2000 that happened with ResNet-18 and SqueezeNet on 500 photographs, at 1e-5
it did not; 1e-7 keeps a tenth more than that."""
_SAMPLED = 8
"""The first bound looks at about so many rows and columns of the grid."""
_CLOSE = 1 << 16
"""Levels are told apart down to so many floats, which is less than 1 %."""


def errors_of(seen: int) -> float:
    """How many standard errors a bound stays below what `seen` images show: Student's t for `RISK`.

    >>> round(errors_of(32), 2), round(errors_of(512), 2)
    (6.64, 5.27)
    """
    return float(special.stdtrit(seen - 1, 1 - RISK)) if seen > 1 else math.inf


def first_bound(maps: Tensor, total: int, quantile: float, upsampler: Upsampler, threads: int = 1) -> Floats:
    """Bound every threshold `(unit,)` of `total` images from the maps `(batch, unit, height, width)` of a few.

    Looks at a part of the grid only; no bound is lower than all activations of these maps.
    """
    images, units = maps.shape[:2]
    thinned = replace(upsampler, step=max(1, upsampler.grid // _SAMPLED))
    probe = LayerSweep(thinned, units, 1, threads=threads)
    probe.observe(range(images), maps)
    needed = _needed(total, quantile, thinned.positions)
    return _raised(probe.kept, images, needed, errors_of(images) ** 2 / images, probe.lowest, threads)


def raised(
    kept: Kept, seen: int, total: int, quantile: float, positions: int, bound: Floats, threads: int = 1
) -> Floats:
    """Raise bounds `(unit,)` as far as the images seen support.

    Args:
        kept: what was kept of these images.
        seen: how many images were seen.
        total: how many there are.
        quantile: the share of positions that may be above a threshold.
        positions: of the grid.
        bound: `(unit,)`, so far; everything above it was kept.
        threads: units are shared out to them.
    """
    factor = errors_of(seen) ** 2 / seen * (1 - seen / total) if seen < total else 0.0
    return _raised(kept, seen, _needed(total, quantile, positions), factor, bound, threads)


def _needed(total: int, quantile: float, positions: int) -> float:
    """How many positions of an image must be above a bound, in the mean over all, so that it is not too bold."""
    return (count_above(quantile, total * positions) + 1) / total


def _raised(kept: Kept, seen: int, needed: float, factor: float, bound: Floats, threads: int) -> Floats:
    """Raise bounds; `factor` times the variance over images is the square of what is stayed below."""
    higher = bound + np.float32(0)  # minus zero is zero
    if math.isfinite(factor):
        in_blocks(
            lambda first, last: _raise(first, last, kept.first, kept.starts, kept.values, seen, needed, factor, higher),
            kept.count,
            threads,
        )
    return higher


@compiled
def _raise(
    begin: int, end: int, first: _I64, starts: _I64, values: Floats, seen: int, needed: float, factor: float,
    bounds: Floats,
) -> None:  # fmt: skip
    """Raise the bounds of some units to the highest level that is supported, by halving what is in question."""
    for unit in range(begin, end):
        pairs = starts[first[unit] : first[unit + 1] + 1]
        mine = values[pairs[0] : pairs[-1]].view(np.int32)
        low = _key_of(np.float32(bounds[unit]).view(np.int32))
        high = low
        for entry in range(len(mine)):
            high = max(high, _key_of(mine[entry]))
        while high - low > _CLOSE:
            middle = (low + high) // 2
            if _is_supported(pairs, values, _float_of(middle), seen, needed, factor):
                low = middle
            else:
                high = middle
        bounds[unit] = max(bounds[unit], _float_of(low))


@part_of_kernels
def _is_supported(pairs: _I64, values: Floats, level: np.float32, seen: int, needed: float, factor: float) -> bool:
    """Whether the mean over images of how many values are above a level is far enough above what is needed."""
    mine = values[pairs[0] : pairs[-1]]
    total = squares = 0
    for entry in range(len(mine)):
        total += int(mine[entry] > level)
    if total < needed * seen:
        return False
    for pair in range(len(pairs) - 1):
        part, count = values[pairs[pair] : pairs[pair + 1]], 0
        for entry in range(len(part)):
            count += int(part[entry] > level)
        squares += count * count
    mean = total / seen
    variance = max(squares / seen - mean * mean, 0.0) * seen / max(seen - 1, 1)
    return mean - math.sqrt(factor * variance) >= needed


@part_of_kernels
def _key_of(bits: np.int32) -> int:
    """Turn the bits of a float into a whole number: the same order, steps of equal ratio."""
    return int(np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF)))


@part_of_kernels
def _float_of(key: int) -> np.float32:
    """Turn the whole number back into its float."""
    return np.int32(key ^ ((key >> 63) & 0x7FFFFFFF)).view(np.float32)
