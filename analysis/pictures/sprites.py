"""Sprites: many thumbnails in one file, and a second file that highlights regions when laid over it.

A region is drawn from the counted grid positions themselves: the reader sees exactly what was counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.run import Pictures, Run

QUALITY = 75
"""WebP quality of the thumbnails: 20 kB for nine tiles; a higher quality looks the same at this size."""

_SHADE = (0, 0, 0, 176)
_OUTLINE = (255, 214, 64, 255)


class Thumbnails(Protocol):
    """Thumbnails `(tile, tile, 3)` of images, by image number."""

    def __getitem__(self, image: int) -> npt.NDArray[np.uint8]:
        """Return the thumbnail of an image."""
        ...


def thumbnail(view: npt.NDArray[np.uint8], tile: int) -> npt.NDArray[np.uint8]:
    """Shrink a view `(size, size, 3)` to a tile `(tile, tile, 3)`."""
    return np.asarray(Image.fromarray(view).resize((tile, tile), Image.Resampling.LANCZOS))


@dataclass(frozen=True, slots=True)
class Sprite:
    """The content of one sprite: images in order, and the highlighted positions of each on a `grid` x `grid` grid.

    `packed` `(tiles, bytes)` holds these positions as bits, because a run keeps thousands of sprites in memory.
    """

    path: str
    images: Sequence[int]
    packed: npt.NDArray[np.uint8]
    grid: int
    tiles: int

    @property
    def highlighted(self) -> npt.NDArray[np.bool_]:
        """The highlighted positions `(tiles, grid, grid)`."""
        bits = np.unpackbits(self.packed, axis=1, count=self.grid**2)
        return bits.astype(np.bool_).reshape(-1, self.grid, self.grid)


def write_sprite(run: Run, sprite: Sprite, thumbnails: Thumbnails, layout: Pictures) -> None:
    """Write a sprite and its mask into a run.

    Raises:
        RunError: if the run's folder cannot be written.
    """
    photographs = _sheet([thumbnails[image] for image in sprite.images], sprite.tiles, layout, channels=3)
    masks = _sheet(
        [_shade(highlighted, layout.tile) for highlighted in sprite.highlighted], sprite.tiles, layout, channels=4
    )
    with run.replacing(run.folder / sprite.path) as path:
        # Higher methods take twice the time and save less than 3 % of the bytes.
        Image.fromarray(photographs).save(path, "WEBP", quality=QUALITY, method=2)
    with run.replacing(run.folder / layout.mask(sprite.path)) as path:
        Image.fromarray(masks).save(path, "WEBP", lossless=True, quality=20, method=1)


def _sheet(
    pictures: Sequence[npt.NDArray[np.uint8]], tiles: int, layout: Pictures, channels: int
) -> npt.NDArray[np.uint8]:
    """Place tiles row by row; a tile without an image stays black (and transparent)."""
    columns, tile = min(layout.columns, tiles), layout.tile
    sheet = np.zeros((-(-tiles // columns) * tile, columns * tile, channels), dtype=np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * tile, place % columns * tile
        sheet[top : top + tile, left : left + tile] = picture
    return sheet


def _shade(highlighted: npt.NDArray[np.bool_], tile: int) -> npt.NDArray[np.uint8]:
    """Draw a mask `(tile, tile, 4)`: transparent where highlighted, dark elsewhere, with a thin line between."""
    cells = (2 * np.arange(tile) + 1) * len(highlighted) // (2 * tile)  # the grid position under each pixel's center
    inside = highlighted[np.ix_(cells, cells)]
    mask = np.zeros((tile, tile, 4), dtype=np.uint8)
    mask[~inside] = _SHADE
    mask[_dilated(inside) & ~inside] = _OUTLINE
    return mask


def _dilated(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    grown = inside.copy()
    grown[1:] |= inside[:-1]
    grown[:-1] |= inside[1:]
    grown[:, 1:] |= inside[:, :-1]
    grown[:, :-1] |= inside[:, 1:]
    return grown
