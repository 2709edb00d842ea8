"""Mean, standard deviation and maximum of every unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of activations over a layer's own map: `mean`, `squares` (sum of squared deviations), `peak` `(unit,)`.

    Moments are added as in Chan, Golub & LeVeque 1979, so that small deviations from a large mean keep their precision.
    """

    count: int
    mean: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    peak: npt.NDArray[np.float32]

    @classmethod
    def none(cls, units: int) -> Moments:
        """Return the moments of no activations."""
        return cls(0, np.zeros(units), np.zeros(units), np.full(units, -np.inf, dtype=np.float32))

    @classmethod
    def about(
        cls,
        count: int,
        offset: npt.NDArray[np.float64],
        sums: npt.NDArray[np.float64],
        squares: npt.NDArray[np.float64],
        peak: npt.NDArray[np.float32],
    ) -> Moments:
        """Return the moments of `count` activations per unit, from sums of their deviations from `offset`."""
        return cls(count, offset + sums / count, (squares - sums**2 / count).clip(0), peak)

    def __add__(self, other: Moments) -> Moments:
        """Add the moments of other activations."""
        count = self.count + other.count
        if count == 0:
            return self
        gap = other.mean - self.mean
        mean = self.mean + gap * (other.count / count)
        squares = self.squares + other.squares + gap**2 * (self.count * other.count / count)
        return Moments(count, mean, squares, np.maximum(self.peak, other.peak))

    @property
    def std(self) -> npt.NDArray[np.float64]:
        """Standard deviation over all activations `(unit,)`."""
        return np.sqrt(self.squares / max(self.count, 1))
