"""Wall time of earlier starts is added to a resumed run; an unreadable file adds nothing."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from dissectory.analysis.measuring import seconds as of_seconds
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.run import Run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only the test moves."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(of_seconds, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_a_resumed_run_adds_the_saved_times(tmp_path: Path, clock: SimpleNamespace) -> None:
    for start in range(3):
        seconds = Seconds()
        seconds.resume(Run(tmp_path), tmp_path / "part" / "seconds.json")
        seconds["decode"] += 2
        clock.now += 5
        seconds.keep()
        seconds["decode"] += 7  # not saved: it is lost with the work
        clock.now += 11
        assert seconds["decode"] == 2 * (start + 1) + 7
        assert seconds.total == 5 * (start + 1) + 11


@pytest.mark.parametrize("content", ["", "[1]", '{"decode": null}', '{"decode": "long"}', "\udc80"])
def test_an_unreadable_file_adds_nothing(tmp_path: Path, clock: SimpleNamespace, content: str) -> None:
    path = tmp_path / "seconds.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    seconds = Seconds()
    seconds.resume(Run(tmp_path), path)
    clock.now += 3
    assert dict(seconds) == {}
    assert seconds.total == 3
    seconds.keep()
    assert json.loads(path.read_text()) == {"total": 3}


def test_without_a_file_nothing_is_saved(tmp_path: Path) -> None:
    Seconds().keep()
    assert not list(tmp_path.iterdir())
