"""The folder of a site: it is replaced as a whole, and holds the files of its run."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dissectory.analysis.run import Run


def check_old(site: Path) -> None:
    """Refuse to replace a folder that is not a site of ours: each of our sites holds the manifest of its run.

    Raises:
        RunError: the folder holds other files.
    """
    if site.is_dir() and any(site.iterdir()) and not (site / "manifest.json").is_file():
        raise RunError(f"{site} holds files that are not a site of a run, and would be replaced: move them away")


@contextlib.contextmanager
def replacing(site: Path) -> Iterator[Path]:
    """Give an empty folder beside `site` that takes its place if no error occurs.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".site-", dir=site.parent))
    except OSError as error:
        raise RunError(f"cannot write into {site.parent}: {error.strerror or error}") from error
    try:
        temporary.chmod(0o755)  # a temporary folder is private; a site is to be served
        yield temporary
        if site.exists():
            shutil.rmtree(site)
        temporary.rename(site)
    except OSError as error:
        raise RunError(
            f"cannot write the site {site}: {error.strerror or error}. Free some space, or check the folder's rights"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def link_run(run: Run, folder: Path) -> None:
    """Bring tables, pictures and the manifest into the site, without a second copy if the disk allows it."""
    for name in ("tables", "images"):
        if (run.folder / name).is_dir():
            shutil.copytree(run.folder / name, folder / name, copy_function=_link, ignore=shutil.ignore_patterns(".*"))
    _link(run.folder / "manifest.json", folder / "manifest.json")


def _link(source: str | Path, target: str | Path) -> None:
    """Link a file, or copy it if links are not possible; a run replaces its files and never changes them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
