"""TF32 is off while a run is made, and afterwards as before."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import torch
from worlds.planted_world import draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.precision import without_tf32
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MATMUL: Any = torch.backends.cuda.matmul
CUDNN: Any = torch.backends.cudnn


def settings() -> tuple[object, ...]:
    return MATMUL.allow_tf32, CUDNN.allow_tf32, *precisions()


def precisions() -> list[str]:
    return [MATMUL.fp32_precision, CUDNN.conv.fp32_precision, CUDNN.rnn.fp32_precision]


@pytest.fixture
def restored() -> Iterator[None]:
    before = precisions()
    yield
    torch.set_float32_matmul_precision("highest")
    CUDNN.allow_tf32 = True
    MATMUL.fp32_precision, CUDNN.conv.fp32_precision, CUDNN.rnn.fp32_precision = before


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize(("products", "convolutions"), [(False, True), (True, False), (True, True), (False, False)])
def test_tf32_is_off_inside_and_as_before_afterwards(products: bool, convolutions: bool) -> None:
    MATMUL.allow_tf32, CUDNN.allow_tf32 = products, convolutions
    before = settings()
    with contextlib.suppress(ZeroDivisionError), without_tf32():
        assert (MATMUL.allow_tf32, CUDNN.allow_tf32) == (False, False)
        assert "tf32" not in precisions()
        raise ZeroDivisionError
    assert settings() == before


@pytest.mark.usefixtures("restored")
def test_finer_settings_are_restored_too() -> None:
    MATMUL.fp32_precision, CUDNN.conv.fp32_precision, CUDNN.rnn.fp32_precision = "tf32", "ieee", "tf32"
    with without_tf32():
        assert "tf32" not in precisions()
    assert precisions() == ["tf32", "ieee", "tf32"]


def test_tf32_is_off_while_a_network_is_measured(tmp_path: Path) -> None:
    class Watching(Silent):
        seen: bool | None = None

        @contextlib.contextmanager
        def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:
            self.seen = CUDNN.allow_tf32
            with super().stage(name, total, unit, done) as advance:
                yield advance

    draw(tmp_path)
    watching, before = Watching(), settings()
    dissect(study(tmp_path), tmp_path / "run", watching)
    assert watching.seen is False
    assert settings() == before
