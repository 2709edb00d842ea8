"""A network that uses random numbers is refused, and no other network is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.steady import check_steady
from dissectory.errors import SubjectError


class Answering(nn.Module):
    def __init__(self, noise: float, kind: str) -> None:
        super().__init__()
        self.noise, self.kind = noise, kind

    def forward(self, x: Tensor) -> object:
        scores = x.flatten(1) + self.noise * torch.randn_like(x.flatten(1))
        answers = {
            "tensor": scores,
            "tuple": ("scores", scores),
            "dict": {"logits": scores, "loss": None},
            "not a number": torch.cat([scores, scores * torch.nan, scores / 0], dim=1),
            "nothing": None,
            "empty": scores[:, :0],
        }
        return answers[self.kind]


@pytest.mark.parametrize("kind", ["tensor", "tuple", "dict", "not a number", "nothing", "empty"])
@pytest.mark.parametrize("noise", [0, 1e-7])
def test_outputs_may_differ_by_rounding(kind: str, noise: float) -> None:
    check_steady(Answering(noise, kind), [torch.ones(1, 3, 4, 4)])


@pytest.mark.parametrize("kind", ["tensor", "tuple", "dict", "not a number"])
def test_different_outputs_are_refused(kind: str) -> None:
    with pytest.raises(SubjectError, match="returns different outputs for the same inputs: it uses random numbers"):
        check_steady(Answering(0.1, kind), [torch.ones(1, 3, 4, 4)])
