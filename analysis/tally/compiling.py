"""The tally's inner loops are kernels, compiled by numba at their first use and kept in its cache.

A kernel works on some neighboring units and lets go of Python's lock: threads share the units out, so that no result
depends on their number. Nothing is reordered (no `fastmath`): results are the same on every processor. The cache knows
when a kernel's own file has changed, but of no other file: kernels and their constants stand together.
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
    """Compile a kernel at its first call; where no cache can be written, again in every process."""
    try:
        kernel: Kernel = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        kernel = numba.njit(nogil=True)(function)
    return kernel


def part_of_kernels(function: Kernel) -> Kernel:
    """Compile a part of kernels of the same file, together with them."""
    part: Kernel = numba.njit(nogil=True)(function)
    return part


def constant(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Give an array the one form in which kernels take what they only read: for another they would be compiled anew."""
    view = np.require(array, dtype, ["C", "ALIGNED"]).view()
    view.flags.writeable = False
    return view
