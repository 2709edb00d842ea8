"""The versions of the software that a run depends on."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def versions(names: Iterable[str]) -> dict[str, str]:
    """Find the versions of the packages that are installed.

    >>> list(versions(["numpy", "no such package"]))
    ['numpy']
    """
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
