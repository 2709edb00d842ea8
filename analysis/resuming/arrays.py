"""Files of named arrays, which can be read in parts and checked for damage.

A file begins with a line of text and a JSON object that holds each array's type, shape, offset and checksum (CRC-32).
The bytes of the arrays follow, as they are in memory. Files are read, not memory-mapped, so that memory is used only
for the part that is read and is freed after use.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    Array = npt.NDArray[Any]

_HEAD = b"dissectory arrays 1 "
_CHUNK = 1 << 24


def write_arrays(path: Path, arrays: Mapping[str, Array], note: Mapping[str, Any] | None = None) -> None:
    """Write arrays to a file, with a `note` of any values that JSON can hold."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    places: dict[str, list[Any]] = {}
    offset = 0
    for name, array in plain.items():
        places[name] = [array.dtype.str, array.shape, offset, zlib.crc32(_bytes(array))]
        offset += array.nbytes
    head = json.dumps({"arrays": places, "note": note or {}, "bytes": offset}).encode()
    with path.open("wb") as file:
        file.write(_HEAD + b"%d %d\n" % (len(head), zlib.crc32(head)) + head)
        for array in plain.values():
            file.write(_bytes(array))


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


@dataclass(frozen=True)
class ArrayFile:
    """A file that `write_arrays` wrote.

    Raises:
        RunError: when it is read, if the file is missing or not a file of arrays.
    """

    path: Path

    @cached_property
    def _head(self) -> tuple[dict[str, Any], int]:
        """The JSON object at the start of the file, and the offset at which it ends."""
        try:
            with self.path.open("rb") as file:
                line = file.readline(len(_HEAD) + 40)
                length, total = map(int, line.removeprefix(_HEAD).split())
                head = file.read(length)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error
        if not line.startswith(_HEAD) or zlib.crc32(head) != total:
            raise self._unreadable("its header is damaged")
        return json.loads(head), len(line) + length

    @property
    def note(self) -> dict[str, Any]:
        """The note that was written with the arrays."""
        note: dict[str, Any] = self._head[0]["note"]
        return note

    def read(self, name: str, first: int = 0, last: int | None = None) -> Array:
        """Read the rows `first` to `last - 1` of an array; all rows by default."""
        head, begin = self._head
        dtype, (rows, *rest), offset, _ = head["arrays"][name]
        last = rows if last is None else last
        row = int(np.prod(rest, dtype=np.int64))
        kind = np.dtype(dtype)
        try:
            values = np.fromfile(
                self.path, kind, (last - first) * row, offset=begin + offset + first * row * kind.itemsize
            )
            return values.reshape(last - first, *rest)
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from error

    def is_whole(self) -> bool:
        """Whether every byte is as it was written; this reads the whole file."""
        try:
            head, begin = self._head
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size != begin + head["bytes"]:
                    return False
                file.seek(begin)
                return all(
                    _sum(file, np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))) == total
                    for dtype, shape, _, total in head["arrays"].values()
                )
        except (OSError, RunError):
            return False

    def _unreadable(self, reason: object) -> RunError:
        return RunError(f"{self.path} cannot be read ({reason}): run the same command again, which measures it again")


def _sum(file: Any, length: int) -> int:  # noqa: ANN401 - any file
    """Compute the checksum of the next `length` bytes of a file."""
    total = 0
    while length > 0 and (part := file.read(min(length, _CHUNK))):
        total = zlib.crc32(part, total)
        length -= len(part)
    return total
