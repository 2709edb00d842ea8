"""Where the sources of a site are: hand-written pages, styles and scripts, and the front-end libraries."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from dissectory.errors import RunError

SOURCES = Path(str(files("dissectory") / "site"))
"""The sources of a site, in a checkout and in an installed package alike; nothing is written there."""

VENDOR = SOURCES / "vendor"
"""Front-end libraries; the package's build fetches them."""


def library(name: str) -> Path:
    """Return the file of a front-end library.

    Raises:
        RunError: the file is missing.
    """
    path = VENDOR / name
    if not path.is_file():
        raise RunError(
            f"the library {name} is missing from {VENDOR}: it is fetched when the package is built. Install the "
            "package again (pip install --force-reinstall --no-deps dissectory, or pip install -e . in a checkout), "
            "with access to an npm registry"
        )
    return path
