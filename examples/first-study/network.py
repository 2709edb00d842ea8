"""A small network with hand-made weights, so that the purpose of its units is known beforehand.

Nothing was trained. Every layer has units with a purpose, named in order by the tables below, followed by random units
for comparison. A dissection should find the purposes. (It also finds labels for random units: any weights of red, green
and blue prefer some color, and colors say much about these scenes.)

    color      112 x 112   hues, brightness and edges
    texture     56 x 56    hues that must be present together, and hues that must be absent
    scene       28 x 28    textures here, above, below and around
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

RANDOM = 6
"""Number of random units at the end of every layer."""

COLOR = {
    "bright": (1 / 3, 1 / 3, 1 / 3, 0.0),
    "dark": (-1 / 3, -1 / 3, -1 / 3, 0.5),
    "red": (1.0, -0.5, -0.5, 0.0),
    "green": (-0.5, 1.0, -0.5, 0.0),
    "blue": (-0.5, -0.5, 1.0, 0.0),
    "yellow": (0.5, 0.5, -1.0, 0.0),
    "teal": (-1.0, 0.5, 0.5, 0.0),
    "purple": (0.5, -1.0, 0.5, 0.0),
}
"""Weights of red, green and blue, and the bias; a hue's weights add up to zero, so gray does not activate it."""

EDGES = ("light above", "light below", "light left", "light right")
"""The other units of `color` with a purpose: edges between light and dark."""

Wants = dict[str, float]
"""Weights of the previous layer's units, by name; "always" is the bias."""

TEXTURE: dict[str, Wants] = {
    "bright blue": {"blue": 1, "bright": 0.6, "always": -0.35},
    "dark blue": {"blue": 1, "dark": 1, "always": -0.3},
    "bright green": {"green": 1, "bright": 0.5, "blue": -1, "always": -0.25},
    "dark green": {"green": 1.5, "dark": 0.8, "yellow": -0.6, "teal": -0.3, "blue": -1, "always": -0.15},
    "teal": {"teal": 1, "blue": -0.7, "green": -0.4},
    "red": {"red": 1, "dark": 0.4, "yellow": -0.6, "always": -0.05},
    "white": {"bright": 1, "red": -1, "green": -1, "blue": -1, "yellow": -0.5, "teal": -1, "always": -0.5},
    "yellow": {"yellow": 1, "bright": 0.7, "always": -0.6},
    "gray": {"bright": -1, "dark": -2, "red": -2, "green": -2, "blue": -2, "yellow": -1, "always": 0.7},
    "dark": {"dark": 1, "always": -0.1},
    "edges": dict.fromkeys(EDGES, 1.0),
}
"""The weights of each `texture` unit for the units of `color`; negative for hues that must be absent."""

SCENE: dict[str, Wants] = {
    "day sky": {"bright blue here": 1, "bright blue around": 1, "edges around": -1},
    "night sky": {"dark blue here": 1, "dark blue around": 1, "dark green here": -1},
    "cloud": {"white here": 1, "teal around": -3, "red around": -3, "bright green around": -1},
    "grass": {"bright green here": 1, "bright green around": 1},
    "tree": {"dark green here": 1, "dark green around": 0.5},
    "sea": {"teal here": 1, "teal around": 1},
    "roof": {"red here": 1, "white here": -1},
    "wall": {
        "white here": 1,
        "yellow here": 1,
        "red above": 4,
        "red here": -3,
        "bright blue around": -2,
        "always": -0.2,
    },
    "road": {"gray here": 1, "gray around": 1},
    "sun": {"yellow here": 1, "red around": -2, "dark around": -2, "always": -0.16},
}
"""The weights of each `scene` unit for the units of `texture`, by position."""

HEAD: dict[str, Wants] = {
    "meadow": {"grass": 10, "always": -1.9},
    "sea": {"sea": 1},
    "town": {"roof": 60, "night sky": -20, "always": -0.9},
    "night": {"night sky": 20, "always": -1},
}
"""The weights of each class for the units of `scene`, averaged over the map."""


def build() -> nn.Sequential:
    """Make the network, from pictures `(batch, 3, 224, 224)` in 0..1 to class scores `(batch, 4)`."""
    chance = torch.Generator().manual_seed(0)
    hues = [(torch.tensor(rgb)[:, None, None] * _bell(5), bias) for *rgb, bias in COLOR.values()]
    steps = [(slope.expand(3, -1, -1), 0.0) for slope in _slopes(5)]
    color = _layer(hues + steps, 3, chance)
    texture = _layer([_mix(wants) for wants in TEXTURE.values()], color.out_channels, chance)
    scene = _layer([_arrangement(wants) for wants in SCENE.values()], texture.out_channels, chance)
    stages = {"color": color, "texture": texture, "scene": scene}
    parts: dict[str, nn.Module] = {name: nn.Sequential(layer, nn.ReLU()) for name, layer in stages.items()}
    parts |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "head": _head()}
    return nn.Sequential(OrderedDict(parts))


def _layer(kernels: list[tuple[Tensor, float]], inputs: int, chance: torch.Generator) -> nn.Conv2d:
    """Make a convolution of stride 2 from kernels `(named inputs, side, side)` and biases, and add random units."""
    named, side, _ = kernels[0][0].shape
    layer = nn.Conv2d(inputs, len(kernels) + RANDOM, side, stride=2, padding=side // 2)
    weights = torch.randn(layer.weight.shape, generator=chance) / layer.weight[0].numel() ** 0.5
    weights[: len(kernels)] = 0
    weights[: len(kernels), :named] = torch.stack([kernel for kernel, _ in kernels])
    biases = torch.tensor([bias for _, bias in kernels] + [0.0] * RANDOM)
    layer.load_state_dict({"weight": weights, "bias": biases})
    return layer


def _mix(wants: Wants) -> tuple[Tensor, float]:
    """Make a kernel of `texture`: the same weights everywhere in a round window."""
    weights = torch.tensor([wants.get(name, 0.0) for name in (*COLOR, *EDGES)])
    return weights[:, None, None] * _bell(3), wants.get("always", 0.0)


def _arrangement(wants: Wants) -> tuple[Tensor, float]:
    """Make a kernel of `scene`: weights for textures here, above, below and around."""
    places = {place: torch.zeros(5, 5) for place in ("here", "above", "below", "around")}
    places["here"][1:4, 1:4] = _bell(3)
    places["above"][:2] = places["below"][3:] = 1 / 10
    places["around"][:] = 1 / 16
    places["around"][1:4, 1:4] = 0
    kernel = [sum(wants.get(f"{name} {place}", 0.0) * window for place, window in places.items()) for name in TEXTURE]
    return torch.stack([torch.as_tensor(part) for part in kernel]), wants.get("always", 0.0)


def _head() -> nn.Linear:
    head = nn.Linear(len(SCENE) + RANDOM, len(HEAD))
    weights = [[wants.get(name, 0.0) for name in SCENE] + [0.0] * RANDOM for wants in HEAD.values()]
    biases = [wants.get("always", 0.0) for wants in HEAD.values()]
    head.load_state_dict({"weight": torch.tensor(weights), "bias": torch.tensor(biases)})
    return head


def _bell(side: int) -> Tensor:
    """Return a round window `(side, side)` that adds up to one."""
    across = torch.exp(-0.5 * torch.linspace(-2, 2, side) ** 2)
    window = across[:, None] * across
    return window / window.sum()


def _slopes(side: int) -> list[Tensor]:
    """Return windows for edges that are lighter above, below, on the left and on the right."""
    down = torch.linspace(1, -1, side)[:, None] * _bell(side)
    return [down, -down, down.T, -down.T]
