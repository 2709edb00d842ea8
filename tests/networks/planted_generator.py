"""A generator whose every unit draws one known color, in its own cell and nowhere else.

A latent `(9,)` holds the levels that the six units have in every cell, then a background that passes the layer `maps`
by. A picture `(batch, 3, 20, 28)` is the background plus every unit's color times its level, kept in -1..1, and a cell
is four pixels wide.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

UNITS, ROWS, COLUMNS, CELL = 6, 5, 7, 4
COLORS = ((1, 0, 0), (0, 1, 0), (0, 0, 2), (1, 0, 0), (0.5, 0.5, 0.5), (0, 0, 0))


class Planted(nn.Module):
    """The generator."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(UNITS, UNITS, 1, bias=False)
        self.wide = nn.Upsample(scale_factor=CELL)
        self.colors = nn.Conv2d(UNITS, 3, 1, bias=False)
        with torch.no_grad():
            self.maps.weight.copy_(torch.eye(UNITS)[..., None, None])
            self.colors.weight.copy_(torch.tensor(COLORS, dtype=torch.float32).T[..., None, None])

    def forward(self, latents: Tensor) -> Tensor:
        levels, background = latents[:, :UNITS], latents[:, UNITS:]
        maps: Tensor = self.maps(levels[:, :, None, None].expand(-1, -1, ROWS, COLUMNS))
        drawn: Tensor = self.colors(self.wide(maps)) + background[:, :, None, None]
        return drawn.clamp(-1, 1)


def build() -> Planted:
    """Make it, ready to run."""
    return Planted().eval()


def latents() -> Tensor:
    """Three images: black, blue (by its unit 2), and a green that no unit draws."""
    black = torch.zeros(3, UNITS + 3)
    black[:, UNITS:] = -1
    black[1, 2] = 1
    black[2, UNITS + 1] = 0.6
    return black
