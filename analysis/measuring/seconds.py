"""Wall time by stage. A resumed run adds the time of its earlier starts.

    seconds = Seconds()
    seconds.resume(run, folder / "seconds.json")
    with seconds.stage("decode"):
        ...
    seconds.keep()

The times are saved whenever a shard is written, so the time spent on lost work is not counted.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run


class Seconds(defaultdict[str, float]):
    """Wall time by stage, in seconds; 0 for stages that were not reached."""

    def __init__(self) -> None:
        super().__init__(float)
        self._start = time.perf_counter()
        self._earlier = 0.0
        self._file: tuple[Run, Path] | None = None
        self._inner: list[float] = []

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall time of a block to a stage. The time of a stage inside another counts only for the inner one."""
        self[name] += 0  # stages are listed in the order in which they began
        self._inner.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self[name] += spent - self._inner.pop()
            if self._inner:
                self._inner[-1] += spent

    def add_earlier(self, other: Seconds, stage: str) -> None:
        """Add the wall time of earlier starts of a run inside this one to a stage and to the total."""
        self[stage] += other._earlier
        self._earlier += other._earlier

    @property
    def total(self) -> float:
        """Wall time of this start, and of earlier starts up to their last saved times."""
        return self._earlier + time.perf_counter() - self._start

    def resume(self, run: Run, path: Path) -> None:
        """Add the times that earlier starts saved in a file of a run, and save to this file from now on."""
        self._file = run, path
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # no file, or an unreadable one
            stages = {str(stage): float(spent) for stage, spent in json.loads(path.read_text(encoding="utf-8")).items()}
            self._earlier += stages.pop("total", 0)
            for stage, spent in stages.items():
                self[stage] += spent

    def keep(self) -> None:
        """Save the times so far.

        Raises:
            RunError: the file cannot be written.
        """
        if self._file:
            run, path = self._file
            with run.replacing(path) as temporary:
                temporary.write_text(json.dumps({**self, "total": self.total}, indent=1), encoding="utf-8")
