"""What colors are in a picture: maps of R, G, B whose means are three features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Colors(nn.Module):
    """Pictures `(batch, 3, height, width)`, 0..1, as they are."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures


class Sized(Colors):
    """An input size that is no number."""

    size = "64"


class Lengths(nn.Module):
    """Not features: one number for all pictures."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.mean()


class Nothing(nn.Module):
    """The same features for all pictures `(batch, 2)`."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.new_zeros(len(pictures), 2)
