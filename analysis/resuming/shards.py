"""The progress of a run: measurements are kept on disk, so that an interrupted run can be resumed.

    shelf = Shelf(run, run.folder / "progress" / "network")
    shards = shelf.open("labels", {"the images": "5f0c...", "dissection.grid": "56"})
    shards.write(0, 8, arrays, note)      # the measurements of batches 0 to 7

A shard is complete or missing: it is written to a temporary file first, and its checksums are verified before it is
used. The name of its folder contains a fingerprint of everything that it depends on, so measurements of a different
study or network are never mistaken for it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dissectory.analysis.resuming.arrays import ArrayFile, write_arrays
from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.run import Run

    Facts = Mapping[str, str]

PROGRESS = "progress"
"""The folder of the progress inside a run's folder."""
_FACTS = "facts.json"
_NAME = re.compile(r"(\d{7,})-(\d{7,})\.shard")


@dataclass(frozen=True, slots=True)
class Shard:
    """The measurements of the batches `first` to `last - 1`, or of the units, in a part that is divided by units."""

    first: int
    last: int
    file: ArrayFile

    def read(self, name: str, first: int = 0, last: int | None = None) -> npt.NDArray[Any]:
        """Read an array, or some rows of it."""
        return self.file.read(name, first, last)

    @property
    def note(self) -> dict[str, Any]:
        """The note that was written with the arrays."""
        return self.file.note


class Shards:
    """The shards of one part of the work, such as one layer, in the order of their batches.

    Damaged or incomplete shards and all other files in the part's folder are removed.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.folder = folder
        self._shards = sorted(_whole(folder), key=lambda shard: shard.first)

    def __iter__(self) -> Iterator[Shard]:
        return iter(self._shards)

    def __len__(self) -> int:
        return len(self._shards)

    def missing(self, batches: int) -> list[int]:
        """List the batches, out of `batches`, that are in no shard."""
        done = {batch for shard in self for batch in range(shard.first, shard.last)}
        return [batch for batch in range(batches) if batch not in done]

    def write(
        self, first: int, last: int, arrays: Mapping[str, npt.NDArray[Any]], note: Mapping[str, Any] | None = None
    ) -> None:
        """Write the measurements of the batches `first` to `last - 1` as a shard.

        Raises:
            RunError: the folder cannot be written.
        """
        path = self.folder / f"{first:07}-{last:07}.shard"
        with self._run.replacing(path) as temporary:
            write_arrays(temporary, arrays, note)
        self._shards = sorted([*self._shards, Shard(first, last, ArrayFile(path))], key=lambda shard: shard.first)

    def clear(self) -> None:
        """Remove all shards."""
        for shard in self:
            shard.file.path.unlink(missing_ok=True)
        self._shards = []


def _whole(folder: Path) -> Iterator[Shard]:
    """Yield the undamaged shards of a folder; remove all other files but the facts.

    Raises:
        RunError: a file cannot be removed.
    """
    reached = 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name == _FACTS:
            continue
        name, file = _NAME.fullmatch(path.name), ArrayFile(path)
        if name and int(name[1]) >= reached and file.is_whole():
            reached = int(name[2])
            yield Shard(int(name[1]), reached, file)
        else:
            forget(path)


class Shelf:
    """The parts of a run's progress, each in a folder named by the fingerprint of the facts that it depends on.

    Raises:
        RunError: the folder cannot be read or written.
    """

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.folder = folder
        self._opened: set[Path] = set()
        self._new: set[Path] = set()

    def spare(self, kind: str, facts: Facts) -> Path:
        """Protect a part from `discard_others`, whether it exists or not, and return its folder."""
        folder = self.folder / f"{kind}-{fingerprint(facts)}"
        self._opened.add(folder)
        return folder

    def open(self, kind: str, facts: Facts) -> Shards:
        """Open a part; `facts` is everything that it depends on."""
        folder = self.spare(kind, facts)
        if not (folder / _FACTS).is_file():
            self._new.add(folder)
            with self._run.replacing(folder / _FACTS) as temporary:
                temporary.write_text(json.dumps({"kind": kind, "facts": dict(facts)}, indent=1), encoding="utf-8")
        return Shards(self._run, folder)

    def changes(self, kind: str, facts: Facts) -> list[str]:
        """Name the facts in which the most similar earlier part of a kind differs; empty without an earlier part."""
        found = [
            sorted(name for name in {*facts, *earlier} if facts.get(name) != earlier.get(name))
            for earlier in self._earlier(kind)
        ]
        return min(found, key=len, default=[])

    def _earlier(self, kind: str) -> Iterator[Facts]:
        for folder in self._folders():
            try:
                noted = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
                if folder not in self._new and noted["kind"] == kind:
                    yield noted["facts"]
            except (OSError, ValueError, TypeError, KeyError):  # incomplete: ignore it
                continue

    def discard_others(self) -> None:
        """Remove the parts that were neither opened nor spared: the study no longer needs them."""
        for folder in self._folders():
            if folder not in self._opened:
                forget(folder)

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_dir()) if self.folder.is_dir() else []


def fingerprint(facts: Facts) -> str:
    """Return a hash of the facts, in 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode()).hexdigest()[:16]


def forget(path: Path) -> None:
    """Remove the progress of a run, or a file or folder in it.

    Raises:
        RunError: the file or folder cannot be removed.
    """
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"cannot remove {path}: {error.strerror or error}") from error
