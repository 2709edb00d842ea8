"""Whether a network answers the same to the same inputs: one that draws random numbers gives other tables each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

_CLOSE = 1e-3
"""Of the largest answer: accelerators may sum up in another order, but do not differ more."""


def check_steady(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Ask a network twice.

    Raises:
        SubjectError: it answers differently.
    """
    with torch.inference_mode():
        first, second = ([part.clone() for part in _tensors(module(*inputs))] for _ in range(2))
    if len(first) != len(second) or not all(_are_close(one, other) for one, other in zip(first, second, strict=True)):
        raise SubjectError(
            "the network answers differently to the same inputs: it draws random numbers as it computes, and no run "
            "could be made again. Switch that off (noise, dropout), in a function of yours, python:FILE.py:FUNCTION"
        )


def _tensors(answer: object) -> list[Tensor]:
    """The numbers in what a network answers: itself, or its parts."""
    if isinstance(answer, Tensor):
        return [answer.float()]
    parts: Iterable[object] = answer.values() if isinstance(answer, Mapping) else ()
    if isinstance(answer, (tuple, list)):
        parts = answer
    return [part.float() for part in parts if isinstance(part, Tensor)]


def _are_close(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    finite = one[one.isfinite()]
    largest = finite.abs().max().item() if len(finite) else 0.0
    return torch.allclose(one, other, rtol=0, atol=_CLOSE * largest, equal_nan=True)
