"""Where units are active against where concepts are: integer counts, and the scores made of them."""

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
        """Positions that are active or carry the concept `(unit, concept)`."""
        return self.active[:, None] + self.pixels - self.intersection

    @property
    def iou(self) -> npt.NDArray[np.float64]:
        """Intersection over union `(unit, concept)`: a ratio of sums over all images; 0 where nothing meets.

        Bau et al. 2020, 'Network dissection'.
        """
        return self.intersection / np.maximum(self.union, 1)

    @property
    def best(self) -> npt.NDArray[np.intp]:
        """The concept with the highest IoU of each unit `(unit,)`, the first of equals; -1 where none is touched."""
        if self.intersection.shape[1] == 0:
            return np.full(len(self.active), -1, dtype=np.intp)
        best = self.iou.argmax(axis=1)
        return np.where(self.intersection.any(axis=1), best, -1)

    def __add__(self, other: Overlaps) -> Overlaps:
        """Add the counts of other images at the same thresholds."""
        return Overlaps(self.intersection + other.intersection, self.active + other.active, self.pixels + other.pixels)


def distinct(labels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Let no concept stand twice at a position of labels `(..., plane)`: the first plane that says it keeps it."""
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
    """Count where units are active, and which concepts they meet there.

    Args:
        kept: of units whose bounds are not above their thresholds.
        thresholds: `(unit,)`; active is what is greater.
        labels: concept numbers `(row, position, plane)`, 0 for none, none twice at a position (see `distinct`).
        row_of: the row of labels that an image is compared with `(image number,)`; -1 leaves the image out.
        concepts: how many there are, numbered from 1.
        threads: units are shared out to them.

    Returns:
        `intersection` `(unit, concept)` and `active` `(unit,)`.
    """
    if labels.max(initial=0) > concepts:
        raise ValueError(f"labels name the concept {labels.max()} of {concepts}")
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
    """Count as `count` does, but compare images with the label maps of other images, in several ways at once.

    Args:
        kept: active positions alone.
        images: numbers of the images that are compared `(row,)`.
        labels: those of `count`, of these images.
        moves: how many rows on the label map is, from the last row on to the first; one for each way.
        concepts: how many there are, numbered from 1.
        threads: units are shared out to them.

    Returns:
        `intersection` `(move, unit, concept)` and `active` `(unit,)`.
    """
    if labels.max(initial=0) > concepts:
        raise ValueError(f"labels name the concept {labels.max()} of {concepts}")
    _check(kept, labels.shape[1])
    row_of = np.full(max(kept.images.max(initial=-1), images.max(initial=-1)) + 1, -1, dtype=np.int32)
    row_of[images] = np.arange(len(images))
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
    """Count in every image where units are active, and where one concept of each unit is met.

    Args as those of `count`; `concept` `(unit,)` counts from 0, as a column of `Overlaps`, and is -1 for none.

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
    """Mark where units are active in some images of their own `(unit, image)`: packed bits `(unit, image, byte)`.

    What is not in `kept` stays dark: the marks of several parts are to be combined by "or".
    """
    _check(kept, positions)
    marks = np.zeros((*images.shape, -(-positions // 8)), dtype=np.uint8)
    _light(*_entries(kept), constant(thresholds, np.float32), constant(images, np.int32), marks)
    return marks


def _entries(kept: Kept) -> tuple[npt.NDArray[Any], ...]:
    return kept.first, kept.images, kept.starts, kept.values, kept.positions


def _as_given(
    kept: Kept, thresholds: npt.NDArray[np.float32], labels: npt.NDArray[np.uint16], row_of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[Any], ...]:
    """The arguments of the kernels, in the one form for which they are compiled."""
    _check(kept, labels.shape[1])
    if kept.images.max(initial=-1) >= len(row_of) or row_of.max(initial=-1) >= len(labels):
        raise ValueError(f"images up to {kept.images.max()}, rows of {len(row_of)}, labels of {len(labels)}")
    return (
        *_entries(kept),
        constant(thresholds, np.float32),
        constant(labels, np.uint16),
        constant(row_of, np.int32),
    )


def _check(kept: Kept, positions: int) -> None:
    """Refuse what kernels would look for outside of an array."""
    if kept.positions.max(initial=0) >= positions:
        raise ValueError(f"position {kept.positions.max()} in a grid of {positions}")


@compiled
def _count(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, labels: _U16, row_of: _I32, intersection: _I64, active: _I64,
) -> None:  # fmt: skip
    """Count for the units `begin` to `end`; see `count`."""
    planes, concepts = labels.shape[2], intersection.shape[1]
    # Neighbors often carry the same concept: counted in turn into two tables, neither waits for the one before it.
    tables = np.zeros((planes, 2, concepts), dtype=np.int64)
    lit_positions = np.empty(labels.shape[1] + 1, dtype=np.int64)
    for unit in range(begin, end):
        for pair in range(first[unit], first[unit + 1]):
            row, found = row_of[images[pair]], 0
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                lit_positions[found] = positions[entry]
                found += int(values[entry] > thresholds[unit])
            active[unit] += found
            for plane in range(planes):
                for place in range(found):
                    tables[plane, place & 1, labels[row, lit_positions[place], plane]] += 1
        for plane in range(planes):
            for concept in range(concepts):
                intersection[unit, concept] += tables[plane, 0, concept] + tables[plane, 1, concept]
                tables[plane, 0, concept] = tables[plane, 1, concept] = 0


@compiled
def _count_paired(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, positions: _U16,
    labels: _U16, row_of: _I32, moves: _I64, intersection: _I32, active: _I64,
) -> None:  # fmt: skip
    """Count for the units `begin` to `end`; see `count_paired`. A label map is read once for all moves."""
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
    """Count for the units `begin` to `end`, of which one concept each is wanted; see `count_by_image`."""
    for unit in range(begin, end):
        for pair in range(first[unit], first[unit + 1]):
            row, found, met = row_of[images[pair]], 0, 0
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                is_lit, carries = values[entry] > thresholds[unit], False
                for plane in range(labels.shape[2]):
                    carries |= labels[row, positions[entry], plane] == wanted[unit]
                found += int(is_lit)
                met += int(is_lit & carries)
            active[row, unit] += found
            intersection[row, unit] += met if wanted[unit] > 0 else 0


@compiled
def _light(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, wanted: _I32, marks: _U8,
) -> None:  # fmt: skip
    """Mark the active positions of the images that are wanted of each unit; see `lit`."""
    for unit in range(len(first) - 1):
        for pair in range(first[unit], first[unit + 1]):
            for place in range(wanted.shape[1]):
                if wanted[unit, place] == images[pair]:
                    for entry in range(starts[pair], starts[pair + 1]):
                        if values[entry] > thresholds[unit]:
                            marks[unit, place, positions[entry] >> 3] |= 128 >> (positions[entry] & 7)
