"""Sites of made-up runs, built once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fakes.painting import make_fake_painting
from fakes.run import HOSTILE_LAYER, make_fake_run

from dissectory.analysis.experiments.paint.painting import PAINT
from dissectory.report.build import build_site
from dissectory.report.frame import assets, sources
from dissectory.report.paint.reading import ENGINE

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for the front-end libraries: only a browser needs the real ones."""
    folder = tmp_path_factory.mktemp("vendor")
    for library in (*assets.LIBRARIES, *ENGINE):
        (folder / library).write_text("/* a stand-in */", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _stand_in(vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "VENDOR", vendor)


def build_once(run: Run, vendor: Path) -> Run:
    """Build a site with the stand-in, for fixtures that outlive a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "VENDOR", vendor)
        build_site(run)
    return run


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory, vendor: Path) -> Run:
    """A run whose names carry markup, measured in full, with its site."""
    run = make_fake_run(tmp_path_factory.mktemp("hostile") / "run", ablation=True)
    names = ("<script>alert(1)</script>", "tree", "</script> a concept of no page")
    make_fake_painting(run.folder / PAINT, HOSTILE_LAYER, names)
    return build_once(run, vendor)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory, vendor: Path) -> Run:
    """A run of one layer that matches nothing, without all that a run can do without, with its site."""
    run = make_fake_run(
        tmp_path_factory.mktemp("bare") / "run",
        layers=1,
        units=4,
        hostile_names=False,
        measured=False,
        classes=False,
        concepts=6,
        images=6,
        gallery=False,
        control=False,
    )
    return build_once(run, vendor)
