"""Dissectory: what does each unit of a vision network do, and does it matter?

import dissectory

study = dissectory.Study.read("study.toml")
run = dissectory.run(study, "runs/mine")
run.table("units").nlargest(10, "iou")
dissectory.report(run)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dissectory.analysis.run import Run
from dissectory.analysis.study import Study
from dissectory.errors import DissectoryError
from dissectory.report.build import build_site as report

if TYPE_CHECKING:
    from dissectory.progress import Progress

__version__ = "0.1.0"
__all__ = ["DissectoryError", "Run", "Study", "__version__", "report", "run"]


def run(study: Study, out: Path | str, progress: Progress | None = None) -> Run:
    """Do what a study asks for, and write the run to the folder `out`.

    Args:
        study: what to dissect, on which images, for which concepts.
        out: the run's folder; it is made where it is missing.
        progress: where to report to; nothing is shown by default.

    Raises:
        DissectoryError: for a mistake in the study or in what it names.
    """
    # Torch takes seconds to import: a report of a finished run never needs it.
    from dissectory.analysis.experiments.control.work import dissect_with_control  # noqa: PLC0415

    return dissect_with_control(study, Path(out), progress)
