"""From views to the network's input: a geometry, then a mean and a standard deviation for each color.

Keys that a study leaves out come from the preprocessing of the weights. If the weights have none, the defaults are
those of most ImageNet networks: resize the short side to 256 pixels (bilinear), crop the central 224 x 224, and
normalize with ImageNet's mean and standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.subjects.geometry import Geometry
from dissectory.errors import StudyError

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.study.sections import ImagesSection

    Color = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes the network's input; `mean` and `std` are for R, G, B in 0..1."""

    geometry: Geometry = field(default_factory=Geometry)
    mean: Color = (0.485, 0.456, 0.406)
    std: Color = (0.229, 0.224, 0.225)

    def tensor(self, views: npt.NDArray[np.uint8]) -> Tensor:
        """Normalize views `(batch, size, size, 3)`, 0..255, to float32 `(batch, 3, size, size)`."""
        writable = np.require(views, requirements=["C", "W"])  # torch warns about memory that is not writable
        pixels = torch.from_numpy(writable).permute(0, 3, 1, 2).contiguous().to(torch.float32).div_(255)
        return pixels.sub_(_column(self.mean)).div_(_column(self.std))


def _column(color: Color) -> Tensor:
    return torch.tensor(color, dtype=torch.float32).view(1, 3, 1, 1)


def resolve(section: ImagesSection, default: Preprocessing) -> Preprocessing:
    """Return the weights' preprocessing, changed by the keys of a study's `[images]`.

    If a study gives only `size`, the ratio of `resize` to `size` stays that of the default: 256 to 224, that is
    `size / 0.875`, unless the weights have a ratio of their own.

    Raises:
        StudyError: if `resize` is smaller than `size`.
    """
    own = default.geometry
    size = section.size or own.size
    resize = section.resize or (own.resize if size == own.size else max(size, round(size * own.resize / own.size)))
    if resize < size:
        raise StudyError(
            f"images.resize is {resize} and images.size is {size}: images are resized first and then cropped, "
            f"so set resize to {size} or more"
        )
    geometry = Geometry(size, resize, section.fit or own.fit, section.interpolation or own.interpolation)
    return Preprocessing(geometry, section.mean or default.mean, section.std or default.std)
