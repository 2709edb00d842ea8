"""Progress of long work: a bar with rate and remaining time on a terminal, else a line of text every few seconds."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Protocol

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Progress(Protocol):
    """Receives reports of progress."""

    def stage(
        self, name: str, total: int, unit: str, done: int = 0
    ) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """Begin a stage of `total` steps, of which some are already `done`.

        The context yields a function: call it with the number of further steps that are done.
        """
        ...

    def say(self, text: str) -> None:
        """Show one line."""
        ...


class Silent:
    """Progress that is not shown: the default of the Python functions."""

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - the Protocol
        """Begin a stage."""
        yield lambda _steps: None

    def say(self, text: str) -> None:
        """Show nothing."""


class Console:
    """Progress on stderr; without a terminal, a line at most once in `every` seconds."""

    def __init__(self, every: float = 15.0) -> None:
        self.every = every
        self.bars = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """Show one line."""
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - for the command line

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:
        """Begin a stage."""
        if self.bars:
            with tqdm(
                total=total, initial=done, desc=f"{name:<20}", unit=f" {unit}", dynamic_ncols=True, file=sys.stderr
            ) as bar:
                yield lambda steps: (bar.update(steps), None)[1]
            return
        meter = _Meter(self, name, total, unit, done)
        self.say(f"{name}: {total} {unit}" + (f", {done} of them done" if done else ""))
        yield meter.advance
        self.say(f"{name}: done in {_clock(time.monotonic() - meter.start)}")


class _Meter:
    """Counts steps, and shows a line when enough time has passed."""

    def __init__(self, console: Console, name: str, total: int, unit: str, done: int) -> None:
        self.console, self.name, self.total, self.unit = console, name, total, unit
        self.done = self.before = done
        self.start = self.last = time.monotonic()

    def advance(self, steps: int) -> None:
        self.done += steps
        now = time.monotonic()
        if now - self.last < self.console.every:
            return
        self.last = now
        rate = (self.done - self.before) / (now - self.start) if now > self.start else 0
        left = _clock((self.total - self.done) / rate) if rate else "?"
        self.console.say(f"{self.name}: {self.done}/{self.total} {self.unit}, {rate:.1f}/s, {left} left")


def _clock(seconds: float) -> str:
    """Format a duration as minutes and seconds, or hours, minutes and seconds.

    >>> _clock(75)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"  # noqa: PLR2004
