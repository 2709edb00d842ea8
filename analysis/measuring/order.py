"""The order in which images are visited: spread out, so that every stretch of it is a fair sample of all of them."""

from __future__ import annotations

import numpy as np


def spread(count: int) -> list[int]:
    """Order the numbers below `count` so that any consecutive ones are spread evenly over them, yet not regularly.

    It is the order of the bits read backwards (van der Corput 1935), in which the halves of the whole, of each half and
    so on are exchanged or not by chance (Owen 1995, 'Randomly permuted (t,m,s)-nets and (t,s)-sequences'). Without it,
    every second or fourth image would come first: of a set with four views of each thing, always the same view.
    """
    bits = max(count - 1, 1).bit_length()
    steps = np.arange(1 << bits)
    order = np.zeros_like(steps)
    for bit in range(bits):
        exchanged = np.random.Philox(key=bit).random_raw(1 << bit).astype(np.int64) & 1
        order = 2 * order + ((steps >> bit & 1) ^ exchanged[order])
    return [int(number) for number in order[order < count]]


def batches(count: int, size: int) -> list[tuple[int, ...]]:
    """Share the images out to batches of `size`, in the order of the visit, ascending inside each batch."""
    order = spread(count)
    return [tuple(sorted(order[first : first + size])) for first in range(0, count, size)]
