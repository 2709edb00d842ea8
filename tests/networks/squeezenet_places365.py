"""SqueezeNet 1.1 with batch norm for the 365 scenes of Places365, as a study's `python:` source builds it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 365
_SLOPE = 0.55


class Convolution(nn.Module):
    """Convolution, batch norm, leaky ReLU: `(batch, before, h, w)` to `(batch, after, h / stride, w / stride)`."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(after, eps=1e-4)
        self.act = nn.LeakyReLU(_SLOPE, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the unit's map."""
        out: Tensor = self.act(self.bn(self.conv(x)))
        return out


class Fire(nn.Module):
    """Few channels, then many: `(batch, before, h, w)` to `(batch, 2 * expanded, h, w)`."""

    def __init__(self, before: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = Convolution(before, squeezed, 1)
        self.expand1x1 = Convolution(squeezed, expanded, 1)
        self.expand3x3 = Convolution(squeezed, expanded, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the 1 x 1 channels, then the 3 x 3 channels."""
        squeezed = self.squeeze(x)
        return torch.cat((self.expand1x1(squeezed), self.expand3x3(squeezed)), dim=1)


class SqueezeNet(nn.Module):
    """RGB pictures less their mean, `(batch, 3, 224, 224)`, to scores of scenes, `(batch, 365)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Convolution(3, 64, 3, stride=2)
        self.fire2 = Fire(64, 16, 64)
        self.fire3 = Fire(128, 16, 64)
        self.fire4 = Fire(128, 32, 128)
        self.fire5 = Fire(256, 32, 128)
        self.fire6 = Fire(256, 48, 192)
        self.fire7 = Fire(384, 48, 192)
        self.fire8 = Fire(384, 64, 256)
        self.fire9 = Fire(512, 64, 256)
        self.conv10 = nn.Conv2d(512, CLASSES, 1)
        self.pool = nn.MaxPool2d(3, stride=2)  # called three times: not a layer of its own

    def forward(self, x: Tensor) -> Tensor:
        """Compute the scores."""
        x = self.pool(self.conv1(x))
        x = self.pool(self.fire3(self.fire2(x)))
        x = self.pool(self.fire5(self.fire4(x)))
        x = self.fire9(self.fire8(self.fire7(self.fire6(x))))
        return nn.functional.leaky_relu(self.conv10(x), _SLOPE).mean(dim=(2, 3))


def build() -> nn.Module:
    """Build the network without its weights."""
    return SqueezeNet()
