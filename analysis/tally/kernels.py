"""The one loop over a layer's maps: peaks, moments, histograms, and the upsampled values above the bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dissectory.analysis.tally.compiling import compiled, part_of_kernels

if TYPE_CHECKING:
    import numpy.typing as npt

    F32 = npt.NDArray[np.float32]
    F64 = npt.NDArray[np.float64]
    I32 = npt.NDArray[np.int32]
    I64 = npt.NDArray[np.int64]
    U16 = npt.NDArray[np.uint16]
    U32 = npt.NDArray[np.uint32]
    Bool = npt.NDArray[np.bool_]

MANTISSA_BITS = 5
SHIFT = 23 - MANTISSA_BITS
LOWEST = (127 - 30) << MANTISSA_BITS
"""Magnitudes below 2^-30 count as zero."""
SIDE = 64 << MANTISSA_BITS
"""Bins on each side of zero: 64 octaves, up to 2^34; what is larger counts into the last."""
BINS = 2 * SIDE

_LANES = 64
"""Sums run in this many lanes, whatever the processor: the compiler may keep them in vectors and add in this order."""
_CHUNK = 1024
"""Activations counted in one go: their bins stay in the processor's nearest cache."""
_TABLES = 4
"""Neighbours are often equal: counted in turn into several tables, none waits for the one before it."""


class Grid(NamedTuple):
    """Where the positions of a grid fall between the cells of a map; see `Upsampler.kernel`.

    `row_gaps` are the gaps between bordered rows that hold positions: gap k lies between the bordered rows
    `row_gaps[k]` and the next one, and holds the rows `row_begins[k]:row_begins[k + 1]` of the grid. Grid row r is
    `row_parts[r]` of `whole` parts of the way. Columns likewise.
    """

    size: int
    extend: bool
    whole: float
    row_gaps: I64
    row_begins: I64
    row_parts: F64
    column_gaps: I64
    column_begins: I64
    column_parts: F64


@compiled
def sweep(
    maps: F32, images: I32, first: int, last: int, grid: Grid, bounds: F32,
    top_peaks: F32, top_images: I32, top_cells: I32, counts: I64, sums: F64, lowest: F32, nonfinite: I64,
) -> Any:  # noqa: ANN401  # fmt: skip
    """Tally the units `first` to `last` of maps `(batch, unit, height, width)`.

    Returns how many entries each pair (unit, image) has, and the values and positions above the bounds.
    """
    batch, _, height, width = maps.shape
    bins, tables = np.empty(_CHUNK, dtype=np.uint16), np.zeros((_TABLES, BINS), dtype=np.uint32)
    lanes, clean = np.empty((2, _LANES)), np.empty(height * width, dtype=np.float32)
    hot_rows, hot = np.empty(height + 2, dtype=np.bool_), np.empty(width + 2, dtype=np.bool_)
    edges, blends = np.empty((2, width + 2), dtype=np.float32), np.empty((2, grid.size))
    columns = np.empty(grid.size, dtype=np.int64)
    sizes, entries = np.zeros((last - first, batch), dtype=np.int64), 0
    values, positions = np.empty(grid.size**2, dtype=np.float32), np.empty(grid.size**2, dtype=np.uint16)
    for unit in range(first, last):
        bound = bounds[unit]
        start = maps[0, unit, 0, 0]
        offset = np.float64(start if np.isfinite(start) else np.float32(0))
        lanes[:] = 0
        unit_low, unit_peak = np.float32(np.inf), np.float32(-np.inf)
        for image in range(batch):
            plane = maps[image, unit].reshape(height * width)
            low, peak = _extremes(plane)
            if not (np.isfinite(low) and np.isfinite(peak)):
                nonfinite[unit] += _clean(plane, clean)
                plane = clean
                low, peak = _extremes(plane)
            unit_low, unit_peak = min(unit_low, low), max(unit_peak, peak)
            _add(plane, offset, lanes)
            _count(plane, bins, tables)
            _rank(plane, peak, images[image], top_peaks[unit], top_images[unit], top_cells[unit])
            if peak > bound or (bound < 0 and not grid.extend):
                before = entries
                if entries + grid.size**2 > len(values):
                    values, positions = _larger(values), _larger(positions)
                entries = _upsample(
                    plane, height, width, grid, bound, hot_rows, hot, edges, blends, columns, values, positions, entries
                )
                sizes[unit - first, image] = entries - before
        sums[unit, 0], sums[unit, 1], sums[unit, 2] = offset, _sum(lanes[0]), _sum(lanes[1])
        sums[unit, 3] = unit_peak
        lowest[unit] = min(lowest[unit], unit_low)
        _collect(tables, counts[unit])
    return sizes, values[:entries].copy(), positions[:entries].copy()


@part_of_kernels
def _extremes(plane: F32) -> tuple[float, float]:
    """Lowest and highest activation; one of them is not finite where any activation is not.

    Compared are the bits, as whole numbers in the order of the floats: that the compiler does in vectors.
    """
    low, high = np.int32(2**31 - 1), np.int32(-(2**31))
    for bits in plane.view(np.int32):
        key = np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF))
        low, high = min(low, key), max(high, key)
    found = np.empty(2, dtype=np.int32)
    found[0], found[1] = low ^ ((low >> 31) & 0x7FFFFFFF), high ^ ((high >> 31) & 0x7FFFFFFF)
    floats = found.view(np.float32)
    return floats[0] + np.float32(0), floats[1] + np.float32(0)  # minus zero is zero


@part_of_kernels
def _clean(plane: F32, clean: F32) -> int:
    """Copy a map with 0 for what is not finite; returns how many were not."""
    strange = 0
    for cell in range(len(plane)):
        fine = np.isfinite(plane[cell])
        clean[cell] = plane[cell] if fine else np.float32(0)
        strange += not fine
    return strange


@part_of_kernels
def _add(plane: F32, offset: float, lanes: F64) -> None:
    """Add deviations from the offset to the first lanes, their squares to the others.

    The offset is an activation of the unit: where all are equal, they deviate by exactly 0.
    """
    sums, squares = lanes[0], lanes[1]
    for begin in range(0, len(plane), _LANES):
        part = plane[begin : begin + _LANES]
        for lane in range(len(part)):
            deviation = np.float64(part[lane]) - offset
            sums[lane] += deviation
            squares[lane] += deviation * deviation


@part_of_kernels
def _sum(lanes: F64) -> float:
    """Add one lane after the other."""
    total = 0.0
    for lane in lanes:
        total += lane
    return total


@part_of_kernels
def _count(plane: F32, bins: U16, tables: U32) -> None:
    """Count activations into bins of a histogram."""
    for begin in range(0, len(plane), _CHUNK):
        bits = plane[begin : begin + _CHUNK].view(np.int32)
        for cell in range(len(bits)):
            magnitude = ((bits[cell] & 0x7FFFFFFF) >> SHIFT) - LOWEST
            bins[cell] = SIDE + (min(max(magnitude, 0), SIDE - 1) ^ (bits[cell] >> 31))
        even = len(bits) - len(bits) % _TABLES
        for cell in range(0, even, _TABLES):
            for table in range(_TABLES):
                tables[table, bins[cell + table]] += np.uint32(1)
        for cell in range(even, len(bits)):
            tables[0, bins[cell]] += np.uint32(1)


@part_of_kernels
def _collect(tables: U32, counts: I64) -> None:
    """Add what was counted of one unit to its histogram, and empty the tables."""
    for place in range(BINS):
        for table in range(_TABLES):
            counts[place] += tables[table, place]
            tables[table, place] = 0
    counts[SIDE] += counts[SIDE - 1]  # minus zero and its like belong to zero
    counts[SIDE - 1] = 0


@part_of_kernels
def _rank(plane: F32, peak: float, image: int, peaks: F32, images: I32, cells: I32) -> None:
    """Put an image in its place among the top images, if it has one: higher peaks first, then lower numbers."""
    place = len(peaks)
    while place > 0 and (
        peak > peaks[place - 1] or (peak == peaks[place - 1] and np.uint32(image) < np.uint32(images[place - 1]))
    ):
        place -= 1
    if place == len(peaks):
        return
    for later in range(len(peaks) - 1, place, -1):
        peaks[later], images[later], cells[later] = peaks[later - 1], images[later - 1], cells[later - 1]
    cell = 0
    while plane[cell] != peak:
        cell += 1
    peaks[place], images[place], cells[place] = peak, image, cell


@part_of_kernels
def _upsample(
    plane: F32, height: int, width: int, grid: Grid, bound: float,
    hot_rows: Bool, hot: Bool, edges: F32, blends: F64, columns: I64, values: F32, positions: U16, entries: int,
) -> int:  # fmt: skip
    """Write the upsampled values above the bound, and their positions, from `entries` on; returns the new end.

    A value is a mean of its four neighbours, so only positions with a neighbour above the bound are looked at.
    """
    _find_hot_rows(plane, height, width, grid.extend, bound, hot_rows)
    upper, lower, over, under = edges[0], edges[1], blends[0], blends[1]
    for row_gap in range(len(grid.row_gaps)):
        gap = grid.row_gaps[row_gap]
        if not (hot_rows[gap] or hot_rows[gap + 1]):
            continue
        _bordered(plane, gap - 1, height, width, grid.extend, upper)
        _bordered(plane, gap, height, width, grid.extend, lower)
        for cell in range(width + 2):
            hot[cell] = (upper[cell] > bound) | (lower[cell] > bound)
        found = 0
        for column_gap in range(len(grid.column_gaps)):
            left = grid.column_gaps[column_gap]
            if hot[left] or hot[left + 1]:
                for column in range(grid.column_begins[column_gap], grid.column_begins[column_gap + 1]):
                    right = grid.column_parts[column]
                    over[found] = upper[left] * (grid.whole - right) + upper[left + 1] * right
                    under[found] = lower[left] * (grid.whole - right) + lower[left + 1] * right
                    columns[found] = column
                    found += 1
        for row in range(grid.row_begins[row_gap], grid.row_begins[row_gap + 1]):
            down = grid.row_parts[row]
            for place in range(found):
                value = (over[place] * (grid.whole - down) + under[place] * down) / grid.whole**2
                values[entries] = value
                positions[entries] = row * grid.size + columns[place]
                entries += values[entries] > bound
    return entries


@part_of_kernels
def _find_hot_rows(plane: F32, height: int, width: int, extend: bool, bound: float, hot_rows: Bool) -> None:
    """Mark the rows, with those of the border, that hold anything above the bound."""
    border = bound < 0 and not extend  # zeros stand at the sides of every row
    for row in range(height):
        found = border
        for value in plane[row * width : row * width + width]:
            found |= value > bound
        hot_rows[row + 1] = found
    hot_rows[0] = hot_rows[1] if extend else border
    hot_rows[height + 1] = hot_rows[height] if extend else border


@part_of_kernels
def _bordered(plane: F32, row: int, height: int, width: int, extend: bool, edge: F32) -> None:
    """Write one row of a map with a cell of border on each side; the rows -1 and `height` are border."""
    if extend:
        row = min(max(row, 0), height - 1)
    if row < 0 or row >= height:
        edge[:] = 0
        return
    for column in range(width):
        edge[column + 1] = plane[row * width + column]
    edge[0] = edge[1] if extend else np.float32(0)
    edge[width + 1] = edge[width] if extend else np.float32(0)


@part_of_kernels
def _larger(array: Any) -> Any:  # noqa: ANN401 - of any type
    """Make an array of twice the length."""
    twice = np.empty(2 * len(array), dtype=array.dtype)
    twice[: len(array)] = array
    return twice
