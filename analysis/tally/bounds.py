"""What an activation must exceed to be kept: a lower bound of its unit's threshold, raised as images are seen.

A bound is the highest level that the images seen so far support: the mean number of positions above it, less some
standard errors, is still more than the threshold will leave. Images are the sampling unit, and drawn without
replacement from all that there are. A bound can be too bold; `thresholds.settled` tells, and what it says is exact.

Measured on 448 units of four layers of SqueezeNet-Places365 with a thousand photographs each of scenes and of ImageNet,
at a risk of 1e-4: in 500 random orders of the visit none of 448,000 bounds was too bold at any time (at 1 / 2000, 3
were), nor was any of 6,061 units in the order of the study. After 32, 64, 128, 256 and 512 images about 7, 4, 2.4, 1.7
and 1.4 times as much was kept as the threshold needs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import special
from torch import nn

from dissectory.analysis.tally.compiling import compiled, part_of_kernels
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.threads import in_blocks
from dissectory.analysis.tally.thresholds import count_above

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler

    Floats = npt.NDArray[np.float32]
    _I64 = npt.NDArray[np.int64]

RISK = 1e-6
"""Chance that a bound is too bold, if the mean over images were normal; see `errors_of`. A single unit whose bound is
costs another pass over all images; a hundredth of the risk keeps about a twentieth more."""
_SAMPLED = 8
"""The first bound looks at so many times so many positions of each map."""
_CLOSE = 1 << 16
"""Levels are told apart down to so many floats, which is less than 1 %."""
_ROUNDING = 1e-4
"""By this share the first bound, which is of values that are rounded otherwise, is lowered."""


def errors_of(seen: int) -> float:
    """How many standard errors a bound stays below what `seen` images show: Student's t for `RISK`.

    >>> round(errors_of(32), 2), round(errors_of(512), 2)
    (5.83, 4.81)
    """
    return float(special.stdtrit(seen - 1, 1 - RISK)) if seen > 1 else math.inf


def first_bound(maps: Tensor, total: int, quantile: float, upsampler: Upsampler, threads: int = 1) -> Floats:
    """Bound every threshold `(unit,)` of `total` images from the maps `(batch, unit, height, width)` of a few.

    Looks at some positions of each map, others in each: the same in all would miss, or take for the whole, what units
    do at a map's edges. No bound is lower than all activations of these maps.
    """
    clean = maps.detach().float()
    if not torch.isfinite(clean.sum()):
        clean = clean.nan_to_num(0, 0, 0)
    values = _sample(clean, upsampler)
    units, images, sampled = values.shape
    lowest = upsampler.floor(clean.amin(dim=(0, 2, 3)).cpu().numpy())
    kept = Kept(
        np.arange(units + 1) * images,
        np.tile(np.arange(images), units),
        np.arange(units * images + 1) * sampled,
        values.ravel(),
        np.zeros(values.size, dtype=np.uint16),
    )
    needed = _needed(total, quantile, upsampler.positions) * sampled / upsampler.positions
    bound = _raised(kept, images, needed, errors_of(images) ** 2 / images, lowest, threads)
    return np.maximum(bound - np.abs(bound) * _ROUNDING, lowest)


def _sample(maps: Tensor, upsampler: Upsampler) -> Floats:
    """Upsample maps to a few positions `(unit, image, position)`, nearly as exactly as `upsampler`.

    Each map has its own: one drawn from each of some parts of the grid, so that any is as likely as any other.
    """
    images, grid = len(maps), upsampler.grid
    parts = (np.arange(_SAMPLED) + np.random.default_rng(0).random((images, 2, _SAMPLED))) / _SAMPLED
    centers = torch.from_numpy((2 * np.floor(parts * grid) + 1) / grid - 1).to(maps)
    shape = (images, _SAMPLED, _SAMPLED)
    places = torch.stack([centers[:, 1, None, :].expand(shape), centers[:, 0, :, None].expand(shape)], dim=-1)
    padding = "zeros" if upsampler.border == "zeros" else "border"
    values = nn.functional.grid_sample(maps, places, mode="bilinear", padding_mode=padding, align_corners=False)
    return values.flatten(2).swapaxes(0, 1).contiguous().cpu().numpy()


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
