"""Kernels are compiled even if they cannot be cached."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.tally.compiling import compiled, constant


def test_a_kernel_without_a_cache_is_compiled() -> None:
    made: dict[str, object] = {}
    exec("def twice(number):\n    return 2 * number", made)  # noqa: S102 - a function without a file
    assert compiled(made["twice"])(21) == 42  # type: ignore[arg-type]


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
