"""Sites of made-up runs, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run

from dissectory.report import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture(scope="session", autouse=True)
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stand-in for the front-end libraries: only a browser needs the real ones."""
    folder = tmp_path_factory.mktemp("vendor")
    for library in build.LIBRARIES:
        (folder / library).write_text("/* a stand-in */", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "VENDOR", folder)
        yield folder


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose names carry markup, measured in full, with its site."""
    run = make_fake_run(tmp_path_factory.mktemp("hostile") / "run")
    build.build_site(run)
    return run


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one layer that matches nothing, without classes, intervals and tests, with its site."""
    folder = tmp_path_factory.mktemp("bare") / "run"
    run = make_fake_run(
        folder, layers=1, units=4, hostile_names=False, measured=False, classes=False, concepts=6, images=6
    )
    build.build_site(run)
    return run
