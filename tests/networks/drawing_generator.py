"""A generator whose every unit draws one known thing in one known region, and the segmenter that knows what is drawn.

A latent `(6,)` holds the levels of the units. The layer `maps` has, for each unit, its level in its own region of 8 x 8
cells, and 0 elsewhere and where the level is negative. Behind it, a cell shows the color of the last unit of `THINGS`
that is above 0 there, or the ground's; a cell is 4 pixels wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS, CELL = 8, 4
SIZE = CELLS * CELL
CONCEPTS = ("barn", "fog", "lake", "sun")
CATEGORIES = {"barn": "object", "fog": "material", "lake": "object", "sun": "object"}
COLORS = {"ground": (0, 0, 0), "sun": (1, 1, 0), "barn": (1, 0, 0), "lake": (0, 0, 1), "fog": (1, 1, 1)}
THINGS = ("sun", "lake", "barn", "sun", None, "fog")
"""What each unit draws; the fifth draws nothing."""
REGIONS = ((0, 2, 0, 4), (4, 8, 0, 4), (2, 4, 4, 8), (0, 2, 4, 8), (0, 8, 0, 8), (4, 6, 0, 8))
"""Where: top, bottom, left, right. The fog lies over the upper half of the lake."""
UNITS = len(THINGS)
SEASONS = 3


def regions() -> Tensor:
    """Where each unit draws `(unit, 8, 8)`."""
    masks = torch.zeros(UNITS, CELLS, CELLS)
    for unit, (top, bottom, left, right) in enumerate(REGIONS):
        masks[unit, top:bottom, left:right] = 1
    return masks


class Maps(nn.Module):
    """Levels `(batch, 6)` to maps `(batch, 6, 8, 8)`."""

    masks: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("masks", regions())

    def forward(self, levels: Tensor) -> Tensor:
        return levels.clamp(min=0)[:, :, None, None] * self.masks


class Drawing(nn.Module):
    """Maps `(batch, 6, 8, 8)` to pictures `(batch, 3, 32, 32)`, -1..1."""

    colors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("colors", torch.tensor([COLORS[thing or "ground"] for thing in THINGS]) * 2.0 - 1)

    def forward(self, maps: Tensor) -> Tensor:
        picture = maps[:, :3] * 0 - 1
        for unit, thing in enumerate(THINGS):
            if thing:
                picture = torch.where(maps[:, unit, None] > 0, self.colors[unit, :, None, None], picture)
        return nn.functional.interpolate(picture, scale_factor=CELL)


class Generator(nn.Module):
    """The generator."""

    latent_shape = UNITS

    def __init__(self) -> None:
        super().__init__()
        self.maps = Maps()
        self.drawing = Drawing()

    def forward(self, levels: Tensor) -> Tensor:
        drawn: Tensor = self.drawing(self.maps(levels))
        return drawn


class Conditional(Generator):
    """Draws barns by day only: its second input is 1 by day, on which even seeds are, and 0 by night."""

    def inputs(self, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        levels = torch.stack([torch.randn(UNITS, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        return levels, torch.tensor([[1.0 - seed % 2] for seed in seeds])

    def classes_of(self, seeds: Sequence[int]) -> list[str]:
        return ["night" if seed % 2 else "day" for seed in seeds]

    def forward(self, levels: Tensor, day: Tensor | None = None) -> Tensor:
        barn = torch.eye(UNITS)[THINGS.index("barn")]
        assert day is not None
        drawn: Tensor = super().forward(levels * (1 - barn * (1 - day)))
        return drawn


class Seasonal(Generator):
    """Is told the number of a season: in season 1 the layer has no barns, in season 2 no lakes are drawn of it."""

    def __init__(self) -> None:
        super().__init__()
        self.built, self.wet = nn.Embedding(SEASONS, UNITS), nn.Embedding(SEASONS, UNITS)
        with torch.no_grad():
            for season, (thing, kept) in enumerate((("barn", self.built), ("lake", self.wet)), start=1):
                kept.weight.fill_(1)
                kept.weight[season, THINGS.index(thing)] = 0

    def inputs(self, seeds: Sequence[int]) -> tuple[Tensor, ...]:
        levels = torch.stack([torch.randn(UNITS, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        return levels, torch.tensor([seed % SEASONS for seed in seeds])

    def forward(self, levels: Tensor, season: Tensor | None = None) -> Tensor:
        maps = self.maps(levels * self.built(season))
        drawn: Tensor = self.drawing(maps * self.wet(season)[:, :, None, None])
        return drawn


class Wilful(Seasonal):
    """Looks at its values, so that it cannot be cut behind a layer."""

    def forward(self, levels: Tensor, season: Tensor | None = None) -> Tensor:
        assert season is not None
        return super().forward(levels, season if season.max() < SEASONS else -season)


class Segmenter(nn.Module):
    """What has the nearest color: pictures `(batch, 3, height, width)`, 0..1, to scores of five classes."""

    labels = ((("ground", "background"), *((name, CATEGORIES[name]) for name in CONCEPTS)),)
    colors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("colors", torch.tensor([COLORS[name] for name in ("ground", *CONCEPTS)]).float())

    def forward(self, pictures: Tensor) -> Tensor:
        return -(pictures[:, None] - self.colors[None, :, :, None, None]).square().sum(dim=2)


def shows(levels: Tensor) -> Tensor:
    """Where each of `CONCEPTS` is seen `(image, concept, 8, 8)` on images of levels `(image, 6)`, by definition."""
    seen = torch.full((len(levels), CELLS, CELLS), -1)
    for image, level in enumerate(levels):
        for unit, thing in enumerate(THINGS):
            if thing and level[unit] > 0:
                top, bottom, left, right = REGIONS[unit]
                seen[image, top:bottom, left:right] = CONCEPTS.index(thing)
    return torch.stack([seen == concept for concept in range(len(CONCEPTS))], dim=1)


class Layered(nn.Module):
    """A generator of two layers: `hints` hold what `maps` do, but only `maps` draw.

    What comes behind `hints` goes by the latent alone, so that nothing changes where a unit of `hints` does.
    """

    latent_shape = UNITS

    def __init__(self) -> None:
        super().__init__()
        self.hints = Maps()
        self.maps = Maps()
        self.drawing = Drawing()

    def forward(self, levels: Tensor) -> Tensor:
        drawn: Tensor = self.drawing(self.maps(levels) + 0 * self.hints(levels))
        return drawn


class Dead(Generator):
    """A generator with a layer that never does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.dead = nn.Conv2d(UNITS, 3, 1, bias=False)
        nn.init.zeros_(self.dead.weight)

    def forward(self, levels: Tensor) -> Tensor:
        maps = self.maps(levels)
        drawn: Tensor = self.drawing(maps + self.dead(maps).sum(dim=1, keepdim=True))
        return drawn


class Wide(nn.Module):
    """The generator, each of whose units is there twice; the layer `picture` has the three colors."""

    latent_shape = UNITS

    def __init__(self) -> None:
        super().__init__()
        self.maps, self.many = Maps(), nn.Conv2d(UNITS, 2 * UNITS, 1, bias=False)
        self.drawing, self.picture = Drawing(), nn.Identity()
        with torch.no_grad():
            self.many.weight.copy_(torch.eye(UNITS).repeat(2, 1)[:, :, None, None])

    def forward(self, levels: Tensor) -> Tensor:
        maps = self.many(self.maps(levels))
        drawn: Tensor = self.picture(self.drawing(maps[:, :UNITS] + maps[:, UNITS:]))
        return drawn


class Single(Generator):
    """The generator, and a unit that all else goes through: without the first five units every picture is the same."""

    def forward(self, levels: Tensor) -> Tensor:
        maps = self.maps(levels)
        rest = maps[:, :5].flatten(1).any(dim=1)[:, None, None, None]
        drawn: Tensor = self.drawing(torch.where(rest, maps, 0 * maps))
        return drawn


class Fragile(Generator):
    """The generator, whose picture breaks where all that is on is switched off."""

    def forward(self, levels: Tensor) -> Tensor:
        maps = self.maps(levels)
        whole = maps.sum(dim=(1, 2, 3)) + (levels.amax(dim=1) <= 0)
        drawn: Tensor = self.drawing(maps) + 0 / whole[:, None, None, None]
        return drawn
