"""The second threshold of a unit: the one at which being active tells most about a concept, counted at many levels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.compiling import compiled, constant, part_of_kernels
from dissectory.analysis.tally.histogram import bin_edges
from dissectory.analysis.tally.kernels import SIDE
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.histogram import Histograms
    from dissectory.analysis.tally.upsampling import Upsampler

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _I32 = npt.NDArray[np.int32]
    _I64 = npt.NDArray[np.int64]
    _U16 = npt.NDArray[np.uint16]

LEVELS = 63
"""Candidates of each unit; the kernel finds the place of a value among them in six steps."""
HIGHEST_SHARE, LOWEST_SHARE = 0.5, 0.0005
"""The levels lie where these shares of a unit's activations are above them, and between."""
_EVEN = 20
"""So many of the levels are evenly spaced between the ends of these; the table's description says so too."""
_UNITS = 16
"""Units that are counted in one go."""
_STEPS = 1 + LEVELS
"""Between, below and above the levels."""


@dataclass(frozen=True, slots=True)
class Information:
    """How much units tell about concepts.

    `ratio` `(unit, concept)` is the highest information quality ratio of all levels, `threshold` `(unit, concept)` the
    level, the lowest of equals; where unit and concept meet at no level more often than by chance, 0 and NaN.
    """

    ratio: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float32]

    @property
    def best(self) -> npt.NDArray[np.intp]:
        """The concept with the highest ratio of each unit `(unit,)`, the first of equals; -1 where all are 0."""
        if self.ratio.shape[1] == 0:
            return np.full(len(self.ratio), -1, dtype=np.intp)
        return np.where(self.ratio.any(axis=1), self.ratio.argmax(axis=1), -1)


def candidate_levels(histograms: Histograms, thresholds: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Choose the levels of every unit `(unit, LEVELS)`, ascending.

    One is the unit's threshold. Most have shares of its activations above them that fall by the same factor each time,
    from `HIGHEST_SHARE` to `LOWEST_SHARE`, as far as a histogram tells; the others lie evenly between the ends of
    these, for units that are either active or not and hardly anything between.
    """
    edges = bin_edges()
    shares = np.geomspace(HIGHEST_SHARE, LOWEST_SHARE, LEVELS - 1 - _EVEN)
    levels = np.empty((len(thresholds), LEVELS))
    for unit, counts in enumerate(histograms.counts):
        above = np.append(counts[::-1].cumsum()[::-1], 0)
        by_share = np.interp(shares * above[0], above[::-1], edges[::-1])
        even = np.linspace(by_share[0], by_share[-1], _EVEN + 2)[1:-1]
        levels[unit] = np.sort(np.concatenate([by_share, even, thresholds[unit : unit + 1]]))
    levels[np.abs(levels) < edges[SIDE + 1]] = 0  # within the bin of zero
    return levels.astype(np.float32)


class LevelCounts:
    """Counts of the positions above every level of some units of a layer, and of those with each concept.

    Args of the constructor: the layer's `upsampler`; `levels` `(unit, LEVELS)`, ascending; how many `concepts` there
    are, numbered from 1; units are shared out to `threads`.
    """

    def __init__(
        self, upsampler: Upsampler, levels: npt.NDArray[np.float32], concepts: int, *, threads: int = 1
    ) -> None:
        self._upsampler = upsampler
        self._levels = constant(levels, np.float32)
        self._threads = threads
        self._active = np.zeros((len(levels), _STEPS), dtype=np.int64)
        self._met = np.zeros((len(levels), _STEPS, concepts + 1), dtype=np.int64)

    @staticmethod
    def bytes_each(concepts: int) -> int:
        """Memory that the counts of one unit take."""
        return _STEPS * (concepts + 2) * 8

    def observe(self, maps: Tensor, labels: npt.NDArray[np.uint16]) -> None:
        """Count in the maps `(image, unit, height, width)` of some images.

        Args:
            maps: those of the same units as the levels.
            labels: concept numbers `(image, position, plane)`, 0 for none, none twice at a position.
        """
        if labels.max(initial=0) >= self._met.shape[2]:
            raise ValueError(f"labels name the concept {labels.max()} of {self._met.shape[2] - 1}")
        if labels.shape[:2] != (len(maps), self._upsampler.positions):
            raise ValueError(f"label maps {labels.shape} of {len(maps)} images")
        near, labels = maps.detach().to("cpu", torch.float32), constant(labels, np.uint16)

        def work(first: int, last: int) -> None:
            for begin in range(first, last, _UNITS):
                here = slice(begin, min(begin + _UNITS, last))
                levels = self._levels[here]
                sweep = LayerSweep(self._upsampler, len(levels), 1, bound=levels[:, 0])
                sweep.observe(range(len(near)), near[:, here])
                kept = sweep.kept
                _count(
                    kept.first, kept.images, kept.starts, kept.values, kept.positions,
                    levels, labels, self._active[here], self._met[here],
                )  # fmt: skip

        in_blocks(work, len(self._levels), self._threads)

    def best(self, positions: int, pixels: npt.NDArray[np.int64]) -> Information:
        """Find the best level of each unit for each concept.

        Args:
            positions: of all images together.
            pixels: positions that carry each concept, over all images `(concept,)`.
        """
        units = len(self._levels)
        ratio = np.zeros((units, len(pixels)))
        threshold = np.full((units, len(pixels)), np.nan, dtype=np.float32)
        given = (self._levels, self._active, self._met, constant(pixels, np.int64), positions)
        in_blocks(lambda first, last: _find_best(first, last, *given, ratio, threshold), units, self._threads)
        return Information(ratio, threshold)


@compiled
def _count(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    levels: _F32, labels: _U16, active: _I64, met: _I64,
) -> None:  # fmt: skip
    """Count each value, and the concepts at its position, under the number of levels that it exceeds."""
    steps = np.empty(labels.shape[1], dtype=np.uint8)
    for unit in range(len(levels)):
        counts, totals = met[unit], active[unit]
        for pair in range(first[unit], first[unit + 1]):
            here = values[starts[pair] : starts[pair + 1]]
            places, label_map, step = (
                positions[starts[pair] : starts[pair + 1]],
                labels[images[pair]],
                steps[: len(here)],
            )
            for entry in range(len(here)):
                step[entry] = 0
            for level in range(levels.shape[1]):
                least = levels[unit, level]
                for entry in range(len(here)):
                    step[entry] = np.uint8(step[entry] + np.uint8(here[entry] > least))
            for entry in range(len(here)):
                totals[step[entry]] += 1
            for plane in range(label_map.shape[1]):
                for entry in range(len(here)):
                    counts[step[entry], label_map[places[entry], plane]] += 1


@compiled
def _find_best(
    begin: int, end: int, levels: _F32, active: _I64, met: _I64, pixels: _I64, total: int,
    ratio: _F64, threshold: _F32,
) -> None:  # fmt: skip
    """Find the best levels of the units `begin` to `end`, from the highest level down; see `LevelCounts.best`."""
    size = float(total)
    for unit in range(begin, end):
        for concept in range(len(pixels)):
            both = lit = 0
            carried = pixels[concept]
            of_concept = _entropy(carried / size) + _entropy((size - carried) / size)
            for level in range(levels.shape[1] - 1, -1, -1):
                lit += active[unit, level + 1]
                both += met[unit, level + 1, concept + 1]
                if float(both) * size > float(lit) * float(carried):
                    of_unit = _entropy(lit / size) + _entropy((size - lit) / size)
                    joint = _entropy(both / size) + _entropy((lit - both) / size)
                    joint += _entropy((carried - both) / size) + _entropy((size - lit - carried + both) / size)
                    found = (of_unit + of_concept - joint) / joint
                    if found > 0 and found >= ratio[unit, concept]:
                        ratio[unit, concept] = found
                        threshold[unit, concept] = levels[unit, level]


@part_of_kernels
def _entropy(share: float) -> float:
    """What an event of some probability adds to an entropy, in nats."""
    return -share * math.log(share) if share > 0 else 0.0
