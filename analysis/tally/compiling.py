"""Compile the tally's inner loops, the kernels, with numba at their first use, and keep them in numba's cache.

A kernel works on a block of neighboring units and releases Python's lock. Threads share the units, so no result depends
on the number of threads. Operations are not reordered (no `fastmath`), so results are the same on every processor.
The cache notices only changes of the kernel's own file. So a kernel and its constants must be in the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    Kernel = Callable[..., Any]


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel at its first call; if no cache can be written, compile it again in every process."""
    try:
        kernel: Kernel = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache is writable
        kernel = numba.njit(nogil=True)(function)
    return kernel


def part_of_kernels(function: Kernel) -> Kernel:
    """Compile a function that kernels of the same file call, together with them."""
    part: Kernel = numba.njit(nogil=True)(function)
    return part


def constant(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a read-only view of an array in the one form that kernels take; another form would be compiled again."""
    view = np.require(array, dtype, ["C", "ALIGNED"]).view()
    view.flags.writeable = False
    return view
