"""Generators that are told a class: by an embedding before the layer `maps`, by conditional batch-norm behind it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES, LATENT, UNITS, CELLS = 5, 6, 8, 4


class Norm(nn.Module):
    """Batch-norm whose scale and shift are those of the class (de Vries et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(UNITS, affine=False)
        self.scale, self.shift = nn.Embedding(CLASSES, UNITS), nn.Embedding(CLASSES, UNITS)

    def forward(self, maps: Tensor, kind: Tensor) -> Tensor:
        scale, shift = self.scale(kind)[:, :, None, None], self.shift(kind)[:, :, None, None]
        normed: Tensor = self.norm(maps) * scale + shift
        return normed


class Looking(Norm):
    """Looks at its values, so that it stays one step of a traced network, which is given the classes."""

    def forward(self, maps: Tensor, kind: Tensor) -> Tensor:
        if kind.max() >= CLASSES:
            raise ValueError
        return super().forward(maps, kind)


class Early(nn.Module):
    """Needs the class before its layer only."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds = nn.Embedding(CLASSES, 4)
        self.start = nn.Linear(LATENT + 4, UNITS * CELLS * CELLS)
        self.maps = nn.Conv2d(UNITS, UNITS, 3, padding=1)
        self.colors = nn.Conv2d(UNITS, 3, 1)

    def behind(self, maps: Tensor, kind: Tensor) -> Tensor:  # noqa: ARG002 - of those that need it
        """What follows the layer."""
        return maps

    def forward(self, latents: Tensor, kind: Tensor, strength: float = 0.5) -> Tensor:
        start = self.start(torch.cat([latents, self.kinds(kind)], dim=1)).unflatten(1, (UNITS, CELLS, CELLS))
        picture: Tensor = self.colors(self.behind(self.maps(start.relu()), kind).relu()) * strength
        return nn.functional.interpolate(picture, scale_factor=4).tanh()


class Normed(Early):
    """Needs the class behind its layer too."""

    def __init__(self, norm: type[Norm] = Norm) -> None:
        super().__init__()
        self.norm = norm()

    def behind(self, maps: Tensor, kind: Tensor) -> Tensor:
        normed: Tensor = self.norm(maps, kind)
        return normed


class Closed(Normed):
    """Needs the numbers of classes themselves behind its layer."""

    def __init__(self) -> None:
        super().__init__(Looking)


class Wilful(Normed):
    """Looks at its values, so that it cannot be traced."""

    def forward(self, latents: Tensor, kind: Tensor, strength: float = 0.5) -> Tensor:
        return super().forward(latents if latents.mean() < 9 else -latents, kind, strength)


def build(kind: type[Early]) -> Early:
    """Make one with weights of its own, ready to run."""
    torch.manual_seed(0)
    return kind().eval().requires_grad_(requires_grad=False)


def inputs(count: int) -> tuple[Tensor, Tensor]:
    """Latents `(image, 6)` and classes `(image,)`, of which two images in a row have different ones."""
    return torch.randn(count, LATENT, generator=torch.Generator().manual_seed(4)), 4 - torch.arange(count) % CLASSES
