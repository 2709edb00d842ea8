"""Files of arrays: arrays come back as they were written, and every damaged byte is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dissectory.analysis.resuming.arrays import ArrayFile, write_arrays
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

ARRAYS: dict[str, npt.NDArray[Any]] = {
    "values": np.arange(24, dtype=np.float32).reshape(4, 3, 2),
    "nothing": np.empty((0, 5), dtype=np.int32),
    "labels": np.arange(7, dtype=np.uint16),
    "turned": np.arange(6, dtype=np.int64).reshape(2, 3).T,
}


@pytest.fixture
def file(tmp_path: Path) -> ArrayFile:
    write_arrays(tmp_path / "file", ARRAYS, {"skipped": [[3, "é.png"]]})
    return ArrayFile(tmp_path / "file")


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(file: ArrayFile, name: str) -> None:
    found = file.read(name)
    np.testing.assert_array_equal(found, ARRAYS[name])
    assert found.dtype == ARRAYS[name].dtype
    assert found.shape == ARRAYS[name].shape


def test_rows_can_be_read_separately(file: ArrayFile) -> None:
    np.testing.assert_array_equal(file.read("values", 1, 3), ARRAYS["values"][1:3])
    np.testing.assert_array_equal(file.read("labels", 6), ARRAYS["labels"][6:])
    assert file.read("values", 2, 2).shape == (0, 3, 2)


def test_the_note_comes_back(file: ArrayFile) -> None:
    assert file.note == {"skipped": [[3, "é.png"]]}


def test_an_undamaged_file_is_whole(file: ArrayFile) -> None:
    assert file.is_whole()


def test_every_changed_byte_and_every_length_is_noticed(file: ArrayFile) -> None:
    content = file.path.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        file.path.write_bytes(changed)
        assert not ArrayFile(file.path).is_whole(), place
    for length in range(0, len(content), 7):
        file.path.write_bytes(content[:length])
        assert not ArrayFile(file.path).is_whole(), length
    file.path.write_bytes(content + b"\0")
    assert not ArrayFile(file.path).is_whole()


def test_an_unreadable_file_raises_a_run_error(file: ArrayFile, tmp_path: Path) -> None:
    assert not ArrayFile(tmp_path / "missing").is_whole()
    with pytest.raises(RunError, match=r"missing cannot be read .* run the same command again"):
        ArrayFile(tmp_path / "missing").read("values")
    file.path.write_bytes(b"dissectory arrays 1 x\n")
    with pytest.raises(RunError, match="cannot be read"):
        ArrayFile(file.path).read("values")
