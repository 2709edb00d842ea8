"""A network whose units differ in how nearly equal their activations are."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ORDINARY, EQUAL, NEGATIVE, RECTIFIED, CONSTANT, SOMETIMES = range(6)
"""Red; 3 or -3, up to noise of some 1e-7; red above 0.98, otherwise 0; exactly 2; red above 0.97, otherwise noise."""
FLAT = {EQUAL, NEGATIVE, SOMETIMES}


class Units(nn.Module):
    """`(n, 3, h, w)` to `(n, 6, h, w)`."""

    def forward(self, x: Tensor) -> Tensor:
        red, noise = x[:, 0], (x.sum(dim=1) - 1.5) * 2e-7
        bright = torch.where(red > 0.97, red * 100, noise)
        rectified = (red - 0.98).clamp(min=0)
        return torch.stack([red, 3 + 3 * noise, 3 * noise - 3, rectified, torch.full_like(red, 2), bright], dim=1)


class NearlyEqual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.units = Units()

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.units(x)
        return maps.mean(dim=(2, 3))


def build() -> NearlyEqual:
    return NearlyEqual()
