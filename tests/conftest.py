"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of real networks and photos, which is not part of the project."""
    beside = Path(__file__).parents[2] / "shared" / "assets"
    folder = Path(os.environ.get("DISSECTORY_ASSETS", beside))
    if not folder.is_dir():
        pytest.skip(f"needs real networks and photos, and there is no folder {folder}: set DISSECTORY_ASSETS to one")
    return folder
