"""The progressive GAN of the assets, written from its description there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path


def normalized(maps: Tensor) -> Tensor:
    return maps * torch.rsqrt((maps * maps).mean(dim=1, keepdim=True) + 1e-8)


class Block(nn.Module):
    """Two convolutions, at twice the resolution but for the first block."""

    def __init__(self, before: int, units: int, *, first: bool = False) -> None:
        super().__init__()
        self.wide = nn.Identity() if first else nn.Upsample(scale_factor=2)
        self.conv0 = nn.Conv2d(before, units, 4 if first else 3, padding=3 if first else 1)
        self.conv1 = nn.Conv2d(units, units, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.wide(maps)
        for conv in (self.conv0, self.conv1):
            maps = normalized(functional.leaky_relu(conv(maps), 0.2))
        return maps


class ProGan(nn.Module):
    """Latents `(batch, 512)` in, faces `(batch, 3, 128, 128)` out, 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.res0 = Block(512, 512, first=True)
        self.res1 = Block(512, 512)
        self.res2 = Block(512, 512)
        self.res3 = Block(512, 512)
        self.res4 = Block(512, 256)
        self.res5 = Block(256, 128)
        self.to_rgb = nn.Conv2d(128, 3, 1)

    def forward(self, latents: Tensor) -> Tensor:
        maps = normalized(latents[:, :, None, None])
        for block in (self.res0, self.res1, self.res2, self.res3, self.res4, self.res5):
            maps = block(maps)
        drawn: Tensor = self.to_rgb(maps)
        return drawn.clamp(0, 1)


def load(assets: Path) -> ProGan:
    """Load it from the folder of assets."""
    generator = ProGan()
    state = load_file(assets / "generators" / "progan128_faces" / "weights.safetensors")
    generator.load_state_dict({name: value.float() for name, value in state.items()})
    return generator.eval().requires_grad_(requires_grad=False)
