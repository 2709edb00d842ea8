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
    from collections.abc import Iterable, Sequence

    from dissectory.analysis.run import Pictures, Run

QUALITY = 75
"""WebP quality of the thumbnails: 20 kB for nine tiles; a higher quality looks the same at this size."""

_INKS = np.array([(0, 0, 0, 0), (0, 0, 0, 176), (255, 214, 64, 255)], dtype=np.uint8)
"""The colors of a mask: clear, dark, and the line between."""


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
    shades = _sheet(_shades(sprite.highlighted, layout.tile), sprite.tiles, layout, channels=1)
    with run.replacing(run.folder / sprite.path) as path:
        # Higher methods take twice the time and save less than 3 % of the bytes.
        Image.fromarray(photographs).save(path, "WEBP", quality=QUALITY, method=2)
    with run.replacing(run.folder / layout.mask(sprite.path)) as path:
        # Method 1 takes 2.5 times the time and saves a fifth of the bytes.
        Image.fromarray(_inked(shades[..., 0])).save(path, "WEBP", lossless=True, quality=0, method=0)


def _sheet(
    pictures: Iterable[npt.NDArray[np.uint8]], tiles: int, layout: Pictures, channels: int
) -> npt.NDArray[np.uint8]:
    """Place tiles `(tile, tile, channel)` row by row; a tile without an image stays 0."""
    columns, tile = min(layout.columns, tiles), layout.tile
    sheet = np.zeros((-(-tiles // columns) * tile, columns * tile, channels), dtype=np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * tile, place % columns * tile
        sheet[top : top + tile, left : left + tile] = picture
    return sheet


def _shades(highlighted: npt.NDArray[np.bool_], tile: int) -> npt.NDArray[np.uint8]:
    """Return the shades of masks `(image, tile, tile, 1)`, as indices of `_INKS`.

    Highlighted positions `(image, grid, grid)` are clear, the others are dark, and between them is a thin line.
    """
    grid = highlighted.shape[1]
    cells = (2 * np.arange(tile) + 1) * grid // (2 * tile)  # the grid position under each pixel's center
    inside = highlighted.take(cells, axis=1).take(cells, axis=2)
    outside = ~inside
    # As integers: 0 inside, 1 outside, and 2 outside at the edge. All masks at once take a tenth of the time of each.
    shades: npt.NDArray[np.uint8] = (outside.view(np.uint8) + (_dilated(inside) & outside))[..., None]
    return shades


def _dilated(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    grown = inside.copy()
    grown[:, 1:] |= inside[:, :-1]
    grown[:, :-1] |= inside[:, 1:]
    grown[:, :, 1:] |= inside[:, :, :-1]
    grown[:, :, :-1] |= inside[:, :, 1:]
    return grown


def _inked(shades: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the colors `(height, width, 4)` of shades `(height, width)`."""
    words = _INKS.view(np.uint32)[:, 0].take(shades)  # a pixel is one number of 32 bits: quicker than four of 8 bits
    return words.view(np.uint8).reshape(*shades.shape, 4)
