"""Random choices from a seed: one stream of random numbers per scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_T = TypeVar("_T")
_STOCK = 2048
"""Random numbers generated at once: asking for one number at a time costs as much as drawing a shape."""


class Dice:
    """Random choices; the same seed gives the same choices in the same order."""

    def __init__(self, *seed: int) -> None:
        """Start the stream from the numbers `seed`, each at least 0."""
        self.generator = np.random.default_rng(seed)
        self._numbers = self._stream()

    def _stream(self) -> Iterator[float]:
        while True:
            yield from self.generator.random(_STOCK).tolist()

    def between(self, low: float, high: float) -> float:
        """Choose a number, uniformly."""
        return low + (high - low) * next(self._numbers)

    def count(self, least: int, most: int) -> int:
        """Choose a whole number, `most` included."""
        return least + int(next(self._numbers) * (most + 1 - least))

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return next(self._numbers) < share

    def pick(self, options: Sequence[_T]) -> _T:
        """Choose one of several."""
        return options[int(next(self._numbers) * len(options))]

    def shuffled(self, options: Sequence[_T]) -> list[_T]:
        """Return the options in random order."""
        return sorted(options, key=lambda _: self.between(0, 1))

    def way(self) -> int:
        """Choose left (-1) or right (1)."""
        return -1 if self.chance(0.5) else 1

    def spread(self, count: int, low: float = 0.0, high: float = 1.0) -> list[float]:
        """Choose positions that keep a distance from one another, from left to right."""
        step = (high - low) / max(count, 1)
        return [low + (place + self.between(0.15, 0.85)) * step for place in range(count)]
