"""Progress on stderr: a bar on a terminal, lines without one, and nothing by default."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from dissectory import progress
from dissectory.progress import Console, Progress, Silent


class Clock:
    """A monotonic clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make stderr a terminal of 100 columns."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")


def fail(watched: Progress, done: int, total: int) -> None:
    with watched.stage("Comparing", total, "units") as advance:
        advance(done)
        raise RuntimeError("broken")


def work(watched: Progress, clock: Clock, steps: list[tuple[int, float]], total: int) -> None:
    with watched.stage("Dissecting", total, "images") as advance:
        for done, seconds in steps:
            clock.now += seconds
            advance(done)


def test_without_a_terminal_lines_show_rate_and_time_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Console(every=10), clock, [(20, 10.0), (30, 15.0), (50, 4.0)], total=100)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "Dissecting: 100 images",
        "Dissecting: 20/100 images, 2.0/s, 0:40 left",
        "Dissecting: 50/100 images, 2.0/s, 0:25 left",
        "Dissecting: done in 0:29",
    ]


def test_lines_are_shown_at_intervals_and_not_for_every_step(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Console(every=15), clock, [(1, 1.0)] * 60, total=60)
    steps = re.findall(r"(\d+)/60", capsys.readouterr().err)
    assert steps == ["15", "30", "45", "60"]


def test_quick_work_shows_two_lines(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Console(), clock, [(1, 0.1)] * 60, total=60)
    assert capsys.readouterr().err.splitlines() == ["Dissecting: 60 images", "Dissecting: done in 0:06"]


def test_steps_done_before_do_not_count_for_the_rate(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Console(every=5).stage("Dissecting", 100, "images", done=40) as advance:
        clock.now += 10
        advance(20)
    told = capsys.readouterr().err
    assert "Dissecting: 100 images, 40 of them done" in told
    assert "Dissecting: 60/100 images, 2.0/s, 0:20 left" in told


def test_time_left_is_not_known_before_anything_is_done(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Console(every=5), clock, [(0, 6.0)], total=60)
    assert "Dissecting: 0/60 images, 0.0/s, ? left" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "told"), [(59.0, "0:59"), (59.6, "1:00"), (3599.0, "59:59"), (3600.0, "1:00:00"), (90061.0, "25:01:01")]
)
def test_durations_are_shown_in_hours_minutes_and_seconds(
    seconds: float, told: str, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    work(Console(every=1e9), clock, [(1, seconds)], total=1)
    assert capsys.readouterr().err.splitlines()[-1] == f"Dissecting: done in {told}"


@pytest.mark.usefixtures("clock")
def test_a_failed_stage_is_not_shown_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        fail(Console(), 1, 10)
    assert capsys.readouterr().err == "Comparing: 10 units\n"


def test_each_stage_counts_its_own_steps(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(every=1)
    work(console, clock, [(10, 2.0)], total=10)
    work(console, clock, [(1, 2.0)], total=10)
    assert "Dissecting: 1/10 images, 0.5/s, 0:18 left" in capsys.readouterr().err


def test_a_step_may_be_reported_while_the_clock_stands_still(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    work(Console(every=0), clock, [(1, 0.0)], total=2)
    assert "Dissecting: 1/2 images" in capsys.readouterr().err


def test_on_a_terminal_a_bar_shows_name_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter(range(1000))
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(seconds)))  # each reading of the clock is one second later
    watch(monkeypatch)
    with Console().stage("Dissecting", 40, "images") as advance:
        for _ in range(4):
            advance(10)
    out, err = capsys.readouterr()
    shown = err.split("\r")
    halfway = next(line for line in shown if "20/40" in line)
    assert out == ""
    assert halfway.startswith("Dissecting ")
    assert "50%" in halfway
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", halfway)  # elapsed<left
    assert re.search(r"\d+\.\d+ images/s\]", halfway)
    assert len(halfway) < 100
    assert "40/40" in shown[-1]
    assert "done in" not in err


def test_on_a_terminal_a_line_is_shown_unchanged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch(monkeypatch)
    Console().say("skipped a.png")
    assert capsys.readouterr() == ("", "skipped a.png\n")


def test_on_a_terminal_a_failed_stage_leaves_its_bar_in_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch(monkeypatch)
    with pytest.raises(RuntimeError, match="broken"):
        fail(Console(), 2, 8)
    err = capsys.readouterr().err
    assert err.endswith("\n")
    assert "2/8" in err
    assert "8/8" not in err


def test_on_a_terminal_a_bar_begins_at_the_steps_done_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watch(monkeypatch)
    with Console().stage("Dissecting", 40, "images", done=30) as advance:
        advance(10)
    shown = capsys.readouterr().err.split("\r")
    assert "30/40" in shown[1]
    assert "40/40" in shown[-1]


@pytest.mark.parametrize("shown", [False, True])
def test_silent_progress_shows_nothing(
    shown: bool, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: shown)
    silent = Silent()
    silent.say("nothing")
    work(silent, clock, [(5, 100.0), (5, 100.0)], total=10)
    assert capsys.readouterr() == ("", "")
