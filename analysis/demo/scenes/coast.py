"""Compose the scenes by the sea: `harbour` and `beach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import shaded
from dissectory.analysis.demo.things import beings, coast, ground, houses, plants, sky, town

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Canvas

ALL_YEAR = ("spring", "summer", "summer", "autumn", "winter")
WARM = ("spring", "summer", "summer", "autumn")


def harbour(canvas: Canvas) -> None:
    """Draw boats and ships in front of a quay with cranes, containers or old houses."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.42, 0.54))
    line = canvas.horizon
    if dice.chance(0.6):
        sky.hills(canvas, line, 2, dice.between(0.05, 0.1))
    shore = line + 0.045
    _waterfront(canvas, shore - 0.012)
    ground.water(canvas, "sea", shore)
    stone = Look("", "stone", (148, 142, 134), fall=0.15)
    ground.band(canvas, "quay", shore - 0.012, shore + 0.022, stone)
    if dice.chance(0.6):
        canvas.put(coast.freighter, dice.between(0.25, 0.75), shore + 0.1, dice.between(0.11, 0.14))
    for x in dice.spread(dice.count(1, 3)):
        canvas.put(coast.sailing_boat, x, dice.between(shore + 0.1, 0.74), dice.between(0.18, 0.26))
    feet = sorted(dice.between(0.72, 0.93) for _ in range(dice.count(1, 3)))
    for x, foot in zip(dice.spread(len(feet), 0.05, 0.95), feet, strict=True):
        draw = dice.pick((coast.fishing_boat, coast.fishing_boat, coast.sailing_boat))
        canvas.put(draw, x, foot, (0.13 if draw is coast.fishing_boat else 0.26) * (0.5 + foot))
    if dice.chance(0.45):
        _mole(canvas, stone)


def _waterfront(canvas: Canvas, foot: float) -> None:
    """Draw the things on the far quay."""
    dice = canvas.dice
    cranes = dice.count(0, 3)
    if dice.chance(0.5) or not cranes:
        left = dice.between(0.0, 0.3)
        for place in range(dice.count(3, 8)):
            canvas.put(town.town_house, left + place * 0.085, foot, dice.between(0.17, 0.22), way=1)
    for x in dice.spread(cranes):
        canvas.put(coast.crane, x, foot, dice.between(0.26, 0.38))
    for x in dice.spread(dice.count(1, 3)):
        canvas.put(coast.containers, x, foot, dice.between(0.045, 0.06))
    if dice.chance(0.35):
        canvas.put(houses.lighthouse, dice.pick((0.06, 0.94)), foot, dice.between(0.26, 0.34))


def _mole(canvas: Canvas, stone: Look) -> None:
    """Draw a near quay with people and a lamp."""
    dice = canvas.dice
    ground.band(canvas, "quay", 0.93, 1.01, stone._replace(color=shaded(stone.color, 1.06)))
    for x in dice.spread(dice.count(1, 3)):
        canvas.put(beings.person, x, dice.between(0.95, 0.99), 0.11)
    canvas.put(town.lamp_post, dice.between(0.1, 0.9), 0.96, 0.26)


def beach(canvas: Canvas) -> None:
    """Draw sand, sea, parasols and bathers."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.34, 0.46))
    line = canvas.horizon
    if dice.chance(0.35):
        sky.hills(canvas, line + 0.01, 1, 0.08)
    ground.water(canvas, "sea", line)
    for x in dice.spread(dice.count(0, 3)):
        canvas.put(coast.sailing_boat, x, dice.between(line + 0.02, line + 0.09), dice.between(0.08, 0.14))
    shore = line + dice.between(0.12, 0.2)
    foam = sky.ridge(canvas, shore, 0.03, 0.02)
    sky.land(canvas, "sea", foam, Look("", "water", (232, 240, 238), grain=0.3))
    sand = Look("", "soil", ground.SAND, flat=True, grain=0.8)
    sky.land(
        canvas,
        "shore",
        [(x, y + 0.02 + dice.between(0, 0.006)) for x, y in foam],
        sand._replace(color=shaded(ground.SAND, 0.84)),
    )
    sky.land(canvas, "shore", [(x, y + 0.06) for x, y in foam], sand)
    for x in dice.spread(dice.count(0, 2)):
        canvas.put(ground.rock, dice.pick((x * 0.3, 1 - x * 0.3)), shore + 0.06, dice.between(0.04, 0.09))
    for x in dice.spread(dice.count(0, 2)):
        canvas.put(houses.hut, x * 0.3 if dice.chance(0.5) else 1 - x * 0.3, shore + 0.12, dice.between(0.14, 0.18))
    _holiday(canvas, shore)
    for _ in range(dice.count(0, 2)):
        canvas.put(
            plants.palm,
            dice.pick((dice.between(0.02, 0.2), dice.between(0.8, 0.98))),
            dice.between(0.8, 0.96),
            dice.between(0.45, 0.62),
        )


def _holiday(canvas: Canvas, shore: float) -> None:
    """Draw parasols, windbreaks and bathers, larger the nearer they are."""
    dice = canvas.dice
    feet = sorted(dice.between(shore + 0.1, 0.98) for _ in range(dice.count(5, 11)))
    for x, foot in zip(dice.shuffled(dice.spread(len(feet))), feet, strict=True):
        near = 0.35 + 0.65 * canvas.near(foot)
        draw = dice.pick((coast.parasol, coast.parasol, beings.bather, beings.bather, beings.bather, coast.windbreak))
        scale = {coast.parasol: 0.3, beings.bather: 0.2, coast.windbreak: 0.1}[draw]
        canvas.put(draw, x, foot, scale * near)
