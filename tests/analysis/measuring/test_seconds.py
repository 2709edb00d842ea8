"""Wall time of earlier starts is found again, and nothing is made of a file that does not tell it."""

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
    """A clock that stands until it is set."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(of_seconds, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


def test_a_start_goes_on_from_what_was_kept(tmp_path: Path, clock: SimpleNamespace) -> None:
    for start in range(3):
        seconds = Seconds()
        seconds.take_up(Run(tmp_path), tmp_path / "part" / "seconds.json")
        seconds["decode"] += 2
        clock.now += 5
        seconds.keep()
        seconds["decode"] += 7  # is lost with what took it
        clock.now += 11
        assert seconds["decode"] == 2 * (start + 1) + 7
        assert seconds.total == 5 * (start + 1) + 11


@pytest.mark.parametrize("content", ["", "[1]", '{"decode": null}', '{"decode": "long"}', "\udc80"])
def test_what_cannot_be_read_counts_for_nothing(tmp_path: Path, clock: SimpleNamespace, content: str) -> None:
    path = tmp_path / "seconds.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    seconds = Seconds()
    seconds.take_up(Run(tmp_path), path)
    clock.now += 3
    assert dict(seconds) == {}
    assert seconds.total == 3
    seconds.keep()
    assert json.loads(path.read_text()) == {"total": 3}


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    Seconds().keep()
    assert not list(tmp_path.iterdir())
