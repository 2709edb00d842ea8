"""A lock that lets only one process work in a run's folder: two would delete each other's files or mix their tables."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder inside the context. The operating system releases the lock when the process ends, however it ends.

    Raises:
        RunError: another process has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another process is writing to {folder}: wait until it ends, or name another folder with --out"
            ) from None
        except OSError:  # some file systems have no locks
            pass
        yield
    finally:
        os.close(descriptor)
