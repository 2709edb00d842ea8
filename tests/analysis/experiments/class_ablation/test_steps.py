"""The steps that keep units apart; removed units always have the effect of full forward passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from reference import ablation as reference
from torch import Tensor, nn
from torch.nn import functional

from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.subjects.rest import find_rest

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = 6


class Behind(nn.Module):
    """A layer of six units, a step, and a linear layer."""

    def __init__(self, step: Callable[[Tensor], Tensor], features: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, UNITS, 3, padding=1)
        self.group = nn.GroupNorm(2, UNITS)
        self.norm = nn.BatchNorm2d(UNITS)
        self.own = nn.Conv2d(UNITS, UNITS, 1, groups=UNITS)
        self.step = step
        self.head = nn.Linear(features, 4)
        with torch.no_grad():
            self.norm.running_mean.add_(torch.rand(UNITS))  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.step(self.layer(x)))
        return out


def pooled(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3))


APART: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "mean": (pooled, UNITS),
    "mean, counted from the end": (lambda x: torch.mean(x, dim=(-1, -2), keepdim=True).squeeze(3).squeeze(2), UNITS),
    "rectified in place, viewed": (
        lambda x: functional.adaptive_max_pool2d(x.relu_(), 2).view(x.size(0), -1),
        4 * UNITS,
    ),
    "reshaped": (lambda x: functional.avg_pool2d(x, 4).reshape(x.shape[0], -1), 4 * UNITS),
    "flattened": (lambda x: torch.flatten(functional.max_pool2d(x, 4), 1), 4 * UNITS),
    "shifted and scaled": (lambda x: pooled(functional.gelu((x + 1.5) * 0.5)), UNITS),
    "of each position": (lambda x: x.sigmoid().flatten(1), 64 * UNITS),
    "not dropped": (lambda x: pooled(functional.dropout(functional.leaky_relu(x, 0.1), 0.5, training=False)), UNITS),
}
MIXED: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "softmax over units": (lambda x: pooled(x.softmax(dim=1)), UNITS),
    "used twice": (lambda x: pooled(x * x.sigmoid()), UNITS),
    "added to itself": (lambda x: pooled(x + x), UNITS),
    "mean over units": (lambda x: x.mean(dim=(1, 2)), 8),
    "units last": (lambda x: x.permute(0, 2, 3, 1).flatten(1), 64 * UNITS),
    "turned": (lambda x: pooled(x.flip(1)), UNITS),
    "joined": (lambda x: pooled(torch.cat([x, x], dim=1)), 2 * UNITS),
    "positions for units": (lambda x: x.reshape(x.shape[0], 8, UNITS, 8).mean(dim=(2, 3)), 8),
    "by the largest": (lambda x: pooled(x / x.amax(dim=(1, 2, 3), keepdim=True)), UNITS),
}


def check(module: nn.Module, head: bool) -> None:
    module = module.eval().requires_grad_(requires_grad=False)
    inputs = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(1))
    tail = plan_removal(find_rest(module, "layer", inputs), inputs).tail
    assert (tail.head is not None) == head
    with torch.no_grad():
        point, answer = tail.rest.run(inputs)
        cut, silent = tail.split(point)
        removed = np.eye(UNITS, dtype=np.bool_)
        ways = [np.stack([tail.without(cut, silent, np.full(UNITS, image), removed).numpy() for image in (0, 1)])]
    if tail.head is not None:
        ways.append(tail.head.scores_without_units(tail.features(cut, silent, answer)))
    for unit in range(UNITS):
        expected = reference.scores_without(module, "layer", inputs, [unit])
        for scores in ways:
            np.testing.assert_allclose(scores[:, unit], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("step", "features"), APART.values(), ids=APART.keys())
def test_steps_that_keep_units_apart(step: Callable[[Tensor], Tensor], features: int) -> None:
    torch.manual_seed(0)
    check(Behind(step, features), head=True)


@pytest.mark.parametrize(("step", "features"), MIXED.values(), ids=MIXED.keys())
def test_steps_that_mix_units(step: Callable[[Tensor], Tensor], features: int) -> None:
    torch.manual_seed(0)
    check(Behind(step, features), head=False)


@pytest.mark.parametrize(("name", "head"), [("norm", True), ("group", False), ("own", False)])
def test_modules_behind_a_layer(name: str, head: bool) -> None:
    torch.manual_seed(0)
    module = Behind(pooled, UNITS)
    module.step = nn.Sequential(
        module.get_submodule(name), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    check(module, head)
