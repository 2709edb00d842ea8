"""The order in which images are visited: any consecutive images in it are an even sample of all images."""

from __future__ import annotations

import numpy as np


def spread(count: int) -> list[int]:
    """Order the numbers below `count` so that any consecutive ones are spread evenly, but not regularly, over them.

    The order is that of the numbers with their bits reversed (van der Corput 1935), scrambled: the two halves of the
    range, of each half, and so on are exchanged at random (Owen 1995, 'Randomly permuted (t,m,s)-nets and
    (t,s)-sequences'). Without scrambling, every second or fourth image would come first; in a set with four views of
    each object, these would all be the same view.
    """
    bits = max(count - 1, 1).bit_length()
    steps = np.arange(1 << bits)
    order = np.zeros_like(steps)
    for bit in range(bits):
        exchanged = np.random.Philox(key=bit).random_raw(1 << bit).astype(np.int64) & 1
        order = 2 * order + ((steps >> bit & 1) ^ exchanged[order])
    return [int(number) for number in order[order < count]]


def batches(count: int, size: int) -> list[tuple[int, ...]]:
    """Divide `count` images into batches of `size`, in the order of `spread`; ascending within each batch."""
    order = spread(count)
    return [tuple(sorted(order[first : first + size])) for first in range(0, count, size)]
