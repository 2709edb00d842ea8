"""A run that was made on a cluster is rendered on a laptop: no part of the report imports torch."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

from dissectory.report import build


def test_no_module_of_the_report_imports_torch() -> None:
    package = sys.modules["dissectory.report"]
    names = [module.name for module in pkgutil.walk_packages(package.__path__, "dissectory.report.")]
    assert build.__name__ in names
    code = (
        f"import importlib, sys; [importlib.import_module(name) for name in {names}]; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
