"""Where a picture's pixels lie in the network's view: the one place that knows about resizing and cropping.

A view is the square picture that the network sees. Label maps never pass through a resize: the grid's cell
centres are taken back to the picture's own pixels, so that a label is never blended.
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
        """Width and height after the resize and before the crop, as torchvision's `Resize` rounds them."""
        if self.fit == "stretch":
            return self.resize, self.resize
        if width <= height:
            return self.resize, int(self.resize * height / width)
        return int(self.resize * width / height), self.resize

    def corner(self, width: int, height: int) -> tuple[int, int]:
        """Left and top of the crop in the resized picture, as torchvision's `CenterCrop` rounds them."""
        return round((width - self.size) / 2.0), round((height - self.size) / 2.0)

    def view(self, picture: Image.Image) -> Image.Image:
        """Make the view of a picture: RGB, `size` x `size`."""
        resized = self.resized(*picture.size)
        left, top = self.corner(*resized)
        scaled = picture.convert("RGB").resize(resized, _RESAMPLING[self.interpolation])
        return scaled.crop((left, top, left + self.size, top + self.size))

    def points(self, width: int, height: int, grid: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Find the picture's pixels under the centres of a `grid` x `grid` lattice over the view.

        Returns:
            Rows `(grid,)` and columns `(grid,)` in the picture of `width` x `height` pixels: position `(i, j)` of the
            grid stands over the pixel `(rows[i], columns[j])`.
        """
        resized = self.resized(width, height)
        left, top = self.corner(*resized)
        centres = (np.arange(grid) + 0.5) * (self.size / grid)
        columns = np.floor((centres + left) * (width / resized[0])).astype(np.intp)
        rows = np.floor((centres + top) * (height / resized[1])).astype(np.intp)
        return rows.clip(0, height - 1), columns.clip(0, width - 1)
