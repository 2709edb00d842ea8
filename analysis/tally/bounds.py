"""Lower bounds of the units' thresholds: only activations above its unit's bound are kept.

Bounds rise as more images are seen. A bound is the highest level that the images so far support: the mean number of
positions above it, minus some standard errors, is still more than the threshold will leave. Images are the sampling
unit, drawn without replacement from all images of the study. A bound can be too high by chance; `thresholds.settled`
detects this exactly.

Measured on 448 units of four layers of SqueezeNet-Places365, with a thousand photographs each of scenes and of
ImageNet, at a risk of 1e-4: in 500 random orders of the images, none of 448,000 bounds was ever too high (at a risk of
1 / 2000, 3 were). In the order of the study, no bound of 6,061 units was. After 32, 64, 128, 256 and 512 images, about
7, 4, 2.4, 1.7 and 1.4 times as many activations were kept as the threshold needs.
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
"""Probability that a bound is too high, if the mean over images were normally distributed; see `errors_of`. One unit
with such a bound costs another pass over all images. A risk a hundred times lower keeps about 5 % more activations."""
_SAMPLED = 8
"""The first bound samples this many by this many positions of each map."""
_CLOSE = 1 << 16
"""The search for a level ends within this many float32 numbers, a difference of less than 1 %."""
_ROUNDING = 1e-4
"""The first bound is lowered by this share, because the values that it samples are rounded in another way."""


def errors_of(seen: int) -> float:
    """Return how many standard errors a bound is below the mean of `seen` images: Student's t for `RISK`.

    >>> round(errors_of(32), 2), round(errors_of(512), 2)
    (5.83, 4.81)
    """
    return float(special.stdtrit(seen - 1, 1 - RISK)) if seen > 1 else math.inf


def first_bound(maps: Tensor, total: int, quantile: float, upsampler: Upsampler, threads: int = 1) -> Floats:
    """Bound every threshold `(unit,)` of `total` images from the maps `(batch, unit, height, width)` of a few images.

    Different positions are sampled in each map: a fixed set could miss, or overrate, what units do at the edges of
    their maps. No bound is lower than all activations of these maps.
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

    Each map has its own positions: rows and columns are each drawn from equal parts of the grid, one from each part, so
    that all positions are equally likely.
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
    """Raise bounds `(unit,)` as far as the images so far support.

    Args:
        kept: the kept activations of these images.
        seen: the number of images so far.
        total: the number of all images.
        quantile: the share of positions that may be above a threshold.
        positions: the number of grid positions.
        bound: `(unit,)`, the bounds so far; all activations above them were kept.
        threads: the number of threads, which share the units.
    """
    factor = errors_of(seen) ** 2 / seen * (1 - seen / total) if seen < total else 0.0
    return _raised(kept, seen, _needed(total, quantile, positions), factor, bound, threads)


def _needed(total: int, quantile: float, positions: int) -> float:
    """Return how many positions per image, in the mean, must be above a bound that is not too high."""
    return (count_above(quantile, total * positions) + 1) / total


def _raised(kept: Kept, seen: int, needed: float, factor: float, bound: Floats, threads: int) -> Floats:
    """Raise bounds; `factor` times the variance over images is the square of the safety margin."""
    higher = bound + np.float32(0)  # turns minus zero into zero
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
    """Raise the bounds of some units to the highest supported level, by bisection."""
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
    """Whether the mean number of values above a level, over the images, exceeds `needed` by the safety margin."""
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
    """Convert the bits of a float to an integer in the same order, with steps of nearly equal ratio."""
    return int(np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF)))


@part_of_kernels
def _float_of(key: int) -> np.float32:
    """Convert the integer back to its float."""
    return np.int32(key ^ ((key >> 63) & 0x7FFFFFFF)).view(np.float32)
