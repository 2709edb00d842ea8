"""Where units are active against where concepts are: integer counts, and the scores made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.tally.compiling import compiled, constant
from dissectory.analysis.tally.threads import in_blocks

if TYPE_CHECKING:
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
    intersection = np.zeros((kept.count, concepts + 1), dtype=np.int64)
    active = np.zeros(kept.count, dtype=np.int64)
    given = _as_given(kept, thresholds, labels, row_of)
    in_blocks(lambda first, last: _count(first, last, *given, intersection, active), kept.count, threads)
    return intersection[:, 1:], active


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
    marks = np.zeros((*images.shape, -(-positions // 8)), dtype=np.uint8)
    wanted = np.ascontiguousarray(images, dtype=np.int32)
    _light(*_entries(kept), np.ascontiguousarray(thresholds, dtype=np.float32), wanted, marks)
    return marks


def _entries(kept: Kept) -> tuple[Any, ...]:
    return kept.first, kept.images, kept.starts, kept.values, kept.positions


def _as_given(
    kept: Kept, thresholds: npt.NDArray[np.float32], labels: npt.NDArray[np.uint16], row_of: npt.NDArray[np.int32]
) -> tuple[Any, ...]:
    """The arguments of the kernels, in the one form for which they are compiled."""
    return (
        *_entries(kept),
        constant(thresholds, np.float32),
        constant(labels, np.uint16),
        constant(row_of, np.int32),
    )


@compiled
def _count(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, labels: _U16, row_of: _I32, intersection: _I64, active: _I64,
) -> None:  # fmt: skip
    planes = labels.shape[2]
    for unit in range(begin, end):
        threshold = thresholds[unit]
        for pair in range(first[unit], first[unit + 1]):
            row = row_of[images[pair]]
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                if values[entry] > threshold:
                    active[unit] += 1
                    for plane in range(planes):
                        intersection[unit, labels[row, positions[entry], plane]] += 1


@compiled
def _count_by_image(
    begin: int, end: int, first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, labels: _U16, row_of: _I32, concept: _I64, intersection: _I32, active: _I32,
) -> None:  # fmt: skip
    planes = labels.shape[2]
    for unit in range(begin, end):
        threshold, wanted = thresholds[unit], concept[unit]
        for pair in range(first[unit], first[unit + 1]):
            row = row_of[images[pair]]
            if row < 0:
                continue
            for entry in range(starts[pair], starts[pair + 1]):
                if values[entry] > threshold:
                    active[row, unit] += 1
                    if wanted > 0:
                        met = False
                        for plane in range(planes):
                            met |= labels[row, positions[entry], plane] == wanted
                        intersection[row, unit] += met


@compiled
def _light(
    first: _I64, images: _I32, starts: _I64, values: _F32, positions: _U16,
    thresholds: _F32, wanted: _I32, marks: _U8,
) -> None:  # fmt: skip
    for unit in range(len(first) - 1):
        for pair in range(first[unit], first[unit + 1]):
            for place in range(wanted.shape[1]):
                if wanted[unit, place] == images[pair]:
                    for entry in range(starts[pair], starts[pair + 1]):
                        if values[entry] > thresholds[unit]:
                            marks[unit, place, positions[entry] >> 3] |= 128 >> (positions[entry] & 7)
