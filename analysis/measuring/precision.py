"""The precision of products on CUDA devices."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_Setting = TypeVar("_Setting")


@contextlib.contextmanager
def without_tf32() -> Iterator[None]:
    """Multiply float32 numbers with all their digits while the context is active; restore the settings afterwards.

    By default, CUDA devices round the inputs of convolutions to TF32, which has 10 instead of 23 binary digits after
    the point. Activations would differ from those on a CPU by about a thousandth.
    """
    cudnn: Any = torch.backends.cudnn  # at run time, a class with more attributes than the module
    matmul = torch.backends.cuda.matmul
    places = (matmul, cudnn.conv, cudnn.rnn)
    before = [place.fp32_precision for place in places]
    products, convolutions = _common(torch.get_float32_matmul_precision), _common(lambda: cudnn.allow_tf32)
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        if products is not None:
            torch.set_float32_matmul_precision(products)
        if convolutions is not None:
            cudnn.allow_tf32 = convolutions
        for place, precision in zip(places, before, strict=True):
            place.fp32_precision = precision


def _common(read: Callable[[], _Setting]) -> _Setting | None:
    """Read one of torch's older settings; `None` if it was set separately in several places, which torch refuses."""
    try:
        return read()
    except RuntimeError:
        return None
