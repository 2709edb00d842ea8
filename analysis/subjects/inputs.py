"""The input of a segmenter or a feature network that the user's code builds, as attributes of the module define it.

size        the width and height of its input, in pixels; without it, views keep their size
mean, std   a number, or three for R, G, B; the input is (pixels in 0..1 - mean) / std; without them, 0 and 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from dissectory.analysis.concepts.onnx import resized
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor, nn

_COLORS = {1, 3}


@dataclass(frozen=True, slots=True)
class NetworkInput:
    """The input of a network: its `size`, `None` if views keep theirs; `mean` and `std` are `(1 or 3, 1, 1)`."""

    size: int | None
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, module: nn.Module, name: str) -> NetworkInput:
        """Read the attributes of a module; error messages call it `name`, such as "the segmenter Scenes".

        Raises:
            SubjectError: an attribute has a value that cannot be used.
        """
        return cls(_size(module, name), _color(module, name, "mean", 0), _color(module, name, "std", 1))

    def pixels(self, views: npt.NDArray[np.uint8]) -> Tensor:
        """Convert views `(batch, size, size, 3)`, 0..255, to the network's input `(batch, 3, height, width)`."""
        side = self.size or views.shape[1]
        pixels = torch.cat([torch.from_numpy(resized(view, (side, side))) for view in views])
        return (pixels - self.mean) / self.std


def _size(module: nn.Module, name: str) -> int | None:
    value: Any = getattr(module, "size", None)
    if value is not None and (not isinstance(value, int) or value < 1):
        raise SubjectError(f"{name} has size = {value!r}; set it to a whole number above 0")
    return value


def _color(module: nn.Module, name: str, attribute: str, default: float) -> Tensor:
    value: Any = getattr(module, attribute, default)
    try:
        column = torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1, 1)
    except (TypeError, ValueError, RuntimeError):
        column = torch.empty(0, 1, 1)
    is_std = attribute == "std"
    if len(column) not in _COLORS or not column.isfinite().all() or (is_std and (column <= 0).any()):
        positive = ", above 0" if is_std else ""
        raise SubjectError(f"{name} has {attribute} = {value!r}; set it to one number or to three{positive}")
    return column
