"""The images with the highest peak activation of each unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

NO_IMAGE = -1


class TopImages:
    """For every unit of a layer, the `count` images with the highest peak; equal peaks are in the order of images.

    `peaks`, `images` and `cells` are `(unit, count)`, highest first; `images` is -1 if there are fewer images. `cells`
    are the peak's positions in the layer's map, numbered row by row (the first one, if the peak occurs more than once).
    """

    def __init__(self, units: int, count: int) -> None:
        self.peaks = np.full((units, count), -np.inf, dtype=np.float32)
        self.images = np.full((units, count), NO_IMAGE, dtype=np.int32)
        self.cells = np.zeros((units, count), dtype=np.int32)

    def observe(
        self, images: Sequence[int], peaks: npt.NDArray[np.float32], cells: npt.NDArray[np.integer[Any]]
    ) -> None:
        """Add the peaks `(batch, unit)` of some images, and the cells at which they occur."""
        numbers = np.broadcast_to(np.asarray(images, dtype=np.int32), peaks.T.shape)
        self._merge(peaks.T, numbers, cells.T.astype(np.int32))

    def _merge(
        self, peaks: npt.NDArray[np.float32], images: npt.NDArray[np.int32], cells: npt.NDArray[np.int32]
    ) -> None:
        count = self.peaks.shape[1]
        peaks = np.concatenate([self.peaks, peaks], axis=1)
        images = np.concatenate([self.images, images], axis=1)
        cells = np.concatenate([self.cells, cells], axis=1)
        # Missing images are sorted last: as an unsigned number, -1 is higher than any image number.
        order = np.lexsort((images.astype(np.uint32), -peaks), axis=1)[:, :count]
        self.peaks = np.take_along_axis(peaks, order, axis=1)
        self.images = np.take_along_axis(images, order, axis=1)
        self.cells = np.take_along_axis(cells, order, axis=1)

    def __add__(self, other: TopImages) -> TopImages:
        """Merge the top images of two sets of images."""
        total = TopImages(*self.peaks.shape)
        total._merge(self.peaks, self.images, self.cells)
        total._merge(other.peaks, other.images, other.cells)
        return total
