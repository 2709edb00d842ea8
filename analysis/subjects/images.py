"""A folder of images, and batches of views decoded from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """Some images as the network sees them.

    `images` are their numbers in the folder's order `(batch,)`; `paths` are relative to the image folder, with
    forward slashes; `views` are RGB `(batch, size, size, 3)`, 0..255; `sizes` are width and height of each file's
    own picture before resize and crop.
    """

    images: tuple[int, ...]
    paths: tuple[str, ...]
    views: npt.NDArray[np.uint8]
    sizes: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.images)
