"""Units shared out to threads: each is worked on by one of them, so their number changes nothing but the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_BLOCKS_EACH = 4
"""Blocks for each thread: units differ in what they cost."""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that wait for work as long as the process lives."""
    return ThreadPoolExecutor(threads, thread_name_prefix="tally")


def in_blocks(work: Callable[[int, int], _Result], units: int, threads: int) -> list[_Result]:
    """Call `work(first, last)` for blocks of neighboring units, in threads; the results in the order of units.

    The work must not share itself out to threads again: it would wait for those that wait for it.
    """
    if threads == 1:
        return [work(0, units)]
    step = max(1, -(-units // (threads * _BLOCKS_EACH)))
    firsts = range(0, units, step)
    return list(_pool(threads).map(work, firsts, [min(first + step, units) for first in firsts]))
