"""Classifiers whose every class hangs on three units of the layer `units`, and on no others.

The picture of a class has three channels of its own; a unit copies each of them. One more output, "none", has a score
that the class's own exceeds as long as all three are there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 4
EACH = 3
IDLE = 8
"""Units that answer to pictures, and that nothing depends on."""
UNITS = CLASSES * EACH + IDLE
NONE = CLASSES
"""The output that is left where no class is found."""


def order() -> Tensor:
    """Which unit copies which channel: their numbers tell nothing."""
    return torch.randperm(UNITS, generator=torch.Generator().manual_seed(3))


def units_of(output: int) -> set[int]:
    return set(order()[output * EACH : (output + 1) * EACH].tolist())


def pictures(classes: Tensor, side: int = 6) -> Tensor:
    """`(image, 20, side, side)`: the channels of each image's class are 1 on half the picture, idle ones are noise.

    An image of class -1 has noise alone.
    """
    x = torch.zeros(len(classes), UNITS, side, side)
    for image, output in enumerate(classes.tolist()):
        if output < 0:
            continue
        x[image, output * EACH : (output + 1) * EACH, : side // 2] = 1
    noise = torch.rand((len(classes), IDLE, side, side), generator=torch.Generator().manual_seed(5))
    x[:, CLASSES * EACH :] = noise
    return x


class Dependent(nn.Module):
    """Layer, then what depends on it; `(image, 20, h, w)` to `(image, 5)`."""

    def __init__(self, end: str) -> None:
        super().__init__()
        outputs = CLASSES + 1
        self.units = nn.Conv2d(UNITS, UNITS, 1, bias=False)
        copies = torch.zeros(UNITS, UNITS)
        copies[order(), torch.arange(UNITS)] = 1
        self.units.weight.data = copies[:, :, None, None]
        weight, bias = torch.zeros(outputs, UNITS), torch.zeros(outputs)
        for output in range(CLASSES):
            weight[output, list(units_of(output))] = 1
        bias[NONE] = 1.25  # three halves are more, two are less
        self.end = _linear(weight, bias) if end == "linear" else _convolution(weight, bias, end)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.end(self.units(x))
        return scores


def _linear(weight: Tensor, bias: Tensor) -> nn.Sequential:
    end = nn.Linear(UNITS, len(bias))
    end.load_state_dict({"weight": weight, "bias": bias})
    return nn.Sequential(nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), end)


def _convolution(weight: Tensor, bias: Tensor, end: str) -> nn.Sequential:
    """Bend the scores before their mean: "rectified" is a form that is known, "smooth" is not."""
    convolution = nn.Conv2d(UNITS, len(bias), 1)
    convolution.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})
    bend = nn.LeakyReLU(0.25) if end == "rectified" else nn.Softplus(beta=50)
    return nn.Sequential(nn.Dropout(), convolution, bend, nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())


def build(end: str) -> Dependent:
    return Dependent(end).eval().requires_grad_(requires_grad=False)


CELLS, SIDE = 5, 4
"""Cells of a picture each way, the first of which are channels; and pixels of a cell."""


class Pictured(nn.Module):
    """The same for gray pictures `(image, 3, 20, 20)`, of which each cell of 4 by 4 pixels is a channel."""

    def __init__(self, end: str) -> None:
        super().__init__()
        self.network = Dependent(end)

    def forward(self, x: Tensor) -> Tensor:
        cells = x.mean(dim=1).unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE)
        scores: Tensor = self.network(cells.flatten(1, 2)[:, :UNITS])
        return scores


def build_pictured() -> Pictured:
    return Pictured("linear").eval()


def gray(classes: Tensor) -> Tensor:
    """Pictures for it `(image, 20, 20)`, 0..1."""
    cells = torch.zeros(len(classes), CELLS**2, SIDE, SIDE)
    cells[:, :UNITS] = pictures(classes, SIDE)
    return cells.reshape(-1, CELLS, CELLS, SIDE, SIDE).swapaxes(2, 3).reshape(-1, CELLS * SIDE, CELLS * SIDE)
