"""The project's checks: `nox -s tests`, and `nox --list` for the others.

Every session makes its own environment, and torch is large. To run a session in the current environment, with `.[dev]`
already installed: `nox --no-venv --no-install -s tests`.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PINNED = ("-c", str(ROOT / "constraints.txt"))
PACKAGED = ("analysis", "report", "templates", "site")
"""Folders at the root that are part of the package."""

nox.options.sessions = ["lint", "types", "tests"]
nox.options.error_on_missing_interpreters = True


@nox.session(reuse_venv=True)
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*PINNED, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(reuse_venv=True)
def types(session: nox.Session) -> None:
    """Check types strictly, in the files that pyproject.toml names."""
    session.install(*PINNED, "-e", ".[dev]")
    session.run("mypy", *session.posargs)


@nox.session(reuse_venv=True)
def tests(session: nox.Session) -> None:
    """Run the tests and measure their coverage; `nox -s tests -- tests/report` runs some of them."""
    session.install(*PINNED, "-e", ".[test]")
    session.run("pytest", *session.posargs, "--cov")


@nox.session(reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Run the benchmarks, or one of them: `nox -s bench -- gpu`. They print ratios, which can be compared."""
    session.install(*PINNED, "-e", ".[test]")
    wanted, others = "tests/benchmarks", session.posargs
    if others and (ROOT / wanted / f"bench_{others[0]}.py").is_file():
        wanted, others = f"{wanted}/bench_{others[0]}.py", others[1:]
    session.run("pytest", "-o", "python_files=bench_*.py", "-s", "-q", wanted, *others)


@nox.session(reuse_venv=True)
def wheel(session: nox.Session) -> None:
    """Build the sdist and the wheel; then make a run and its site with the wheel alone, outside the checkout."""
    scratch = Path(session.create_tmp()).resolve()
    shutil.rmtree(scratch)
    session.install(*PINNED, "build")
    session.run("python", "-m", "build", "--outdir", str(scratch / "dist"), silent=True)
    (built,) = (scratch / "dist").glob("*.whl")
    _check_contents(session, built)
    session.install(*PINNED, str(built))
    # Without this, pip skips a wheel that has the same version as the installed one.
    session.install("--force-reinstall", "--no-deps", str(built))
    example = scratch / "first-study"
    shutil.copytree(ROOT / "examples" / "first-study", example, ignore=shutil.ignore_patterns("scenes", "__pycache__"))
    session.chdir(scratch)
    session.run("dissectory", "--help", silent=True)
    session.run("python", str(example / "draw.py"))
    session.run("dissectory", "run", str(example / "study.toml"), "--out", "run")
    if not (scratch / "run" / "site" / "index.html").is_file():
        session.error("the run has no site/index.html")


def _check_contents(session: nox.Session, built: Path) -> None:
    """Compare the files in the wheel with those that git tracks in the packaged folders."""
    entries = zipfile.ZipFile(built).infolist()
    names = {entry.filename for entry in entries}
    links = [entry.filename for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
    listed = session.run("git", "-C", str(ROOT), "ls-files", *PACKAGED, external=True, silent=True)
    tracked = {f"dissectory/{name}" for name in str(listed).split() if not Path(name).name.startswith(".")}
    libraries = ("plotly-cartesian.min.js", "onnxruntime.mjs", "onnxruntime.wasm")
    wanted = tracked | {"dissectory/py.typed", *(f"dissectory/site/vendor/{name}" for name in libraries)}
    if missing := wanted - names:
        session.error(f"files are missing from the wheel: {sorted(missing)}")
    if unwanted := links + [name for name in names if "node_modules" in name]:
        session.error(f"the wheel must not contain {sorted(unwanted)}")
