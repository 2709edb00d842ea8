"""The Python interface: it has the same nouns as the command line."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from worlds.planted_world import draw, study

import dissectory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_study_becomes_a_run_becomes_a_site(tmp_path: Path) -> None:
    draw(tmp_path)
    run = dissectory.run(study(tmp_path), tmp_path / "run")
    best = run.table("units").nlargest(3, "iou")
    assert best.matched.all()
    page = dissectory.build_site(run)
    assert page == tmp_path / "run" / "site" / "index.html"
    assert dissectory.build_site(tmp_path / "run").is_file()  # again, and from the folder
    assert dissectory.report(run) == page  # type: ignore[operator] # the old name: a package that can be called


def test_a_finished_run_is_read_without_torch() -> None:
    """A run that was made on a cluster is rendered on a laptop."""
    code = (
        "import sys, dissectory, dissectory.report.build; assert 'torch' not in sys.modules; dissectory.report.__call__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
