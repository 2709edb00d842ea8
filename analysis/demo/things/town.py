"""Draw tower blocks, town houses, market stalls, lamps, traffic lights and benches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import CLOTHES, DARK, DOORS, GLOW, IRON, TIMBER, WHITE, Color, shaded, varied
from dissectory.analysis.demo.things.houses import chimney, glazing, roofing, walling, window

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Brush

_FRONTS: tuple[tuple[str, Color], ...] = (
    ("stone", (176, 168, 156)),
    ("stone", (132, 136, 146)),
    ("brick", (162, 92, 74)),
    ("brick", (142, 104, 90)),
    ("glass", (92, 128, 156)),
    ("glass", (82, 116, 122)),
    ("metal", (120, 130, 142)),
    ("plaster", (214, 202, 180)),
)


def tower_block(brush: Brush) -> None:
    """Draw a high-rise: a front full of windows and a side in shade."""
    brush.thing = "tower block"
    dice = brush.dice
    material, color = dice.pick(_FRONTS)
    color = varied(dice, color, 8)
    half, side = dice.between(0.13, 0.2), dice.between(0.05, 0.12)
    lit = brush.mood.side * brush.way > 0
    brush.polygon(
        ((half, 0), (half + side, 0), (half + side, 0.97), (half, 1)),
        Look("wall", material, shaded(color, 1.06 if lit else 0.66)),
    )
    brush.box(-half, 0, half, 1, Look("wall", material, shaded(color, 0.84 if lit else 1.0), fall=0.08))
    columns, step = dice.count(3, 5), dice.between(0.055, 0.075)
    for place in range(columns):
        x = -half + (place + 0.5) * 2 * half / columns
        wide = half / columns * 0.62
        for storey in range(math.ceil(0.79 / step)):
            y = 0.17 + storey * step
            brush.box(x - wide, y - step * 0.3, x + wide, y + step * 0.3, glazing(brush, 0.5))
    brush.box(-half, 0, half, 0.11, Look("wall", "stone", shaded(color, 0.6)))
    brush.box(-half * 0.3, 0, half * 0.3, 0.085, Look("door", "glass", (96, 116, 130), lit=0.4 * brush.mood.light.dark))
    cap = Look("roof", "stone", shaded(color, 0.7))
    brush.box(-half - 0.01, 0.985, half + 0.01, 1.01, cap)
    if dice.chance(0.5):
        brush.box(-half * 0.4, 1.0, half * 0.3, 1.04, cap)
    if dice.chance(0.3):
        brush.bar((0, 1.0), (0, 1.14), 0.012, Look("roof", "metal", IRON))


def town_house(brush: Brush) -> None:
    """Draw a narrow old house: steps or a slope to its gable, a shop below."""
    brush.thing = "town house"
    dice = brush.dice
    wall, roof = walling(brush), roofing(brush)
    half, eaves = dice.between(0.19, 0.24), dice.between(0.66, 0.78)
    front = Look("wall", wall[0], wall[1], fall=0.05)
    if dice.chance(0.4):
        chimney(brush, half * 0.6, 0.98, 0.7, smoke=0.12)
    if dice.chance(0.45):
        brush.box(-half, 0, half, eaves, front)
        for step in range(3):
            reach = half * (0.8 - 0.26 * step)
            brush.box(-reach, eaves - 0.01, reach, eaves + 0.08 * (step + 1), front)
            brush.box(
                -reach - 0.015,
                eaves + 0.08 * (step + 1) - 0.015,
                reach + 0.015,
                eaves + 0.08 * (step + 1) + 0.01,
                Look("roof", roof[0], roof[1]),
            )
    else:
        brush.polygon(((-half, 0), (half, 0), (half, eaves), (-half, eaves)), front)
        brush.polygon(
            ((-half - 0.03, eaves), (half + 0.03, eaves), (half * 0.45, 1), (-half * 0.45, 1)),
            Look("roof", roof[0], roof[1], fall=0.08),
        )
    for y in (0.38, 0.56):
        for x in (-half * 0.6, 0.0, half * 0.6):
            window(brush, x, y, 0.038, 0.062)
    window(brush, 0, eaves + 0.085, 0.036, 0.045)
    brush.box(half * 0.3, 0, half * 0.75, 0.2, Look("door", "wood", dice.pick(DOORS)))
    window(brush, -half * 0.32, 0.13, half * 0.5, 0.075, share=1.0)
    brush.lamp(-half * 0.3, 0.1, 0.22, GLOW, 0.5)
    if dice.chance(0.5):
        _awning(brush, -half * 0.9, half * 0.22, 0.2, 0.29)


def _awning(brush: Brush, left: float, right: float, low: float, top: float) -> None:
    """Draw a striped cloth roof over a front."""
    cloth = brush.dice.pick(CLOTHES)
    count = 5
    for stripe in range(count):
        near, far = (left + (right - left) * (stripe + end) / count for end in (0, 1))
        inset = 0.12 * (right - left)
        upper = [left + inset + (x - left) * (1 - 0.24) for x in (near, far)]
        look = Look("awning", "cloth", cloth if stripe % 2 == 0 else WHITE, fall=0.1, grain=0.3)
        brush.polygon(((near, low), (far, low), (upper[1], top), (upper[0], top)), look)


def clock_tower(brush: Brush) -> None:
    """Draw the town's tower, its clock lit at night."""
    brush.thing = "church"
    roof = roofing(brush)
    stone = varied(brush.dice, (170, 158, 144), 8)
    brush.box(-0.11, 0, 0.11, 0.74, Look("wall", "stone", stone, turn=0.15))
    brush.box(-0.135, 0.72, 0.135, 0.76, Look("wall", "stone", shaded(stone, 0.8)))
    brush.polygon(((-0.13, 0.75), (0.13, 0.75), (0, 1.05)), Look("steeple", roof[0], roof[1], turn=0.25))
    brush.disc(0, 0.62, 0.085, Look("clock", "metal", (90, 76, 60)))
    brush.disc(0, 0.62, 0.07, Look("clock", "glass", (250, 240, 206), lit=brush.mood.light.dark))
    for end in ((0.0, 0.675), (0.04, 0.61)):
        brush.bar((0, 0.62), end, 0.014, Look("clock", "metal", DARK))
    for y in (0.2, 0.4):
        brush.box(-0.025, y, 0.025, y + 0.09, glazing(brush))
    brush.lamp(0, 0.62, 0.2, GLOW, 0.5)


def stall(brush: Brush) -> None:
    """Draw a market stall with goods and a string of lights."""
    brush.thing = "market stall"
    dice = brush.dice
    brush.shadow(0.8, 0.1)
    for x in (-0.68, 0.68):
        brush.box(x - 0.04, 0, x + 0.04, 0.8, Look("pole", "wood", TIMBER))
    brush.box(-0.72, 0, 0.72, 0.36, Look("counter", "wood", varied(dice, (150, 106, 70), 10)))
    for place in range(8):
        goods: Color = dice.pick(((224, 96, 60), (238, 190, 60), (120, 170, 70), (196, 60, 90)))
        brush.disc(-0.6 + place * 0.17, 0.4, 0.08, Look("counter", "foliage", goods))
    cloth = dice.pick(CLOTHES)
    for stripe in range(6):
        left, right = -0.84 + stripe * 0.28, -0.84 + (stripe + 1) * 0.28
        look = Look("awning", "cloth", cloth if stripe % 2 else WHITE, fall=0.12, grain=0.3)
        brush.polygon(((left, 0.74), (right, 0.74), (right * 0.8, 1.08), (left * 0.8, 1.08)), look)
    brush.lamp(0, 0.6, 0.75, (255, 200, 120), 0.8)


def lamp_post(brush: Brush) -> None:
    """Draw a street lamp: old, with a lantern, or new, with an arm."""
    brush.thing = "street lamp"
    shine = brush.mood.light.dark
    pole = Look("pole", "metal", (54, 58, 64), turn=0.2)
    head = Look("lamp head", "glass", (255, 232, 168) if shine else (206, 212, 214), lit=shine)
    brush.box(-0.022, 0, 0.022, 0.86, pole)
    brush.box(-0.05, 0, 0.05, 0.08, pole)
    if brush.dice.chance(0.6):
        brush.polygon(((-0.055, 0.84), (0.055, 0.84), (0.085, 0.97), (-0.085, 0.97)), head)
        brush.polygon(((-0.1, 0.96), (0.1, 0.96), (0, 1.03)), Look("lamp head", "metal", (54, 58, 64)))
        x, y = 0.0, 0.9
    else:
        brush.bar((0, 0.85), (0.18, 0.97), 0.035, pole)
        brush.box(0.1, 0.93, 0.32, 0.985, head)
        x, y = 0.21, 0.95
    brush.lamp(x, y, 0.26, GLOW, 1.3)
    brush.lamp(x, 0.1, 0.42, GLOW, 0.8)


def traffic_light(brush: Brush) -> None:
    """Draw red, amber and green lights, one of them lit."""
    brush.thing = "traffic light"
    brush.box(-0.03, 0, 0.03, 0.7, Look("pole", "metal", IRON))
    brush.box(-0.1, 0.6, 0.1, 1.0, Look("lamp head", "metal", (40, 42, 44)))
    on = brush.dice.count(0, 2)
    colors: tuple[Color, ...] = ((236, 60, 46), (250, 186, 50), (70, 214, 110))
    for place, color in enumerate(colors):
        lit = place == on
        look = Look("lamp head", "glass", color if lit else shaded(color, 0.3), lit=0.9 if lit else 0)
        brush.disc(0, 0.93 - 0.13 * place, 0.055, look)
    brush.lamp(0, 0.93 - 0.13 * on, 0.3, colors[on], 0.8)


def bench(brush: Brush) -> None:
    """Draw a park bench."""
    brush.thing = "bench"
    brush.shadow(0.8, 0.12)
    wood = Look("seat", "wood", varied(brush.dice, TIMBER, 10), fall=0.1)
    for x in (-0.6, 0.6):
        brush.box(x - 0.06, 0, x + 0.06, 0.9, Look("", "metal", IRON))
    for low in (0.38, 0.62, 0.82):
        brush.box(-0.78, low, 0.78, low + 0.14, wood)
