"""A run's folder is worked in by one process at a time: two would take each other's files away, or mix their tables."""

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
    """Lock a folder for the time of the context; the lock goes with the process, whatever ends it.

    Raises:
        RunError: another process has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"another process is at work in {folder}: wait until it ends, or name another folder with --out"
            ) from None
        except OSError:  # not every file system knows locks
            pass
        yield
    finally:
        os.close(descriptor)
