"""Which pixel of an image is where in the network's view; no other module knows about resizing and cropping.

A view is the square image that the network sees. Label maps are never resized: the centers of the grid positions are
mapped back to pixels of the image, so labels are never blended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

Fit = Literal["crop", "stretch"]
Interpolation = Literal["bilinear", "bicubic", "nearest"]

_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}

_LONGEST = 64
"""If the resized image were more than this many times longer than wide, only its middle is computed: resizing all of a
strip that is one pixel wide would take gigabytes."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Resize an image, then crop its center.

    With `fit="crop"` the short side becomes `resize` pixels and the aspect ratio is kept; with `fit="stretch"` both
    sides become `resize`. The view is the central `size` x `size` pixels. `resize` is at least `size`.
    """

    size: int = 224
    resize: int = 256
    fit: Fit = "crop"
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if self.resize < self.size:
            raise ValueError(f"resize ({self.resize}) must not be smaller than size ({self.size})")

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Return width and height after the resize and before the crop, rounded as torchvision's `Resize` does.

        Both are at least `resize`.
        """
        if self.fit == "stretch":
            return self.resize, self.resize
        if width <= height:
            return self.resize, int(self.resize * height / width)
        return int(self.resize * width / height), self.resize

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Return left and top of the crop in the resized image, rounded as torchvision's `CenterCrop` does."""
        return round((width - self.size) / 2.0), round((height - self.size) / 2.0)

    def view(self, picture: Image.Image) -> Image.Image:
        """Return the view of an image: RGB, `size` x `size`."""
        resized = self.resized(*picture.size)
        left, top = self.corner(*resized)
        picture = picture.convert("RGB")
        if max(resized) > _LONGEST * self.resize:
            return self._middle(picture, resized)
        scaled = picture.resize(resized, _RESAMPLING[self.interpolation])
        return scaled.crop((left, top, left + self.size, top + self.size))

    def _middle(self, picture: Image.Image, resized: tuple[int, int]) -> Image.Image:
        """Resize only the part under the crop; the result equals the full resize, except for rounding."""
        left, top = self.corner(*resized)
        across, down = picture.width / resized[0], picture.height / resized[1]
        box = (left * across, top * down, (left + self.size) * across, (top + self.size) * down)
        return picture.resize((self.size, self.size), _RESAMPLING[self.interpolation], box)

    def points(self, width: int, height: int, grid: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Find the pixels of an image under the centers of a `grid` x `grid` lattice over its view.

        Returns:
            Rows `(grid,)` and columns `(grid,)` in the image of `width` x `height` pixels: the grid position `(i, j)`
            has its center in the pixel `(rows[i], columns[j])`.
        """
        resized = self.resized(width, height)
        left, top = self.corner(*resized)
        return self._under(grid, top, resized[1], height), self._under(grid, left, resized[0], width)

    def _under(self, grid: int, start: int, resized: int, length: int) -> npt.NDArray[np.intp]:
        """Return the pixels under the lattice's centers, along one side of the image, `length` pixels long.

        Center i is at `start + (i + 1/2) size / grid` of `resized`. Integer arithmetic is exact if a center is on the
        edge between two pixels; it then belongs to the later pixel.
        """
        doubled = (2 * np.arange(grid, dtype=np.int64) + 1) * self.size + 2 * grid * start
        return (doubled * length // (2 * grid * resized)).astype(np.intp)
