"""Styles, scripts and front-end libraries of a site."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from dissectory.report.frame.sources import SOURCES, library

if TYPE_CHECKING:
    from pathlib import Path

ASSETS = SOURCES / "assets"

LIBRARIES = ("plotly-cartesian.min.js",)
"""Front-end libraries of every site."""


def bundles() -> dict[str, list[str]]:
    """Return the files that are joined into each style sheet and script of a site, in order."""
    found: dict[str, list[str]] = json.loads((ASSETS / "bundles.json").read_text(encoding="utf-8"))
    return found


def copy_assets(folder: Path) -> None:
    """Join our styles and scripts into one file each, and add the libraries.

    Raises:
        RunError: a library is missing.
    """
    for name, sources in bundles().items():
        text = "\n".join((ASSETS / source).read_text(encoding="utf-8") for source in sources)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "vendor").mkdir()
    for name in LIBRARIES:
        shutil.copyfile(library(name), folder / "vendor" / name)
    (folder / ".nojekyll").touch()  # GitHub Pages serves the folder as it is
