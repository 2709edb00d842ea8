"""A network that computes features: `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`.

The function takes no arguments and returns a module. The module takes pixels `(batch, 3, height, width)` and returns
features `(batch, feature)`, or maps `(batch, feature, rows, columns)`, each averaged to one feature.
The attributes `size`, `mean` and `std` define its input, as for a segmenter: see `dissectory.analysis.subjects.inputs`.
The module runs on the study's device, so every tensor that it keeps must be a parameter or a buffer. A batch that does
not fit into the device's memory runs in smaller parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dissectory.analysis.subjects.inputs import NetworkInput
from dissectory.analysis.subjects.sources.python import build_module
from dissectory.analysis.tally.device.memory import divided
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Views = npt.NDArray[np.uint8]
    Values = npt.NDArray[np.float64]

_PREFIX = "python:"
_FEATURES, _MAPS = 2, 4


class FeatureNetwork:
    """A network that computes the features of views.

    Raises:
        SubjectError: if the network cannot be built, or its attributes have values that cannot be used.
    """

    def __init__(self, source: str, base: Path, key: str, device: torch.device) -> None:
        """Build the network on a device; error messages name `key`, the study key that asks for it."""
        if not source.startswith(_PREFIX):
            raise SubjectError(
                f"{key} is '{source}'; it must be 'python:FILE.py:FUNCTION' or 'python:package.module:FUNCTION', "
                "where the function returns a network"
            )
        self._key = key
        self._device = device
        self._module = build_module(source.removeprefix(_PREFIX), base, key).to(device).float().eval()
        self._input = NetworkInput.of(self._module, f"the network of {key}")

    def __call__(self, views: Views) -> Values:
        """Compute the features `(batch, feature)` of views `(batch, size, size, 3)`.

        Raises:
            SubjectError: if the network fails, returns no features or values that are not finite, or does not fit on
                the device with a single view.
        """
        count = len(views)
        try:
            return np.concatenate(list(divided(lambda first, last: self._features(views[first:last]), count, count)))
        except torch.OutOfMemoryError as error:
            raise SubjectError(
                f"the device has not enough memory for the network of {self._key} and one image: use a smaller "
                "network, or set compute.device to 'cpu'"
            ) from error

    def _features(self, views: Views) -> Values:
        pixels = self._input.pixels(views).to(self._device)
        try:
            with torch.inference_mode():
                answer = self._module(pixels)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # the user's network can raise anything
            raise SubjectError(
                f"the network of {self._key} fails on input of shape {tuple(pixels.shape)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        told = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        if not isinstance(answer, Tensor) or answer.ndim not in {_FEATURES, _MAPS} or len(answer) != len(views):
            raise SubjectError(
                f"the network of {self._key} returned {told}; expected features (batch, feature), or maps "
                "(batch, feature, rows, columns)"
            )
        if not answer.isfinite().all():
            raise SubjectError(f"the network of {self._key} returned NaN or infinite values; check its weights")
        features = answer.cpu().double()
        found: Values = (features.mean(dim=(2, 3)) if features.ndim == _MAPS else features).numpy()
        return found
