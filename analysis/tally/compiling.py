"""Compile the tally's inner loops, the kernels, with numba at their first use, and keep them in a cache on disk.

The cache is in the user's cache folder, so it also works if the package's folder is read-only, and installing the
package again does not remove it. `NUMBA_CACHE_DIR` and `XDG_CACHE_HOME` name another folder.

A kernel works on a block of neighboring units and releases Python's lock. Threads share the units, so no result depends
on the number of threads. Operations are not reordered (no `fastmath`), so results are the same on every processor.
The cache notices only changes of the kernel's own file. So a kernel and its constants must be in the same file.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Kernel = Callable[..., Any]


def compiled(function: Kernel) -> Kernel:
    """Compile a kernel at its first call; if no cache can be written, compile it again in every process."""
    try:
        with _cached_by_user():
            kernel: Kernel = numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the user's cache nor the package's folder is writable
        kernel = numba.njit(nogil=True)(function)
    return kernel


@contextlib.contextmanager
def _cached_by_user() -> Iterator[None]:
    """Let numba cache the functions of this context in the user's cache folder, unless the user names a folder.

    Numba's own setting is restored, because other packages in the process have caches of their own.
    """
    config: Any = numba.config
    named = config.CACHE_DIR
    config.CACHE_DIR = named or str(_cache_folder())
    try:
        yield
    finally:
        config.CACHE_DIR = named


def _cache_folder() -> Path:
    """Return the folder of the cache in the user's cache folder, as the XDG Base Directory Specification says.

    Raises:
        RuntimeError: the user has no home folder.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if named else Path.home() / ".cache") / "dissectory" / "numba"


def part_of_kernels(function: Kernel) -> Kernel:
    """Compile a function that kernels of the same file call, together with them."""
    part: Kernel = numba.njit(nogil=True)(function)
    return part


def constant(array: npt.NDArray[Any], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a read-only view of an array in the one form that kernels take; another form would be compiled again."""
    view = np.require(array, dtype, ["C", "ALIGNED"]).view()
    view.flags.writeable = False
    return view
