"""Check that a network is deterministic: random numbers in it would give other tables in each run."""

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
"""Allowed difference, as a share of the largest output: accelerators may sum in another order, but differ no more."""


def check_steady(module: nn.Module, inputs: Sequence[Tensor]) -> None:
    """Run a network twice on the same inputs.

    Raises:
        SubjectError: if the two outputs differ.
    """
    with torch.inference_mode():
        first, second = ([part.clone() for part in _tensors(module(*inputs))] for _ in range(2))
    if len(first) != len(second) or not all(map(_are_close, first, second)):
        raise SubjectError(
            "the network returns different outputs for the same inputs: it uses random numbers, so no run could be "
            "reproduced. Switch them off (noise, dropout) in a function that builds the network, "
            "python:FILE.py:FUNCTION"
        )


def _tensors(answer: object) -> list[Tensor]:
    """Return the tensors in a network's output: the output itself, or its parts."""
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
