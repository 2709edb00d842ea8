"""Fixtures for the tests of concepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dissectory.analysis.subjects.images import ViewBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt


@pytest.fixture
def batch_of() -> Callable[..., ViewBatch]:
    """Make a batch of views `(n, size, size, 3)`, each of them a whole image."""

    def make(views: npt.ArrayLike, paths: Sequence[str] | None = None, **changes: Any) -> ViewBatch:  # noqa: ANN401
        pixels = np.asarray(views, dtype=np.uint8)
        count, size = pixels.shape[:2]
        named = tuple(paths) if paths is not None else tuple(f"{place}.jpg" for place in range(count))
        values = {"images": tuple(range(count)), "paths": named, "views": pixels, "sizes": ((size, size),) * count}
        return ViewBatch(**(values | changes))

    return make
