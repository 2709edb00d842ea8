"""The generated images to paint on, with their seeds and the range of their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SeededImages:
    """The generated images that the reader can paint on.

    Attributes:
        inputs: the inputs of the generator, each `(images, ...)`, on its device.
        seeds: the seeds of the images, all different; they name the images.
        low: the output value of black.
        high: the output value of white.
    """

    inputs: Sequence[Tensor]
    seeds: Sequence[int]
    low: float = -1.0
    high: float = 1.0

    def check(self) -> None:
        """Check that the inputs and the seeds are of the same images, and that black is below white.

        Raises:
            SubjectError: they do not fit together.
        """
        rows = [len(value) for value in self.inputs]
        if not rows or set(rows) != {len(self.seeds)} or not 0 < len(self.seeds) == len(set(self.seeds)):
            raise SubjectError(f"inputs of {rows} images need as many different seeds, not {list(self.seeds)}")
        if not self.low < self.high:
            raise SubjectError(f"the value of black ({self.low}) must be below that of white ({self.high})")

    def inputs_of(self, place: int) -> list[Tensor]:
        """Return the inputs of one image, each `(1, ...)`."""
        return [value[[place]] for value in self.inputs]

    def levels(self, values: Floats) -> Floats:
        """Convert output values to 8-bit levels, without rounding, and without clipping to 0..255."""
        return (values - np.float32(self.low)) * np.float32(255 / (self.high - self.low))
