"""The overlap of active units and concepts: integer counts, and the scores computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.tally.compiling import compiled, constant
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.tally.kept import Kept

    _F32 = npt.NDArray[np.float32]
    _I32 = npt.NDArray[np.int32]
    _I64 = npt.NDArray[np.int64]
    _U8 = npt.NDArray[np.uint8]
    _U16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Counts of one layer: `intersection` `(unit, concept)`, `active` `(unit,)`, `pixels` `(concept,)`."""

    intersection: npt.NDArray[np.int64]
    active: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.int64]

    @property
    def union(self) -> npt.NDArray[np.int64]:
        """Positions that are active or have the concept `(unit, concept)`."""
        return self.active[:, None] + self.pixels - self.intersection

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """Intersection over union `(unit, concept)`: a ratio of sums over all images; 0 if the union is empty.

        Bau et al. 2017, 'Network dissection'; Bau et al. 2020.
        """
        return self.intersection / np.maximum(self.union, 1)

    @property
    def best(self) -> npt.NDArray[np.intp]:
        """The concept with the highest IoU for each unit `(unit,)`, the first of equal ones; -1 if none overlaps."""
        if self.intersection.shape[1] == 0:
            return np.full(len(self.active), -1, dtype=np.intp)
        best = self.iou.argmax(axis=1)
        return np.where(self.intersection.any(axis=1), best, -1)

    def __add__(self, other: Overlaps) -> Overlaps:
        """Add the counts of other images at the same thresholds."""
        return Overlaps(self.intersection + other.intersection, self.active + other.active, self.pixels + other.pixels)


def distinct(labels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Remove repeated concepts at a position of labels `(..., plane)`: only the first plane keeps the concept."""
    labels = labels.copy()
    for plane in range(1, labels.shape[-1]):
        earlier = labels[..., :plane] == labels[..., plane, None]
        labels[..., plane][earlier.any(axis=-1)] = 0
    return labels


def count(
    kept: Kept,
    thresholds: npt.NDArray[np.float32],
    labels: npt.NDArray[np.uint16],
    row_of: npt.NDArray[np.int32],
    concepts: int,
    threads: int = 1,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count where units are active, and which concepts are there.

    Args:
        kept: activations of units whose bounds are not above their thresholds.
        thresholds: `(unit,)`; an activation above its threshold is active.
        labels: concept numbers `(row, position, plane)`, 0 for none, each at most once at a position (see `distinct`).
        row_of: for each image number, the row of labels that the image is compared with; -1 skips the image.
        concepts: the number of concepts, which are numbered from 1.
        threads: the number of threads, which share the units.

    Returns:
        `intersection` `(unit, concept)` and `active` `(unit,)`.
    """
    check_labels(labels, concepts)
    intersection = np.zeros((kept.count, concepts + 1), dtype=np.int64)
    active = np.zeros(kept.count, dtype=np.int64)
    given = _as_given(kept, thresholds, labels, row_of)
    in_blocks(lambda first, last: _count(first, last, *given, intersection, active), kept.count, threads)
    return intersection[:, 1:], active


def count_paired(
    kept: Kept,
    images: npt.NDArray[np.int32],
    labels: npt.NDArray[np.uint16],
    moves: Sequence[int],
    concepts: int,
    threads: int = 1,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count as `count` does, but compare images with the label maps of other images, in several pairings at once.

    Args:
        kept: only active positions.
        images: numbers of the compared images `(row,)`.
        labels: as for `count`, one row for each of these images.
        moves: for each pairing, by how many rows the label map is ahead of the image, cyclically.
        concepts: the number of concepts, which are numbered from 1.
        threads: the number of threads, which share the units.

    Returns:
        `intersection` `(move, unit, concept)` and `active` `(unit,)`.
    """
    check_labels(labels, concepts)
    check_positions(kept, labels.shape[1])
    row_of = rows_of(kept, images)
    intersection = np.zeros((kept.count, len(moves), concepts + 1), dtype=np.int32)
    active = np.zeros(kept.count, dtype=np.int64)
    given = (
        kept.first, kept.images, kept.starts, kept.positions, constant(labels, np.uint16), constant(row_of, np.int32),
        constant(np.asarray(moves, dtype=np.int64) % max(1, len(images)), np.int64),
    )  # fmt: skip
    in_blocks(lambda first, last: _count_paired(first, last, *given, intersection, active), kept.count, threads)
    return intersection[:, :, 1:].swapaxes(0, 1).astype(np.int64), active


def count_by_image(
    kept: Kept,
    thresholds: npt.NDArray[np.float32],
    concept: npt.NDArray[np.integer[Any]],
    labels: npt.NDArray[np.uint16],
    row_of: npt.NDArray[np.int32],
    threads: int = 1,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Count in every image where each unit is active, and where one concept of that unit is among these positions.

    Arguments as for `count`; `concept` `(unit,)` counts from 0, like a column of `Overlaps`, and is -1 for none.

    Returns:
        `intersection` and `active` `(row, unit)`.
    """
    intersection = np.zeros((len(labels), kept.count), dtype=np.int32)
    active = np.zeros((len(labels), kept.count), dtype=np.int32)
    given = _as_given(kept, thresholds, labels, row_of)
    wanted = np.asarray(concept, dtype=np.int64) + 1
    in_blocks(
        lambda first, last: _count_by_image(first, last, *given, wanted, intersection, active), kept.count, threads
    )
    return intersection, active


def lit(
    kept: Kept, thresholds: npt.NDArray[np.float32], images: npt.NDArray[np.int32], positions: int
) -> npt.NDArray[np.uint8]:
    """Mark where units are active in images that differ by unit `(unit, image)`: packed bits `(unit, image, byte)`.

    Positions that are not in `kept` are not marked, so the marks of several parts are combined by "or".
    """
    check_positions(kept, positions)
    marks = np.zeros((*images.shape, -(-positions // 8)), dtype=np.uint8)
    _light(*_entries(kept), constant(thresholds, np.float32), constant(images, np.int32), marks)
    return marks


def _entries(kept: Kept) -> tuple[npt.NDArray[Any], ...]:
    return kept.first, kept.images, kept.starts, kept.values, kept.positions


def _as_given(
    kept: Kept, thresholds: npt.NDArray[np.float32], labels: npt.NDArray[np.uint16], row_of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[Any], ...]:
    """Return the arguments of the kernels, in the one form for which they are compiled."""
    check_rows(kept, labels, row_of)
    return (
        *_entries(kept),
        constant(thresholds, np.float32),
        constant(labels, np.uint16),
        constant(row_of, np.int32),
    )


def rows_of(kept: Kept, images: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return the row of each image number, for images in this order; -1 for images that are not among them."""
    row_of = np.full(max(kept.images.max(initial=-1), images.max(initial=-1)) + 1, -1, dtype=np.int32)
    row_of[images] = np.arange(len(images))
    return row_of


def check_labels(labels: npt.NDArray[np.uint16], concepts: int) -> None:
    """Refuse concept numbers that would be counted outside of an array."""
    if labels.max(initial=0) > concepts:
        raise ValueError(f"labels contain the concept {labels.max()}, but there are {concepts}")


def check_rows(kept: Kept, labels: npt.NDArray[np.uint16], row_of: npt.NDArray[np.int32]) -> None:
    """Refuse positions, images and rows that are outside of an array."""
    check_positions(kept, labels.shape[1])
    if kept.images.max(initial=-1) >= len(row_of) or row_of.max(initial=-1) >= len(labels):
        raise ValueError(f"images up to {kept.images.max()}, but {len(row_of)} rows and {len(labels)} label maps")


def check_positions(kept: Kept, positions: int) -> None:
    """Refuse positions that are outside of the grid."""
    if kept.positions.max(initial=0) >= positions:
        raise ValueError(f"position {kept.positions.max()} is outside the grid of {positions} positions")


@compiled
def _count(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, labels: _U16, row_of: _I32, intersection: _I64, active: _I64,
) -> None:  # fmt: skip
    """Count for the units `begin` to `end`; see `count`."""
    planes, concepts = labels.shape[2], intersection.shape[1]
    # Neighbors often have the same concept: with two tables in turn, a count need not wait for the previous one.
    tables = np.zeros((planes, 2, concepts), dtype=np.int64)
    active_positions = np.empty(labels.shape[1] + 1, dtype=np.int64)
    for unit in range(begin, end):
        for pair in range(first[unit], first[unit + 1]):
            row, found = row_of[images[pair]], 0
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                active_positions[found] = positions[entry]
                found += int(values[entry] > thresholds[unit])
            active[unit] += found
            for plane in range(planes):
                for place in range(found):
                    tables[plane, place & 1, labels[row, active_positions[place], plane]] += 1
        for plane in range(planes):
            for concept in range(concepts):
                intersection[unit, concept] += tables[plane, 0, concept] + tables[plane, 1, concept]
                tables[plane, 0, concept] = tables[plane, 1, concept] = 0


@compiled
def _count_paired(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, positions: _U16,
    labels: _U16, row_of: _I32, moves: _I64, intersection: _I32, active: _I64,
) -> None:  # fmt: skip
    """Count for the units `begin` to `end`; see `count_paired`. Each label map is read once for all pairings."""
    rows, _, planes = labels.shape
    pair_of = np.full(rows, -1, dtype=np.int64)
    for unit in range(begin, end):
        pair_of[:] = -1
        for pair in range(first[unit], first[unit + 1]):
            row = row_of[images[pair]]
            if row >= 0:
                pair_of[row] = pair
                active[unit] += starts[pair + 1] - starts[pair]
        for row in range(rows):
            label_map = labels[row]
            for move in range(len(moves)):
                pair = pair_of[row - moves[move] + (rows if row < moves[move] else 0)]
                if pair < 0:
                    continue
                counts = intersection[unit, move]
                for entry in range(starts[pair], starts[pair + 1]):
                    for plane in range(planes):
                        counts[label_map[positions[entry], plane]] += 1


@compiled
def _count_by_image(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, labels: _U16, row_of: _I32, wanted: _I64, intersection: _I32, active: _I32,
) -> None:  # fmt: skip
    """Count for the units `begin` to `end`, with the concept `wanted` of each unit; see `count_by_image`."""
    for unit in range(begin, end):
        for pair in range(first[unit], first[unit + 1]):
            row, found, met = row_of[images[pair]], 0, 0
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                is_active, carries = values[entry] > thresholds[unit], False
                for plane in range(labels.shape[2]):
                    carries |= labels[row, positions[entry], plane] == wanted[unit]
                found += int(is_active)
                met += int(is_active & carries)
            active[row, unit] += found
            intersection[row, unit] += met if wanted[unit] > 0 else 0


@compiled
def _light(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, wanted: _I32, marks: _U8,
) -> None:  # fmt: skip
    """Mark the active positions of each unit in the images that are wanted for it; see `lit`."""
    for unit in range(len(first) - 1):
        for pair in range(first[unit], first[unit + 1]):
            for place in range(wanted.shape[1]):
                if wanted[unit, place] == images[pair]:
                    for entry in range(starts[pair], starts[pair + 1]):
                        if values[entry] > thresholds[unit]:
                            marks[unit, place, positions[entry] >> 3] |= 128 >> (positions[entry] & 7)
