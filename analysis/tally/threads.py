"""Distribute units to threads. One thread processes a unit, so the number of threads does not change the results."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_BLOCKS_EACH = 4
"""Blocks for each thread; several, because units differ in their cost."""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that wait for work as long as the process lives."""
    return ThreadPoolExecutor(threads, thread_name_prefix="tally")


def in_blocks(work: Callable[[int, int], _Result], units: int, threads: int) -> list[_Result]:
    """Call `work(first, last)` for blocks of neighboring units, in threads; return the results in the order of units.

    `work` must not call this function again: it would wait for threads that wait for it.
    """
    if threads == 1:
        return [work(0, units)]
    step = max(1, -(-units // (threads * _BLOCKS_EACH)))
    firsts = range(0, units, step)
    return list(_pool(threads).map(work, firsts, [min(first + step, units) for first in firsts]))
