"""Two processes never write to the folder of one run."""

from __future__ import annotations

import errno
import fcntl
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from worlds.planted_world import draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.resuming import lock
from dissectory.analysis.resuming.lock import locked
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_start_is_refused_and_leaves_everything_as_it_is(tmp_path: Path) -> None:
    draw(tmp_path)
    run = dissect(study(tmp_path, compute={"keep_progress": True}), tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*") if path.parent != run.folder}
    with locked(run.folder), pytest.raises(RunError, match=r"another process is writing to .*run: wait"):
        dissect(study(tmp_path, dissection={"grid": 8}), tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in run.folder.rglob("*") if path.parent != run.folder} == before
    dissect(study(tmp_path), tmp_path / "run")  # the lock is released


def test_a_file_system_without_locks_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_descriptor: int, _what: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    unable = SimpleNamespace(flock=flock, LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB)
    monkeypatch.setattr(lock, "fcntl", unable)
    with locked(tmp_path), locked(tmp_path):
        pass
