"""The one loop over a layer's maps: peaks, moments, histograms, and the upsampled values above the bounds.

Some rules of speed hold for the code below. Passing an array to a compiled function costs as much as some tens of
activations, so kernels are called for many activations at once, and their inner loops call no function that takes an
array. No slices are assigned and no arrays are created, because either takes seconds to compile. Indices at which loops
write are unsigned, because signed indices are checked each time for counting from the end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dissectory.analysis.tally.compiling import compiled, part_of_kernels

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

_MANTISSA_BITS = 5
SHIFT = 23 - _MANTISSA_BITS
LOWEST = (127 - 30) << _MANTISSA_BITS
"""Magnitudes below 2^-30 are counted as zero."""
SIDE = 64 << _MANTISSA_BITS
"""Bins on each side of zero: 64 octaves, up to 2^34; larger values are counted in the last bin."""
BINS = 2 * SIDE
SPARE = 16
"""Number of spare bins for zeros, used in turn: zeros are frequent, and counting into one bin would have to wait for
the previous count."""

_GROUP = 65_536
"""Number of activations of a unit that are processed together, so that they stay in the second-level cache."""
_CHUNK = 2048
"""Number of activations that are counted together."""
_LANES = 512
"""Sums have this many lanes on every processor, so that the results are the same on all."""
_VECTOR = 8
"""Positions are blended in multiples of this number, because the rest of a loop is not vectorized."""
_SHARE = 16
"""At first, there is room for one in this many positions."""
_NO_GAP = np.int32(2**31 - 1)
"""Marks the end of a map's gaps."""


class Grid(NamedTuple):
    """Where the positions of a grid are between the cells of a map with a border of one cell; see `Upsampler`.

    Gap k is between the bordered rows k and k + 1, and contains the grid rows `rows[k]:rows[k + 1]`. Grid row r is at
    `row_parts[r] / whole` of the way between them. The same holds for columns. `used` marks the gaps, numbered
    `row * width + column`, that contain positions. The last gap of a row and the first gap of the next row share a
    number, which stands for both.
    """

    height: int
    width: int
    size: int
    extend: bool
    whole: float
    rows: I64
    row_parts: F64
    columns: I64
    column_parts: F64
    used: U8


class Scratch(NamedTuple):
    """Working memory of a sweep; nothing in it is needed after a call."""

    extremes: F32
    clean: F32
    bins: U16
    lanes: F64
    near: U8
    hot: U8
    words: U64
    gaps: I32
    blends: F64
    columns: U16
    line: F32

    @classmethod
    def of(cls, grid: Grid, batch: int) -> Scratch:
        """Allocate memory for batches of up to `batch` maps."""
        cells, gaps = grid.height * grid.width, -(-len(grid.used) // 8) * 8
        group = min(batch, max(1, _GROUP // cells))
        words = np.zeros(gaps // 8, dtype=np.uint64)
        return cls(
            np.empty((batch, 2), dtype=np.float32),
            np.empty((batch, 1, cells), dtype=np.float32),
            np.empty(_CHUNK, dtype=np.uint16),
            np.zeros((2, _LANES)),
            np.zeros((grid.height + 2) * grid.width + 2, dtype=np.uint8),
            words.view(np.uint8),
            words,
            np.empty(group * (gaps + 1) + 8, dtype=np.int32),
            np.zeros((2, -(-grid.size // _VECTOR) * _VECTOR)),
            np.empty(grid.size, dtype=np.uint16),
            np.empty(-(-grid.size // _VECTOR) * _VECTOR, dtype=np.float32),
        )


class Tallies(NamedTuple):
    """The statistics that a sweep updates, by unit.

    `top_*` `(unit, count)` are the top images. `counts` `(unit, BINS + SPARE)` are histograms. `sums` `(unit, 4)` are
    an offset, the sum and the sum of squares of the deviations from it, and the peak; the sweep sets them. `lowest`
    `(unit,)` is the lowest activation. `nonfinite` `(unit,)` is the number of activations that are not finite.
    """

    top_peaks: F32
    top_images: I32
    top_cells: I32
    counts: U32
    sums: F64
    lowest: F32
    nonfinite: I64


class Found(NamedTuple):
    """Memory for the activations that a sweep keeps of some units, in the form of `Kept`."""

    first: I64
    images: I32
    starts: I64
    values: F32
    positions: U16

    @classmethod
    def room(cls, units: int, batch: int, positions: int) -> Found:
        """Allocate room for a part of the positions of some units and for all of one unit; unused room uses no RAM."""
        entries = batch * positions * (1 + units // _SHARE)
        return cls(
            np.zeros(units + 1, dtype=np.int64),
            np.empty(units * batch, dtype=np.int32),
            np.zeros(units * batch + 1, dtype=np.int64),
            np.empty(entries, dtype=np.float32),
            np.empty(entries, dtype=np.uint16),
        )


@compiled
def sweep(
    maps: F32, origin: int, images: I32, first: int, last: int, grid: Grid, bounds: F32, tallies: Tallies,
    fresh: bool, scratch: Scratch, found: Found, begin: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Tally the units from `first` on of maps `(batch, unit, cell)`, and keep the values above their bounds.

    `maps` begins with the unit `origin`, and `found` with the unit `begin`. `fresh` marks the first part of a batch, at
    which the sums start again.

    Returns the unit before which the sweep stopped, and the numbers of pairs and entries found. The sweep stops at
    `last`, or at a unit for which there may not be enough room.
    """
    extremes, clean, pairs, entries = scratch.extremes, scratch.clean, 0, 0
    group = max(1, _GROUP // maps.shape[2])
    for unit in range(first, last):
        if entries + len(maps) * grid.size * grid.size > len(found.values):
            return unit, pairs, entries
        source, at = maps, unit - origin
        low, peak = _find_extremes(maps.view(np.int32), at, extremes)
        if not (np.isfinite(low) and np.isfinite(peak)):
            tallies.nonfinite[unit] += _clean(maps, at, clean)
            source, at = clean, 0
            low, peak = _find_extremes(clean.view(np.int32), at, extremes)
        sums = tallies.sums[unit]
        if fresh:
            sums[0], sums[1], sums[2], sums[3] = source[0, at, 0], 0, 0, peak
        sums[3] = max(sums[3], peak)
        tallies.lowest[unit] = min(tallies.lowest[unit], low)
        for start in range(0, len(maps), group):
            end = min(start + group, len(maps))
            _add(source, at, start, end, sums[0], scratch.lanes)
            _count(source.view(np.int32), at, start, end, scratch.bins, tallies.counts[unit])
            if _find_gaps(source, at, start, end, extremes, bounds[unit], grid, scratch) > 0:
                pairs, entries = _upsample(
                    source, at, start, end, images, bounds[unit], grid,
                    scratch.gaps, scratch.blends, scratch.columns, scratch.line,
                    found.images, found.starts, found.values, found.positions, pairs, entries,
                )  # fmt: skip
        found.first[unit - begin + 1] = pairs
        sums[1] += _total(scratch.lanes[0])
        sums[2] += _total(scratch.lanes[1])
        _rank(source, at, extremes, images, tallies.top_peaks[unit], tallies.top_images[unit], tallies.top_cells[unit])
        _collect(tallies.counts[unit])
    return last, pairs, entries


@compiled
def bring_together(source: F32, first: int, last: int, maps: F32) -> None:
    """Copy the units `first` to `last` of maps `(batch, cell, unit)` to `(batch, unit, cell)`."""
    for image in range(len(source)):
        for cell in range(source.shape[1]):
            units = source[image, cell, first:last]
            for unit in range(len(units)):
                maps[image, unit, cell] = units[unit]


@part_of_kernels
def _find_extremes(bits: I32, unit: int, extremes: F32) -> tuple[np.float32, np.float32]:
    """Find the lowest and the highest activation of a unit, in each map and over all maps; `bits` are the floats' bits.

    If any activation is not finite, one of the overall extremes is not finite.
    """
    lowest, highest = np.int32(2**31 - 1), np.int32(-(2**31))
    for image in range(bits.shape[0]):
        low, high = np.int32(2**31 - 1), np.int32(-(2**31))
        for cell in range(bits.shape[2]):
            # Integers in the order of the floats: the compiler can vectorize their comparison.
            key = np.int32(bits[image, unit, cell] ^ ((bits[image, unit, cell] >> 31) & 0x7FFFFFFF))
            low, high = min(low, key), max(high, key)
        extremes[image, 0], extremes[image, 1] = _float_of(low), _float_of(high)
        lowest, highest = min(lowest, low), max(highest, high)
    return _float_of(lowest), _float_of(highest)


@part_of_kernels
def _float_of(key: np.int32) -> np.float32:
    """Convert an integer in the order of floats back to its float; minus zero becomes zero."""
    return np.int32(key ^ ((key >> 31) & 0x7FFFFFFF)).view(np.float32) + np.float32(0)


@part_of_kernels
def _clean(maps: F32, unit: int, clean: F32) -> int:
    """Copy a unit's maps, replacing values that are not finite by 0; return how many these are."""
    strange = 0
    for image in range(maps.shape[0]):
        for cell in range(maps.shape[2]):
            finite = np.isfinite(maps[image, unit, cell])
            clean[image, 0, cell] = maps[image, unit, cell] if finite else np.float32(0)
            strange += not finite
    return strange


@part_of_kernels
def _add(maps: F32, unit: int, begin: int, end: int, offset: float, lanes: F64) -> None:
    """Add deviations from the offset, and their squares, to the lanes.

    The offset is an activation of the unit, so if all its activations are equal, the deviations are exactly 0.
    """
    sums, squares = lanes[0], lanes[1]
    for image in range(begin, end):
        plane = maps[image, unit]
        for start in range(0, len(plane), _LANES):
            part = plane[start : start + _LANES]
            for lane in range(len(part)):
                deviation = np.float64(part[lane]) - offset
                sums[lane] += deviation
                squares[lane] += deviation * deviation


@part_of_kernels
def _total(lanes: F64) -> float:
    """Sum the lanes by repeatedly adding the upper half to the lower half, and set them to zero."""
    half = len(lanes) // 2
    while half > 0:
        for lane in range(half):
            lanes[lane] += lanes[half + lane]
            lanes[half + lane] = 0
        half //= 2
    total = lanes[0]
    lanes[0] = 0
    return float(total)


@part_of_kernels
def _count(bits: I32, unit: int, begin: int, end: int, bins: U16, counts: U32) -> None:
    """Count a unit's activations, given as the bits of floats, in its histogram."""
    for image in range(begin, end):
        plane = bits[image, unit]
        for start in range(0, len(plane), _CHUNK):
            part = plane[start : start + _CHUNK]
            for cell in range(len(part)):
                value = part[cell]
                magnitude = np.int32(((value & np.int32(0x7FFFFFFF)) >> np.int32(SHIFT)) - np.int32(LOWEST))
                magnitude = np.int32(min(max(magnitude, np.int32(0)), np.int32(SIDE - 1)))
                place = np.int32(np.int32(SIDE) + (magnitude ^ (value >> np.int32(31))))
                spare = np.int32(np.int32(BINS) + (np.int32(cell) & np.int32(SPARE - 1)))
                bins[cell] = np.uint16(spare if value == np.int32(0) else place)
            for cell in range(len(part)):
                counts[bins[cell]] += np.uint32(1)


@part_of_kernels
def _collect(counts: U32) -> None:
    """Add the zeros in the spare bins, and minus zero and tiny negative values, to the bin of zero."""
    for spare in range(BINS, BINS + SPARE):
        counts[SIDE] += counts[spare]
        counts[spare] = 0
    counts[SIDE] += counts[SIDE - 1]
    counts[SIDE - 1] = 0


@part_of_kernels
def _rank(maps: F32, unit: int, extremes: F32, numbers: I32, peaks: F32, images: I32, cells: I32) -> None:
    """Insert images into the top images: higher peaks first, then lower image numbers."""
    for image in range(len(numbers)):
        peak, number, place = extremes[image, 1], np.uint32(numbers[image]), len(peaks)
        while place > 0 and (
            peak > peaks[place - 1] or (peak == peaks[place - 1] and number < np.uint32(images[place - 1]))
        ):
            place -= 1
        if place < len(peaks):
            for later in range(len(peaks) - 1, place, -1):
                peaks[later], images[later], cells[later] = peaks[later - 1], images[later - 1], cells[later - 1]
            cell = 0
            while maps[image, unit, cell] != peak:
                cell += 1
            peaks[place], images[place], cells[place] = peak, numbers[image], cell


@part_of_kernels
def _find_gaps(  # noqa: C901 - inner loops call no functions, as said above
    maps: F32, unit: int, begin: int, end: int, extremes: F32, bound: np.float32, grid: Grid, scratch: Scratch
) -> int:
    """Find the gaps that contain positions and have one of their four cells above the bound.

    An upsampled value is a mean of these cells, so no other position can be above the bound. A gap's number is
    `row * grid.width + column`, as if the map were one long row. At the ends of a row, cells of the wrong row are
    included; this adds a few gaps, which is harmless, and allows vectorized loops.

    Writes the gaps of each map, ascending, followed by `_NO_GAP`; returns how many gaps were written.
    """
    width, cells, used = grid.width, maps.shape[2], grid.used
    border = bound < 0 and not grid.extend
    near, hot, words, gaps = scratch.near, scratch.hot, scratch.words, scratch.gaps
    inside, right, below, across = near[width + 1 :], near[1:], near[width:], near[width + 1 :]
    count = np.uint64(0)
    for image in range(begin, end):
        if extremes[image, 1] > bound or border:
            for cell in range(width + 1):
                near[cell] = border
                near[width + 1 + cells + cell] = border
            for cell in range(cells):
                inside[cell] = maps[image, unit, cell] > bound
            for gap in range(len(used)):
                hot[gap] = (near[gap] | right[gap] | below[gap] | across[gap]) & used[gap]
            if border:
                for gap in range(0, len(used), width):
                    hot[gap] = used[gap]
            for word in range(len(words)):
                if words[word] != 0:
                    for gap in range(8 * word, 8 * word + 8):
                        gaps[count] = gap
                        count += np.uint64(hot[gap])
        gaps[count] = _NO_GAP
        count += np.uint64(1)
    return int(np.int64(count)) - (end - begin)


@part_of_kernels
def _upsample(  # noqa: C901 - the same reason
    maps: F32, unit: int, begin: int, end: int, numbers: I32, bound: np.float32, grid: Grid,
    gaps: I32, blends: F64, columns: U16, line: F32,
    images: I32, starts: I64, values: F32, positions: U16, pairs: int, entries: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the values above the bound in the gaps, and their positions, from index `entries` on.

    Each map with such values is a pair, written from index `pairs` on. Returns the new ends of pairs and entries.
    """
    extend, whole, gap_rows, row_parts = grid.extend, grid.whole, grid.rows, grid.row_parts
    gap_columns, column_parts, height, width = grid.columns, grid.column_parts, grid.height, grid.width
    over, under = blends[0], blends[1]
    most = np.float64(bound) * whole
    at, reached = 0, np.uint64(entries)
    for image in range(begin, end):
        row = 0
        while gaps[at] != _NO_GAP:
            # The gaps in one row of gaps; the last one may also be the first of the next row.
            row = max(row, (gaps[at] - 1) // width)
            first, upper, lower = row * width, max(row - 1, 0) * width, min(row, height - 1) * width
            count = np.uint64(0)
            while gaps[at] <= first + width:
                column = gaps[at] - first
                at += 1
                left, right = max(column - 1, 0), min(column, width - 1)
                a, b = np.float64(maps[image, unit, upper + left]), np.float64(maps[image, unit, upper + right])
                c, d = np.float64(maps[image, unit, lower + left]), np.float64(maps[image, unit, lower + right])
                if not extend:
                    a = np.float64(0) if row == 0 or column == 0 else a
                    b = np.float64(0) if row == 0 or column == width else b
                    c = np.float64(0) if row == height or column == 0 else c
                    d = np.float64(0) if row == height or column == width else d
                for position in range(gap_columns[column], gap_columns[column + 1]):
                    part = column_parts[position]
                    one, other = a * (whole - part) + b * part, c * (whole - part) + d * part
                    over[count], under[count], columns[count] = one, other, position
                    count += np.uint64(max(one, other) > most)  # the values in this column are between these two
            if gaps[at - 1] == first + width and row < height:
                at -= 1
            found = int(np.int64(count))
            for position in range(gap_rows[row], gap_rows[row + 1]):
                part = row_parts[position]
                for spot in range(-(-found // _VECTOR) * _VECTOR):
                    line[spot] = (over[spot] * (whole - part) + under[spot] * part) / (whole * whole)
                for spot in range(found):
                    values[reached] = line[spot]
                    positions[reached] = position * grid.size + columns[spot]
                    reached += np.uint64(line[spot] > bound)
            row += 1
        at += 1
        if reached > np.uint64(starts[pairs]):
            images[pairs] = numbers[image]
            pairs += 1
            starts[pairs] = reached
    return pairs, int(np.int64(reached))
