"""Draw the things at the water: boats, ships, cranes, containers, parasols."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look, Mirror
from dissectory.analysis.demo.palette import CLOTHES, DARK, IRON, PAINTS, TIMBER, WHITE, Color, shaded, varied
from dissectory.analysis.demo.things.houses import glazing

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Brush


def reflected(brush: Brush, wide: float, high: float) -> None:
    """Reflect a thing in the water below it, `wide` to each side."""
    reach = wide * brush.size
    brush.canvas.mirrors.append(Mirror(brush.x - reach, brush.x + reach, brush.foot, high * brush.size))


def sailing_boat(brush: Brush) -> None:
    """Draw a hull, a mast, and two sails, set or furled."""
    brush.thing = "sailing boat"
    dice = brush.dice
    paint = varied(dice, dice.pick(PAINTS), 8)
    brush.box(-0.018, 0.1, 0.018, 1.0, Look("mast", "wood", (150, 116, 82)))
    if dice.chance(0.8):
        cloth: Color = dice.pick(((250, 246, 234), (250, 246, 234), (206, 84, 62), (236, 196, 110)))
        bow = [(0.035 + 0.36 * math.sin(step / 6 * 1.5), 0.96 - 0.8 * step / 6) for step in range(7)]
        brush.polygon(((0.035, 0.16), *bow), Look("sail", "cloth", cloth, turn=0.1, grain=0.3))
        brush.polygon(
            ((-0.03, 0.86), (-0.12, 0.5), (-0.36, 0.17), (-0.03, 0.17)),
            Look("sail", "cloth", shaded(cloth, 0.9), grain=0.3),
        )
    else:
        brush.bar((0.02, 0.24), (0.42, 0.22), 0.07, Look("sail", "cloth", (236, 230, 216)))
        brush.bar((0, 1.0), (-0.46, 0.12), 0.014, Look("mast", "wood", (120, 96, 72)))
    brush.polygon(((-0.5, 0.14), (0.46, 0.14), (0.4, 0), (-0.32, -0.03)), Look("hull", "wood", paint, fall=0.15))
    brush.polygon(((-0.52, 0.16), (0.47, 0.16), (0.45, 0.115), (-0.48, 0.115)), Look("hull", "wood", (238, 230, 214)))
    reflected(brush, 0.55, 1.0)


def fishing_boat(brush: Brush) -> None:
    """Draw a small ship with a wheelhouse."""
    brush.thing = "ship"
    dice = brush.dice
    paint = varied(dice, dice.pick(PAINTS), 8)
    brush.bar((-0.3, 0.3), (-0.3, 1.0), 0.035, Look("mast", "metal", IRON))
    brush.bar((-0.3, 0.9), (-0.7, 0.45), 0.025, Look("mast", "metal", IRON))
    brush.box(0.05, 0.3, 0.45, 0.74, Look("cabin", "wood", WHITE))
    brush.box(0.0, 0.72, 0.5, 0.79, Look("cabin", "wood", shaded(paint, 0.9)))
    for x in (0.1, 0.28):
        brush.box(x, 0.5, x + 0.12, 0.66, glazing(brush, 0.8))
    brush.polygon(((-0.86, 0.34), (0.9, 0.4), (0.66, -0.04), (-0.7, -0.04)), Look("hull", "wood", paint, fall=0.2))
    brush.polygon(((-0.88, 0.37), (0.92, 0.43), (0.9, 0.34), (-0.85, 0.29)), Look("hull", "wood", WHITE))
    brush.lamp(0.2, 0.6, 0.5, (255, 210, 130), 0.6)
    reflected(brush, 0.9, 1.0)


def freighter(brush: Brush) -> None:
    """Draw a ship with a bridge, a funnel and containers on deck."""
    brush.thing = "ship"
    dice = brush.dice
    paint = varied(dice, dice.pick(((150, 48, 44), (40, 66, 110), (44, 52, 58), (54, 110, 90))), 8)
    brush.box(-1.3, 0.4, -0.8, 1.0, Look("cabin", "metal", WHITE))
    for y in (0.56, 0.72, 0.88):
        for place in range(4):
            brush.box(-1.25 + place * 0.11, y, -1.18 + place * 0.11, y + 0.08, glazing(brush, 0.8))
    brush.box(-1.2, 1.0, -0.98, 1.26, Look("funnel", "metal", dice.pick(PAINTS), turn=0.25))
    brush.box(-1.2, 1.14, -0.98, 1.2, Look("funnel", "metal", WHITE))
    brush.bar((1.3, 0.4), (1.3, 0.86), 0.04, Look("mast", "metal", WHITE))
    brush.thing = "container"
    for column in range(6):
        for level in range(dice.count(1, 3)):
            left, low = -0.66 + column * 0.3, 0.38 + level * 0.17
            brush.box(left, low, left + 0.28, low + 0.16, Look("", "metal", varied(dice, dice.pick(PAINTS), 10)))
    brush.thing = "ship"
    brush.polygon(
        ((-1.5, 0.42), (1.4, 0.42), (1.66, 0.5), (1.4, 0.0), (-1.4, 0.0)), Look("hull", "metal", paint, fall=0.12)
    )
    brush.polygon(((-1.42, 0.08), (1.42, 0.08), (1.4, -0.02), (-1.4, -0.02)), Look("hull", "metal", (166, 66, 52)))
    brush.lamp(-1.05, 0.8, 0.6, (255, 210, 130), 0.5)
    reflected(brush, 1.6, 1.2)


def crane(brush: Brush) -> None:
    """Draw a harbor crane on four legs."""
    brush.thing = "crane"
    paint: Color = brush.dice.pick(((230, 160, 44), (196, 66, 48), (70, 110, 160), (120, 132, 138)))
    leg = Look("", "metal", paint, turn=0.2)
    for start, end in (
        ((-0.2, 0), (-0.09, 0.5)),
        ((0.2, 0), (0.09, 0.5)),
        ((-0.17, 0.16), (0.17, 0.16)),
        ((-0.17, 0.16), (0.1, 0.46)),
        ((0.17, 0.16), (-0.1, 0.46)),
    ):
        brush.bar(start, end, 0.032, leg)
    tip, mast = (0.62, 0.94), (0.0, 0.86)
    jib = Look("jib", "metal", paint)
    brush.bar((-0.02, 0.6), tip, 0.045, jib)
    brush.bar((0.05, 0.7), tip, 0.02, jib)
    for share in (0.2, 0.4, 0.6, 0.8):
        x, y = -0.02 + 0.64 * share, 0.6 + 0.34 * share
        brush.bar((x, y), (x + 0.03, y + 0.06 * (1 - share) + 0.02), 0.015, jib)
    brush.bar((0, 0.6), mast, 0.03, leg)
    brush.bar(mast, tip, 0.012, Look("cable", "metal", DARK))
    brush.bar(mast, (-0.22, 0.62), 0.012, Look("cable", "metal", DARK))
    brush.bar(tip, (0.62, 0.5), 0.012, Look("cable", "metal", DARK))
    brush.box(0.56, 0.44, 0.68, 0.5, Look("cable", "metal", DARK))
    brush.box(-0.26, 0.5, 0.12, 0.68, Look("cabin", "metal", paint, fall=0.1))
    brush.box(-0.02, 0.55, 0.1, 0.65, glazing(brush, 0.9))


def containers(brush: Brush) -> None:
    """Draw a stack of containers on land."""
    brush.thing = "container"
    dice = brush.dice
    brush.shadow(1.2, 0.1)
    for column in range(dice.count(1, 3)):
        for level in range(dice.count(1, 3)):
            left, low = -1.2 + column * 0.86, level * 0.36
            paint = varied(dice, dice.pick(PAINTS), 10)
            brush.box(left, low, left + 0.84, low + 0.35, Look("", "metal", paint, fall=0.1))
            for rib in range(1, 6):
                brush.box(
                    left + rib * 0.14,
                    low + 0.03,
                    left + rib * 0.14 + 0.03,
                    low + 0.32,
                    Look("", "metal", shaded(paint, 0.8)),
                )


def parasol(brush: Brush) -> None:
    """Draw a sunshade of striped cloth."""
    brush.thing = "parasol"
    dice = brush.dice
    brush.shadow(0.55, 0.07)
    cloth, lean = dice.pick(CLOTHES), dice.between(-0.12, 0.12)
    brush.bar((0, 0), (lean, 0.9), 0.035, Look("pole", "wood", (226, 216, 200)))
    points = [
        (lean + 0.52 * math.cos(math.pi * step / 8), 0.62 + 0.36 * math.sin(math.pi * step / 8)) for step in range(9)
    ]
    for place in range(8):
        look = Look("awning", "cloth", cloth if place // 2 % 2 == 0 else WHITE, turn=0.12, grain=0.3)
        brush.polygon((points[place], points[place + 1], (lean, 0.64)), look)


def windbreak(brush: Brush) -> None:
    """Draw striped cloth between posts; it is labeled as a tent."""
    brush.thing = "tent"
    cloth = brush.dice.pick(CLOTHES)
    brush.shadow(0.9, 0.12)
    for stripe in range(6):
        left = -0.9 + stripe * 0.3
        look = Look("awning", "cloth", cloth if stripe % 2 else WHITE, fall=0.1, grain=0.4)
        brush.polygon(((left, 0), (left + 0.3, 0), (left + 0.3, 0.62), (left, 0.62)), look)
    for stripe in range(4):
        x = -0.9 + stripe * 0.6
        brush.box(x - 0.03, 0, x + 0.03, 0.8, Look("pole", "wood", TIMBER))


def tent(brush: Brush) -> None:
    """Draw a tent of cloth with a dark door."""
    brush.thing = "tent"
    cloth: Color = brush.dice.pick(((226, 206, 166), (176, 92, 66), (92, 84, 92), (238, 232, 216), (76, 120, 96)))
    brush.shadow(0.9, 0.1)
    brush.polygon(((0.0, 0.92), (0.6, 0.84), (1.15, 0), (0.4, 0)), Look("awning", "cloth", shaded(cloth, 0.78)))
    brush.polygon(((-0.75, 0), (0, 0.95), (0.6, 0)), Look("awning", "cloth", cloth, turn=0.1))
    brush.polygon(((-0.2, 0), (-0.02, 0.6), (0.14, 0)), Look("door", "cloth", (58, 46, 44)))
    brush.bar((0, 0.9), (0, 1.05), 0.04, Look("pole", "wood", TIMBER))
    brush.lamp(0, 0.3, 0.8, (255, 180, 100), 0.8)
