"""The label maps of all images on disk, and the area of each concept in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.run import Skipped
from dissectory.analysis.tally.peaks import TopImages

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.resuming.shards import Shard, Shards

EXAMPLES = 15
"""Number of example images of each concept."""
COVERED = 0.05
"""An image shows a concept if the concept covers more than this share of its area (Bau et al. 2020)."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The label maps of some images, one image a row.

    `images` `(row,)` are the images' numbers, `labels` is `(row, position, plane)`, and `areas` `(row, concept)` counts
    the grid positions that carry each concept.
    """

    images: npt.NDArray[np.int32]
    labels: npt.NDArray[np.uint16]
    areas: npt.NDArray[np.int32]

    def row_of(self, files: int) -> npt.NDArray[np.int32]:
        """Return the row of each of `files` images `(image,)`; -1 for images without a row."""
        rows = np.full(files, -1, dtype=np.int32)
        rows[self.images] = np.arange(len(self.images))
        return rows


class LabelMaps:
    """The label maps of `files` images, and the sizes of the images.

    `sizes` `(image, 2)` holds width and height in pixels, 0 if the file could not be decoded. `pixels` `(concept,)`
    counts the grid positions that carry each concept, over all images; `images` `(concept,)` counts the images in which
    it occurs; `examples` are the images with its largest areas. `skipped` lists the files that could not be decoded.
    """

    def __init__(self, shards: Shards, files: int, concepts: int) -> None:
        self._shards = shards
        self._place = np.full((files, 2), -1, dtype=np.int32)
        self.sizes = np.zeros((files, 2), dtype=np.int32)
        self.pixels = np.zeros(concepts, dtype=np.int64)
        self.images = np.zeros(concepts, dtype=np.int64)
        self.examples = TopImages(concepts, EXAMPLES)
        skipped: dict[int, Skipped] = {}
        for number, shard in enumerate(shards):
            images, areas = shard.read("images"), shard.read("areas")
            self._place[images, 0], self._place[images, 1] = number, np.arange(len(images))
            self.sizes[images] = shard.read("sizes")
            self.pixels += areas.sum(axis=0, dtype=np.int64)
            self.images += (areas > 0).sum(axis=0)
            self.examples.observe(images.tolist(), areas.astype(np.float32), np.zeros_like(areas))
            skipped |= {image: Skipped(path, reason) for image, path, reason in shard.note["skipped"]}
        self.skipped = tuple(skipped[image] for image in sorted(skipped))

    @property
    def readable(self) -> npt.NDArray[np.intp]:
        """The numbers of the images that could be decoded, ascending."""
        return np.flatnonzero(self.sizes[:, 0])

    @property
    def areas(self) -> npt.NDArray[np.int32]:
        """Grid positions that carry each concept `(image, concept)`; 0 for images that could not be decoded."""
        areas = np.zeros((len(self.sizes), len(self.pixels)), dtype=np.int32)
        for shard in self._shards:
            areas[shard.read("images")] = shard.read("areas")
        return areas

    def between(self, first: int, last: int) -> Rows:
        """Read the label maps of the batches `first` to `last - 1`, and of other batches in the same shards."""
        found = [shard for shard in self._shards if shard.first < last and shard.last > first]
        return Rows(*(_joined(found, name) for name in ("images", "labels", "areas")))

    @property
    def stretches(self) -> list[tuple[int, int]]:
        """The range of batches in each shard, as `(first, last)` without `last`: each is read in one go."""
        return [(shard.first, shard.last) for shard in self._shards]

    def beginning(self, images: int) -> tuple[Rows, int]:
        """Read the first `images` images that were visited, or all if there are fewer.

        Returns:
            Their label maps, and the number of batches that contain them.
        """
        batches = there = 0
        for shard in self._shards:
            if there >= images:
                break
            batches, there = shard.last, there + len(shard.read("images"))
        rows = self.between(0, batches)
        return Rows(rows.images[:images], rows.labels[:images], rows.areas[:images]), batches

    def of(self, image: int) -> npt.NDArray[np.uint16]:
        """Read the label map of one image `(position, plane)`."""
        number, row = self._place[image]
        shard: Shard = list(self._shards)[number]
        labels: npt.NDArray[np.uint16] = shard.read("labels", row, row + 1)[0]
        return labels

    def examples_of(self, concept: int) -> list[tuple[int, int]]:
        """List the images with the largest areas of a concept, and these areas in grid positions.

        The largest area comes first; images with equal areas are in the order of their numbers.
        """
        pairs = zip(self.examples.images[concept].tolist(), self.examples.peaks[concept].tolist(), strict=True)
        return [(image, int(area)) for image, area in pairs if area > 0]


def _joined(shards: list[Shard], name: str) -> npt.NDArray[Any]:
    parts = [shard.read(name) for shard in shards]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
