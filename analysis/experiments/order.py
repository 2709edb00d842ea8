"""The order in which images are visited: spread out, so that every stretch of it is a fair sample of all of them."""

from __future__ import annotations

import numpy as np


def spread(count: int) -> list[int]:
    """Order the numbers below `count` by their bits read backwards (van der Corput 1935).

    >>> spread(6)
    [0, 4, 2, 1, 5, 3]
    """
    bits = max(count - 1, 1).bit_length()
    numbers = np.arange(1 << bits)
    backwards = np.zeros_like(numbers)
    for bit in range(bits):
        backwards |= (numbers >> bit & 1) << (bits - 1 - bit)
    return [int(number) for number in backwards[backwards < count]]


def batches(count: int, size: int) -> list[tuple[int, ...]]:
    """Share the images out to batches of `size`, in the order of the visit, ascending inside each batch.

    >>> batches(6, 4)
    [(0, 1, 2, 4), (3, 5)]
    """
    order = spread(count)
    return [tuple(sorted(order[first : first + size])) for first in range(0, count, size)]
