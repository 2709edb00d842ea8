"""Dissectory: what does each unit of a vision network do, and does it matter?

import dissectory

run = dissectory.run(dissectory.Study.read("study.toml"), "runs/mine")
run.table("units").nlargest(10, "iou")
dissectory.build_site(run)
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dissectory.analysis.run import Run
from dissectory.analysis.study.study import Study
from dissectory.errors import DissectoryError
from dissectory.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.progress import Progress

__all__ = ["DissectoryError", "Run", "Study", "__version__", "build_site", "run"]


def run(study: Study, out: Path | str, progress: Progress | None = None) -> Run:
    """Run a study: dissect its network, do its experiments, and write the run to the folder `out`.

    Args:
        study: the study.
        out: the run's folder; it is made if it is missing.
        progress: receives progress reports; by default, nothing is shown.

    Raises:
        DissectoryError: the study, or something that it names, has a mistake that the user can fix.
    """
    # Torch takes seconds to import, and a report of a finished run does not need it.
    from dissectory.analysis.dissection import dissect  # noqa: PLC0415

    return dissect(study, Path(out), progress)


def build_site(run: Run | Path | str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Build the site of a finished run into its folder `site`, and return its first page.

    Args:
        run: the run, or its folder.
        progress: called with the number of written pages and the number of all pages.

    Raises:
        RunError: the run is not finished or cannot be read, or its folder cannot be written.
    """
    from dissectory.report.build import build_site  # noqa: PLC0415 - imports mkdocs and plotly

    return build_site(run if isinstance(run, Run) else Path(run), progress)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the protocol of modules
    """Support `dissectory.report(run)`, the old name of `build_site`: the package `report` can be called."""
    if name == "report":
        return importlib.import_module("dissectory.report")
    raise AttributeError(f"module 'dissectory' has no attribute '{name}'")
