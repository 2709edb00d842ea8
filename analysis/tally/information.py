"""The second threshold of a unit: the level at which the unit's activity is most informative about a concept.

The cost of trying only some levels was measured on 640 units of two layers of SqueezeNet-Places365, with 96 photographs
and 42 concepts. Compared with a thousand more levels, the highest ratio of a unit is lower by 0.5 % in the median, by
at most 2.5 % for 95 % of all units, and by at most 6.3 %; for 99 % of the units it belongs to the same concept. Without
levels below the median of a unit, one unit in twenty lost more than a quarter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import special

from dissectory.analysis.tally.compiling import compiled, constant, part_of_kernels
from dissectory.analysis.tally.histogram import bin_edges
from dissectory.analysis.tally.kernels import SIDE
from dissectory.analysis.tally.threads import in_blocks
from dissectory.analysis.tally.upsampling import Axis

if TYPE_CHECKING:
    from torch import Tensor

    from dissectory.analysis.tally.histogram import Histograms
    from dissectory.analysis.tally.upsampling import Upsampler

_F32 = npt.NDArray[np.float32]
_F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]
_U8 = npt.NDArray[np.uint8]
_U16 = npt.NDArray[np.uint16]
_U32 = npt.NDArray[np.uint32]

LEVELS = 63
"""Candidate levels of each unit; the kernel needs six steps to find the place of a value among them."""
HIGHEST_SHARE, LOWEST_SHARE = 0.95, 0.0005
"""The shares of a unit's activations above the lowest and the highest level."""
_EVEN = 14
"""This many levels are evenly spaced between these two; the table's description repeats this number."""
_STEPS = 1 + LEVELS
"""Number of intervals between, below and above the levels."""


@dataclass(frozen=True, slots=True)
class Information:
    """How informative units are about concepts.

    `ratio` `(unit, concept)` is the highest information quality ratio over all levels. `threshold` `(unit, concept)` is
    its level, the lowest if several are equal. If a unit is active on a concept more often than by chance at no level,
    its ratio is 0 and its threshold NaN.
    """

    ratio: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float32]

    @property
    def best(self) -> npt.NDArray[np.intp]:
        """The concept with the highest ratio for each unit `(unit,)`, the first of equal ones; -1 if all are 0."""
        if self.ratio.shape[1] == 0:
            return np.full(len(self.ratio), -1, dtype=np.intp)
        return np.where(self.ratio.any(axis=1), self.ratio.argmax(axis=1), -1)


def candidate_levels(histograms: Histograms, thresholds: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Choose the levels of every unit `(unit, LEVELS)`, ascending.

    One level is the unit's threshold. At most levels, the odds of being above it fall by a constant factor from level
    to level, from a share of `HIGHEST_SHARE` to `LOWEST_SHARE`, as exactly as a histogram allows. The other levels are
    evenly spaced in between, for units whose activations are either high or low, with hardly any in between.
    """
    edges = bin_edges()
    shares = special.expit(np.linspace(special.logit(HIGHEST_SHARE), special.logit(LOWEST_SHARE), LEVELS - 1 - _EVEN))
    levels = np.empty((len(thresholds), LEVELS))
    for unit, counts in enumerate(histograms.counts):
        above = np.append(counts[::-1].cumsum()[::-1], 0)
        by_share = np.interp(shares * above[0], above[::-1], edges[::-1])
        even = np.linspace(by_share[0], by_share[-1], _EVEN + 2)[1:-1]
        levels[unit] = np.sort(np.concatenate([by_share, even, thresholds[unit : unit + 1]]))
    levels[np.abs(levels) < edges[SIDE + 1]] = 0  # within the bin that contains zero
    return levels.astype(np.float32)


class LevelCounts:
    """Counts of the positions above every level, for some units of a layer: all positions, and those with each concept.

    Arguments of the constructor: the layer's `upsampler`; `levels` `(unit, LEVELS)`, ascending; the number of
    `concepts`, which are numbered from 1; the number of `threads`, which share the units.
    """

    def __init__(
        self, upsampler: Upsampler, levels: npt.NDArray[np.float32], concepts: int, *, threads: int = 1
    ) -> None:
        self._upsampler = upsampler
        self._rows = _Places.of(upsampler.height, upsampler.grid)
        self._columns = _Places.of(upsampler.width, upsampler.grid)
        self._levels = constant(levels, np.float32)
        self._threads = threads
        self._active = np.zeros((len(levels), _STEPS), dtype=np.int64)
        self._met = np.zeros((len(levels), _STEPS, concepts + 1), dtype=np.int64)

    @staticmethod
    def bytes_each(concepts: int) -> int:
        """Return the memory of one unit's counts, in bytes."""
        return _STEPS * (concepts + 2) * 8

    def observe(self, maps: Tensor, labels: npt.NDArray[np.uint16]) -> None:
        """Count in the maps `(image, unit, height, width)` of some images.

        Args:
            maps: maps of the units that have levels.
            labels: concept numbers `(image, position, plane)`, 0 for none, each at most once at a position.
        """
        self._check(len(maps), labels)
        near = maps.detach().to("cpu", torch.float32).contiguous().flatten(2).numpy()
        given = (constant(near, np.float32), self._rows, self._columns, self._upsampler.border == "extend")
        counted = (self._levels, constant(labels, np.uint16), self._active, self._met)
        in_blocks(lambda first, last: _count(first, last, *given, *counted), len(self._levels), self._threads)

    def _check(self, images: int, labels: npt.NDArray[np.uint16]) -> None:
        """Refuse labels of other images or another grid, and numbers that are outside of an array."""
        if labels.max(initial=0) >= self._met.shape[2]:
            raise ValueError(f"labels contain the concept {labels.max()}, but there are {self._met.shape[2] - 1}")
        if labels.shape[:2] != (images, self._upsampler.positions):
            raise ValueError(f"label maps of shape {labels.shape} do not match {images} images on this grid")

    def best(self, positions: int, pixels: npt.NDArray[np.int64]) -> Information:
        """Return the best level of each unit for each concept.

        Args:
            positions: the number of positions of all images together.
            pixels: the number of positions with each concept, over all images `(concept,)`.
        """
        units = len(self._levels)
        ratio = np.zeros((units, len(pixels)))
        threshold = np.full((units, len(pixels)), np.nan, dtype=np.float32)
        given = (self._levels, self._active, self._met, constant(pixels, np.int64), positions)
        in_blocks(lambda first, last: _find_best(first, last, *given, ratio, threshold), units, self._threads)
        return Information(ratio, threshold)


class _Places(NamedTuple):
    """Where the rows or columns of a grid are among the cells of a map with a border of one; see `upsampling.Axis`."""

    cells: int
    left: _I64
    parts: _F64

    @classmethod
    def of(cls, cells: int, grid: int) -> _Places:
        axis = Axis.of(cells, grid)
        return cls(cells, constant(axis.left, np.int64), constant(axis.parts, np.float64))


@compiled
def _count(
    begin: int, end: int, maps: _F32, rows: _Places, columns: _Places, extend: bool,
    levels: _F32, labels: _U16, active: _I64, met: _I64,
) -> None:  # fmt: skip
    """Count every position of the units `begin` to `end`, and its concepts, by the number of levels that it exceeds."""
    size = len(rows.left)
    bordered = np.zeros((rows.cells + 2, columns.cells + 2))
    over, under = np.empty(size), np.empty(size)
    values, steps = np.empty(size * size, dtype=np.float32), np.empty(size * size, dtype=np.uint8)
    above = np.empty(size * size + 1, dtype=np.uint32)
    for unit in range(begin, end):
        for image in range(len(maps)):
            peak = _surround(maps[image, unit], bordered, extend)
            if max(peak, 0.0) > levels[unit, 0]:
                _upsample(bordered, rows, columns, over, under, values)
                found = _climb(values, levels[unit], steps, above)
                _add(steps, above[:found], labels[image], active[unit], met[unit])


@part_of_kernels
def _surround(plane: _F32, bordered: _F64, extend: bool) -> float:
    """Copy a map into one with a border, replacing values that are not finite by 0; return its peak."""
    height, width = bordered.shape[0] - 2, bordered.shape[1] - 2
    peak = -math.inf
    for row in range(height):
        for column in range(width):
            activation = float(plane[row * width + column])
            value = activation if math.isfinite(activation) else 0.0
            bordered[row + 1, column + 1] = value
            peak = max(peak, value)
    if extend:
        for row in range(1, height + 1):
            bordered[row, 0], bordered[row, width + 1] = bordered[row, 1], bordered[row, width]
        for column in range(width + 2):
            bordered[0, column], bordered[height + 1, column] = bordered[1, column], bordered[height, column]
    return peak


@part_of_kernels
def _upsample(bordered: _F64, rows: _Places, columns: _Places, over: _F64, under: _F64, values: _F32) -> None:
    """Upsample a map to all positions, with the same sums as `kernels`, so that the values are identical."""
    size, reached = len(over), -1
    whole = 2.0 * size
    for row in range(size):
        top, part = rows.left[row], rows.parts[row]
        if top != reached:
            reached = top
            for position in range(size):
                left, share = columns.left[position], columns.parts[position]
                over[position] = bordered[top, left] * (whole - share) + bordered[top, left + 1] * share
                under[position] = bordered[top + 1, left] * (whole - share) + bordered[top + 1, left + 1] * share
        line = values[row * size : (row + 1) * size]
        for position in range(size):
            line[position] = (over[position] * (whole - part) + under[position] * part) / (whole * whole)


@part_of_kernels
def _climb(values: _F32, levels: _F32, steps: _U8, above: _U32) -> int:
    """Find how many levels each value exceeds, and the positions that exceed any; return how many these are."""
    for position in range(len(steps)):
        steps[position] = 0
    for level in range(len(levels)):
        least = levels[level]
        for position in range(len(steps)):
            steps[position] = np.uint8(steps[position] + np.uint8(values[position] > least))
    found = np.uint64(0)
    for position in range(len(steps)):
        above[found] = position
        found += np.uint64(steps[position] > 0)
    return int(np.int64(found))


@part_of_kernels
def _add(steps: _U8, above: _U32, label_map: _U16, totals: _I64, counts: _I64) -> None:
    """Count the given positions, and their concepts, by the number of levels that they exceed."""
    for place in range(len(above)):
        totals[steps[above[place]]] += 1
    for plane in range(label_map.shape[1]):
        for place in range(len(above)):
            counts[steps[above[place]], label_map[above[place], plane]] += 1


@compiled
def _find_best(
    begin: int, end: int, levels: _F32, active: _I64, met: _I64, pixels: _I64, total: int,
    ratio: _F64, threshold: _F32,
) -> None:  # fmt: skip
    """Find the best levels of the units `begin` to `end`, from the highest level down; see `LevelCounts.best`."""
    size = float(total)
    for unit in range(begin, end):
        for concept in range(len(pixels)):
            both = above = 0
            carried = pixels[concept]
            of_concept = _entropy(carried / size) + _entropy((size - carried) / size)
            for level in range(levels.shape[1] - 1, -1, -1):
                above += active[unit, level + 1]
                both += met[unit, level + 1, concept + 1]
                if float(both) * size > float(above) * float(carried):
                    of_unit = _entropy(above / size) + _entropy((size - above) / size)
                    joint = _entropy(both / size) + _entropy((above - both) / size)
                    joint += _entropy((carried - both) / size) + _entropy((size - above - carried + both) / size)
                    found = (of_unit + of_concept - joint) / joint
                    if found > 0 and found >= ratio[unit, concept]:
                        ratio[unit, concept] = found
                        threshold[unit, concept] = levels[unit, level]


@part_of_kernels
def _entropy(share: float) -> float:
    """Return what an event of probability `share` contributes to an entropy, in nats."""
    return -share * math.log(share) if share > 0 else 0.0
