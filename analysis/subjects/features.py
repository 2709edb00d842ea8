"""A network that describes pictures by features: `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`.

The function takes no arguments. What it returns is called on pictures `(batch, 3, height, width)` and answers with
features `(batch, feature)`, or with maps `(batch, feature, rows, columns)` of which the mean is taken. The attributes
`size`, `mean` and `std` say what it takes, as those of a segmenter do (see `dissectory.analysis.concepts.python`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dissectory.analysis.concepts.onnx import resized
from dissectory.analysis.subjects.sources.python import build_module
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    Views = npt.NDArray[np.uint8]
    Values = npt.NDArray[np.float64]

_PREFIX = "python:"
_FEATURES, _MAPS = 2, 4


class FeatureNetwork:
    """What a network sees in views.

    Raises:
        SubjectError: the network cannot be had.
    """

    def __init__(self, source: str, base: Path, key: str) -> None:
        """Build it; `key` is the study's that messages are about."""
        if not source.startswith(_PREFIX):
            raise SubjectError(
                f"{key} is '{source}'; it must be 'python:FILE.py:FUNCTION' or 'python:package.module:FUNCTION', a "
                "function that returns a network"
            )
        self._key = key
        self._module = build_module(source.removeprefix(_PREFIX), base, key).cpu().float().eval()
        self._mean, self._std = (self._color(name, default) for name, default in (("mean", 0.0), ("std", 1.0)))

    def __call__(self, views: Views) -> Values:
        """Describe views `(batch, size, size, 3)` by features `(batch, feature)`.

        Raises:
            SubjectError: the network fails, or answers with something else.
        """
        side: Any = getattr(self._module, "size", views.shape[1])
        pixels = torch.cat([torch.from_numpy(resized(view, (side, side))) for view in views])
        try:
            with torch.inference_mode():
                answer = self._module((pixels - self._mean) / self._std)
        except Exception as error:  # whatever the network raises
            raise SubjectError(
                f"the network of {self._key} fails on pictures {tuple(pixels.shape)}: {type(error).__name__}: {error}"
            ) from error
        told = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        if not isinstance(answer, Tensor) or answer.ndim not in {_FEATURES, _MAPS} or len(answer) != len(views):
            raise SubjectError(
                f"the network of {self._key} answers with {told}; expected features (batch, feature), or maps of them"
            )
        if not answer.isfinite().all():
            raise SubjectError(f"the network of {self._key} answers with values that are not finite")
        features = answer.double()
        found: Values = (features.mean(dim=(2, 3)) if features.ndim == _MAPS else features).numpy()
        return found

    def _color(self, name: str, default: float) -> Tensor:
        value: Any = getattr(self._module, name, default)
        return torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1, 1)
