"""Where units are active against where concepts are: integer counts, and the scores made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.tally.tail import Active


class LabelMaps:
    """The labels of all images on the grid, as concept numbers `(image, grid * grid, plane)`; 0 is no concept."""

    def __init__(self, images: int, positions: int, planes: int, concepts: int) -> None:
        self.labels = np.zeros((images, positions, planes), dtype=np.uint16)
        self.concepts = concepts
        self.areas = np.zeros((images, concepts), dtype=np.int32)

    def put(self, image: int, planes: npt.NDArray[np.uint16]) -> None:
        """Set the labels `(plane, grid, grid)` of one image."""
        self.labels[image] = planes.reshape(len(planes), -1).T
        self.areas[image] = np.bincount(planes.ravel(), minlength=self.concepts + 1)[1:]

    @property
    def pixels(self) -> npt.NDArray[np.int64]:
        """Positions that carry each concept, over all images `(concept,)`."""
        total: npt.NDArray[np.int64] = self.areas.sum(axis=0, dtype=np.int64)
        return total

    @property
    def images(self) -> npt.NDArray[np.int64]:
        """Images in which each concept occurs `(concept,)`."""
        count: npt.NDArray[np.int64] = (self.areas > 0).sum(axis=0, dtype=np.int64)
        return count

    def overlap(self, active: Active) -> npt.NDArray[np.int64]:
        """Count the active positions that carry each concept `(concept,)`."""
        labels = self.labels[active.images, active.positions]
        return np.bincount(labels.ravel(), minlength=self.concepts + 1)[1:]


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
