"""A network whose units are planted: each one answers to one color, and each color stands for one concept."""

from __future__ import annotations

import torch
from torch import Tensor, nn

COLORS = ((0.9, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.2, 0.9), (0.9, 0.9, 0.1), (0.1, 0.9, 0.9))
"""Of the concepts, in order; the background is gray."""


class Detectors(nn.Module):
    """`(n, 3, h, w)` to `(n, 8, h / 2, w / 2)`: five planted units, one of noise, one constant, one dead."""

    colors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("colors", torch.tensor(COLORS))

    def forward(self, x: Tensor) -> Tensor:
        apart = (x[:, None] - self.colors[None, :, :, None, None]).square().sum(dim=2)
        planted = torch.exp(-8 * apart)
        noise = torch.sin(4000 * x.sum(dim=1, keepdim=True))
        constant, dead = torch.full_like(noise, 0.3), torch.zeros_like(noise)
        return nn.functional.avg_pool2d(torch.cat([planted, noise, constant, dead], dim=1), 2)


class Planted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.detectors = Detectors()
        self.coarse = nn.AvgPool2d(3, stride=2)
        self.damage = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.detectors(x)
        x = self.coarse(x)
        x = self.damage(x.sub_(0.05))
        return x.mean(dim=(2, 3))


def build() -> Planted:
    return Planted()


def build_dimmed() -> Planted:
    """The same parameters and the same modules, and other activations."""
    network = Planted()
    network.detectors.register_forward_hook(lambda _module, _inputs, output: output * 0.75)
    return network


def build_broken() -> Planted:
    """The same, of whose activations none is a number."""
    network = Planted()
    network.detectors.register_forward_hook(lambda _module, _inputs, output: output * float("nan"))
    return network


def build_moved() -> Planted:
    """The same, whose planted units answer to each other's colors, and the last of them to none."""
    network = Planted()
    network.detectors.colors.copy_(torch.tensor([*COLORS[1:], (9.0, 9.0, 9.0)]))
    return network


class Choosing(Planted):
    """Calls its first layer `times` more for pictures that show anything."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times if x.any() else 0):
            self.detectors(x)
        return super().forward(x) if self.times >= 0 or not x.any() else x.mean(dim=(2, 3))


def build_repeating() -> Planted:
    return Choosing(1)


def build_skipping() -> Planted:
    return Choosing(-1)


def build_noisy() -> Planted:
    """The same with noise of its own."""
    network = Planted()
    network.detectors.register_forward_hook(lambda _module, _inputs, output: output + torch.randn_like(output))
    return network


def build_wide() -> Planted:
    """The same with a unit more in each layer."""
    network = Planted()
    network.detectors.register_forward_hook(lambda _module, _inputs, output: torch.cat([output, output[:, :1]], dim=1))
    return network
