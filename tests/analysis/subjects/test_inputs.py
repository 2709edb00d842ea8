"""The input of the user's networks: what their attributes define, and the values that are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from dissectory.analysis.subjects.inputs import NetworkInput
from dissectory.errors import SubjectError

VIEWS = np.full((2, 8, 8, 3), (255, 51, 0), dtype=np.uint8)


def module(**attributes: object) -> nn.Module:
    made = nn.Identity()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_views_keep_their_size_and_range_without_attributes() -> None:
    pixels = NetworkInput.of(module(), "it").pixels(VIEWS)
    assert pixels.shape == (2, 3, 8, 8)
    torch.testing.assert_close(pixels[1, :, 4, 4], torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize("mean", [(0.5, 0.25, 0), torch.tensor([0.5, 0.25, 0]), np.array([0.5, 0.25, 0])])
def test_views_are_resized_and_normalized(mean: object) -> None:
    pixels = NetworkInput.of(module(size=16, mean=mean, std=0.5), "it").pixels(VIEWS)
    assert pixels.shape == (2, 3, 16, 16)
    torch.testing.assert_close(pixels[0, :, 3, 3], torch.tensor([1.0, -0.1, 0.0]))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("size", "64", "it has size = '64'; set it to a whole number above 0"),
        ("size", 0, "it has size = 0; set it to a whole number above 0"),
        ("size", (64, 64), r"it has size = \(64, 64\); set it to a whole number above 0"),
        ("mean", (0, 0), r"it has mean = \(0, 0\); set it to one number or to three$"),
        ("mean", "gray", "it has mean = 'gray'; set it to one number or to three$"),
        ("mean", float("nan"), "it has mean = nan; set it to one number or to three$"),
        ("std", 0, "it has std = 0; set it to one number or to three, above 0"),
        ("std", (1, 1, -1), r"it has std = \(1, 1, -1\); set it to one number or to three, above 0"),
    ],
)
def test_unsuitable_attributes_are_refused(name: str, value: object, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        NetworkInput.of(module(**{name: value}), "it")
