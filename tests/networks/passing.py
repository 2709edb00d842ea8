"""A network whose units are the colors of what it sees: red, green, blue, their sum, and nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Colors(nn.Module):
    """`(n, 3, h, w)` to `(n, 5, h / 2, w / 2)`."""

    def forward(self, x: Tensor) -> Tensor:
        seen = torch.cat([x, x.sum(dim=1, keepdim=True), torch.zeros_like(x[:, :1])], dim=1)
        return nn.functional.avg_pool2d(seen, 2)


class Passing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.colors = Colors()
        self.coarse = nn.AvgPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        maps: Tensor = self.coarse(self.colors(x))
        return maps.mean(dim=(2, 3))


def build() -> Passing:
    return Passing()
