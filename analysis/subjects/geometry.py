"""Where a picture's pixels lie in the network's view: the one place that knows about resizing and cropping.

A view is the square picture that the network sees. Label maps never pass through a resize: the grid's cell
centers are taken back to the picture's own pixels, so that a label is never blended.
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
"""How many times longer than wide a resized picture may be before only its middle is computed: a strip of one
pixel's width would otherwise grow to gigabytes."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Resize, then crop the middle.

    With `fit="crop"` the short side becomes `resize` pixels and the aspect ratio is kept; with `fit="stretch"` both
    sides become `resize`. Then the middle `size` x `size` pixels are the view. `resize` is at least `size`.
    """

    size: int = 224
    resize: int = 256
    fit: Fit = "crop"
    interpolation: Interpolation = "bilinear"

    def __post_init__(self) -> None:
        if self.resize < self.size:
            raise ValueError(f"resize ({self.resize}) must not be smaller than size ({self.size})")

    def resized(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after the resize and before the crop, rounded as torchvision's `Resize` does.

        Neither is ever smaller than `resize`, whatever the picture's shape.
        """
        if self.fit == "stretch":
            return self.resize, self.resize
        if width <= height:
            return self.resize, int(self.resize * height / width)
        return int(self.resize * width / height), self.resize

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Left and top of the crop in a resized picture, rounded as torchvision's `CenterCrop` does."""
        return round((width - self.size) / 2.0), round((height - self.size) / 2.0)

    def view(self, picture: Image.Image) -> Image.Image:
        """Make the view of a picture: RGB, `size` x `size`."""
        resized = self.resized(*picture.size)
        left, top = self.corner(*resized)
        picture = picture.convert("RGB")
        if max(resized) > _LONGEST * self.resize:
            return self._middle(picture, resized)
        scaled = picture.resize(resized, _RESAMPLING[self.interpolation])
        return scaled.crop((left, top, left + self.size, top + self.size))

    def _middle(self, picture: Image.Image, resized: tuple[int, int]) -> Image.Image:
        """Resize the part under the crop alone: what resizing all gives, but for rounding."""
        left, top = self.corner(*resized)
        across, down = picture.width / resized[0], picture.height / resized[1]
        box = (left * across, top * down, (left + self.size) * across, (top + self.size) * down)
        return picture.resize((self.size, self.size), _RESAMPLING[self.interpolation], box)

    def points(self, width: int, height: int, grid: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Find the picture's pixels under the centers of a `grid` x `grid` lattice over the view.

        Returns:
            Rows `(grid,)` and columns `(grid,)` in the picture of `width` x `height` pixels: position `(i, j)` of the
            grid stands over the pixel `(rows[i], columns[j])`.
        """
        resized = self.resized(width, height)
        left, top = self.corner(*resized)
        return self._under(grid, top, resized[1], height), self._under(grid, left, resized[0], width)

    def _under(self, grid: int, start: int, resized: int, length: int) -> npt.NDArray[np.intp]:
        """Pixels of one side of the picture, `length` long, under the lattice's centers.

        Center i lies at `start + (i + 1/2) size / grid` of `resized`. Whole numbers keep a center that falls on the
        edge between two pixels exact: it belongs to the later one.
        """
        doubled = (2 * np.arange(grid, dtype=np.int64) + 1) * self.size + 2 * grid * start
        return (doubled * length // (2 * grid * resized)).astype(np.intp)
