"""Front-end libraries: the package's build fetches them, and a site carries what its pages need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


def library(vendor: Path, name: str) -> Path:
    """Find a library's file.

    Raises:
        RunError: it is missing.
    """
    if not (vendor / name).is_file():
        raise RunError(
            f"the library {name} is missing from {vendor}: it is fetched when the package is built. Install the "
            "package again (pip install --force-reinstall --no-deps dissectory, or pip install -e . in a checkout), "
            "with access to an npm registry"
        )
    return vendor / name
