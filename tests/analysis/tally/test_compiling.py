"""Kernels are compiled once for a user, and also if they cannot be cached."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.analysis.tally.compiling import compiled, constant

if TYPE_CHECKING:
    from pathlib import Path


def test_a_kernel_without_a_cache_is_compiled() -> None:
    made: dict[str, object] = {}
    exec("def twice(number):\n    return 2 * number", made)  # noqa: S102 - a function without a file
    assert compiled(made["twice"])(21) == 42  # type: ignore[arg-type]


KERNEL = """
from dissectory.analysis.tally.compiling import compiled

@compiled
def twice(number):
    return 2 * number

assert twice(21) == 42
print(sum(twice.stats.cache_hits.values()), sum(twice.stats.cache_misses.values()))
"""


def call(module: Path, **environment: str) -> str:
    """Call a kernel in a process of its own; return its numbers of cache hits and misses."""
    kept = {name: value for name, value in os.environ.items() if name not in {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}}
    done = subprocess.run(
        [sys.executable, str(module)], env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module with a kernel, in a folder that cannot hold a cache: even root cannot write to such a folder."""
    path = tmp_path / "package" / "module.py"
    path.parent.mkdir()
    path.write_text(KERNEL)
    (path.parent / "__pycache__").write_text("not a folder")
    return path


@pytest.mark.parametrize(
    ("variable", "inside"),
    [("NUMBA_CACHE_DIR", "."), ("XDG_CACHE_HOME", "dissectory/numba"), ("HOME", ".cache/dissectory/numba")],
)
def test_kernels_are_compiled_once_for_a_user(variable: str, inside: str, module: Path, tmp_path: Path) -> None:
    assert call(module, **{variable: str(tmp_path / "cache")}) == "0 1"
    assert list((tmp_path / "cache" / inside).glob("package_*/*.nbi"))
    assert call(module, **{variable: str(tmp_path / "cache")}) == "1 0"


def test_a_kernel_is_compiled_if_the_user_s_cache_cannot_be_written(module: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    given = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "cache")}
    assert [call(module, **given) for _ in range(2)] == ["0 1", "0 1"]


@pytest.mark.parametrize("kind", ["as it is", "strided", "of another type", "read-only", "not aligned"])
def test_arrays_are_converted_to_one_form(kind: str) -> None:
    plain = np.arange(4, dtype=np.float32)
    bytes_ = np.zeros(17, dtype=np.uint8)
    bytes_[1:] = plain.view(np.uint8)
    made: dict[str, np.ndarray] = {
        "as it is": plain,
        "strided": np.repeat(plain, 2)[::2],
        "of another type": plain.astype(np.float64),
        "read-only": np.frombuffer(plain.tobytes(), dtype=np.float32),
        "not aligned": bytes_[1:].view(np.float32),
    }
    array = constant(made[kind], np.float32)
    assert array.tolist() == [0, 1, 2, 3]
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array.flags.aligned
    assert not array.flags.writeable
    assert plain.flags.writeable
