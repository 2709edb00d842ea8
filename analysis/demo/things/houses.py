"""Draw country buildings: house, church, barn, silo, windmill, lighthouse, hut."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import (
    DARK,
    DOORS,
    GLOW,
    IRON,
    PANE,
    ROOFS,
    SNOW,
    TIMBER,
    WALLS,
    WHITE,
    Color,
    shaded,
    varied,
)

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Brush

Point = tuple[float, float]

_LONG = 0.75
"""The length from which a house has three windows along its side."""


def window(
    brush: Brush, x: float, y: float, wide: float, high: float, *, frame: Color = WHITE, share: float = 0.6
) -> None:
    """Draw a framed window around a point; in the dark, this `share` of windows is lit."""
    brush.box(x - wide, y - high, x + wide, y + high, Look("window", "wood", frame))
    pane_wide, pane_high = wide * 0.74, high * 0.8
    brush.box(x - pane_wide, y - pane_high, x + pane_wide, y + pane_high, glazing(brush, share))
    brush.box(x - wide * 0.1, y - pane_high, x + wide * 0.1, y + pane_high, Look("window", "wood", frame))


def glazing(brush: Brush, share: float = 0.6) -> Look:
    """Choose the look of a pane: lit from within, or reflecting the sky."""
    dark = brush.mood.light.dark
    if dark > 0 and brush.dice.chance(share * min(1.0, dark + 0.2)):
        return Look("window", "glass", varied(brush.dice, GLOW, 14), lit=0.9, grain=0.4)
    return Look("window", "glass", varied(brush.dice, PANE, 12), fall=0.18)


def roofing(brush: Brush) -> tuple[str, Color]:
    """Choose the material and color of a roof; in winter it is snow."""
    if brush.mood.winter:
        return "snow", varied(brush.dice, SNOW, 3)
    material, color = brush.dice.pick(ROOFS)
    return material, varied(brush.dice, color, 10)


def walling(brush: Brush) -> tuple[str, Color]:
    """Choose the material and color of a wall."""
    material, color = brush.dice.pick(WALLS)
    return material, varied(brush.dice, color, 8)


def house(brush: Brush) -> None:
    """Draw a house seen from a corner: gable to the front, a long side and its roof."""
    brush.thing = "house"
    dice = brush.dice
    wall, roof = walling(brush), roofing(brush)
    long, eaves, half = dice.between(0.5, 0.95), dice.between(0.4, 0.62), dice.between(0.26, 0.34)
    brush.shadow(0.7, 0.06, x=0.3)
    lit = brush.mood.side * brush.way
    front, side = (0.84, 1.04) if lit > 0 else (1.04, 0.8)
    end = half + long
    brush.box(half, 0, end, eaves, Look("wall", wall[0], shaded(wall[1], side), fall=0.06))
    brush.polygon(
        ((-half, 0), (half, 0), (half, eaves), (0, 0.96), (-half, eaves)),
        Look("wall", wall[0], shaded(wall[1], front), fall=0.06),
    )
    if dice.chance(0.75):
        chimney(brush, end - 0.26, 1.06)
    brush.polygon(
        ((0.0, 1.0), (end - 0.22, 1.0), (end + 0.06, eaves - 0.05), (half + 0.05, eaves - 0.05)),
        Look("roof", roof[0], shaded(roof[1], side), fall=0.08),
    )
    trim = Look("roof", roof[0], shaded(roof[1], 0.72 if not brush.mood.winter else 0.95))
    brush.bar((-half - 0.07, eaves - 0.07), (0.01, 1.0), 0.055, trim)
    brush.bar((half + 0.05, eaves - 0.06), (-0.01, 1.0), 0.055, trim)
    door = dice.pick(DOORS)
    brush.box(-0.09, 0, 0.09, 0.3, Look("door", "wood", door, turn=0.1))
    for x in (-half * 0.62, half * 0.62):
        window(brush, x, 0.27, 0.062, 0.085)
    window(brush, 0, eaves + 0.08, 0.07, 0.085)
    for x in [half + long * share for share in ((0.25, 0.72) if long < _LONG else (0.2, 0.5, 0.8))]:
        window(brush, x, eaves * 0.55, 0.065, 0.1)
    brush.lamp(0, 0.3, 0.5, GLOW, 0.35)


def chimney(brush: Brush, x: float, top: float, low: float = 0.72, *, smoke: float = 0.35) -> None:
    """Draw a brick chimney, with smoke in a share `smoke` of all cases."""
    thing = brush.thing
    if brush.dice.chance(smoke):
        brush.thing = "cloud"
        gray: Color = (206, 206, 210)
        drift = brush.dice.between(0.3, 1.0)
        for step in range(6):
            brush.disc(
                x + drift * 0.05 * step**1.5, top + 0.06 + 0.085 * step, 0.035 + 0.016 * step, Look("", "", gray)
            )
        brush.thing = thing
    brush.box(x - 0.06, low, x + 0.06, top, Look("chimney", "brick", (160, 92, 76), turn=0.15))
    brush.box(x - 0.075, top - 0.03, x + 0.075, top + 0.015, Look("chimney", "brick", (112, 70, 62)))


def church(brush: Brush) -> None:
    """Draw a nave with tall windows, and a tower with a clock and a steeple."""
    brush.thing = "church"
    dice = brush.dice
    wall: tuple[str, Color] = dice.pick(
        (("stone", (178, 172, 160)), ("plaster", (238, 232, 218)), ("brick", (168, 96, 80)))
    )
    roof, lit = roofing(brush), brush.mood.side * brush.way
    brush.shadow(0.5, 0.04, x=0.2)
    brush.box(0.1, 0, 0.72, 0.3, Look("wall", wall[0], shaded(wall[1], 1.04 if lit > 0 else 0.86)))
    brush.polygon(((0.1, 0.28), (0.77, 0.28), (0.66, 0.5), (0.1, 0.5)), Look("roof", roof[0], roof[1], fall=0.08))
    for x in (0.26, 0.42, 0.58):
        brush.oval(x, 0.2, 0.028, 0.028, glazing(brush))
        brush.box(x - 0.028, 0.08, x + 0.028, 0.2, glazing(brush))
    brush.box(-0.14, 0, 0.14, 0.6, Look("wall", wall[0], wall[1], turn=0.12))
    top: Look = Look(
        "steeple",
        "metal" if not brush.mood.winter else roof[0],
        (92, 132, 120) if not brush.mood.winter else roof[1],
        turn=0.3,
    )
    brush.polygon(((-0.17, 0.59), (0.17, 0.59), (0.03, 0.86), (0, 1.08), (-0.03, 0.86)), top)
    brush.disc(0, 0.5, 0.068, Look("clock", "metal", WHITE, lit=0.3 * brush.mood.light.dark))
    brush.bar((0, 0.5), (0, 0.55), 0.015, Look("clock", "metal", DARK))
    brush.bar((0, 0.5), (0.035, 0.49), 0.015, Look("clock", "metal", DARK))
    brush.box(-0.05, 0, 0.05, 0.14, Look("door", "wood", (88, 62, 48)))
    brush.oval(0, 0.14, 0.05, 0.04, Look("door", "wood", (88, 62, 48)))
    brush.box(-0.03, 0.26, 0.03, 0.38, glazing(brush))


def barn(brush: Brush) -> None:
    """Draw a wooden barn with a kinked roof and a crossed door."""
    brush.thing = "barn"
    dice = brush.dice
    red = varied(dice, dice.pick(((162, 58, 46), (128, 84, 58), (96, 110, 118))), 8)
    roof, lit = roofing(brush), brush.mood.side * brush.way
    brush.shadow(0.9, 0.06, x=0.4)
    far = dice.between(1.0, 1.35)
    outline = ((-0.42, 0), (0.42, 0), (0.42, 0.5), (0.28, 0.78), (0, 0.96), (-0.28, 0.78), (-0.42, 0.5))
    brush.box(0.42, 0, far, 0.5, Look("wall", "wood", shaded(red, 1.04 if lit > 0 else 0.78)))
    cover = Look("roof", roof[0], shaded(roof[1], 1.0 if lit > 0 else 0.86), fall=0.06)
    brush.polygon(
        ((0.0, 1.0), (far - 0.28, 1.0), (far - 0.06, 0.8), (far + 0.05, 0.46), (0.46, 0.46), (0.31, 0.8)), cover
    )
    brush.polygon(outline, Look("wall", "wood", shaded(red, 0.84 if lit > 0 else 1.04)))
    edge = Look("roof", roof[0], shaded(roof[1], 0.8 if not brush.mood.winter else 1))
    points: tuple[Point, ...] = ((-0.46, 0.46), (-0.3, 0.79), (0, 0.99), (0.3, 0.79), (0.46, 0.46))
    for start, end in pairwise(points):
        brush.bar(start, end, 0.055, edge)
    door = Look("door", "wood", shaded(red, 0.62))
    brush.box(-0.2, 0, 0.2, 0.42, door)
    beam = Look("door", "wood", (234, 226, 212), grain=0.3)
    for start, end in (
        ((-0.2, 0.0), (0.2, 0.42)),
        ((0.2, 0.0), (-0.2, 0.42)),
        ((-0.21, 0.42), (0.21, 0.42)),
        ((-0.2, 0), (-0.2, 0.43)),
        ((0.2, 0), (0.2, 0.43)),
    ):
        brush.bar(start, end, 0.03, beam)
    window(brush, 0, 0.66, 0.08, 0.08)


def silo(brush: Brush) -> None:
    """Draw a metal grain store."""
    brush.thing = "silo"
    brush.shadow(0.24, 0.04)
    gray = varied(brush.dice, (176, 184, 190), 8)
    brush.box(-0.2, 0, 0.2, 0.78, Look("wall", "metal", gray, turn=0.35))
    for y in (0.15, 0.31, 0.47, 0.63):
        brush.box(-0.2, y, 0.2, y + 0.02, Look("wall", "metal", shaded(gray, 0.8), turn=0.35))
    dome = [(0.21 * math.cos(math.pi * step / 8), 0.77 + 0.2 * math.sin(math.pi * step / 8)) for step in range(9)]
    brush.polygon(dome, Look("roof", "metal", shaded(gray, 0.86), turn=0.35))


def windmill(brush: Brush) -> None:
    """Draw a mill with four blades."""
    brush.thing = "windmill"
    dice = brush.dice
    brush.shadow(0.24, 0.04)
    wall = walling(brush)
    brush.polygon(((-0.2, 0), (0.2, 0), (0.12, 0.62), (-0.12, 0.62)), Look("wall", wall[0], wall[1], turn=0.28))
    brush.polygon(
        ((-0.15, 0.6), (0.15, 0.6), (0.1, 0.72), (0, 0.77), (-0.1, 0.72)), Look("roof", "wood", (92, 70, 58), turn=0.2)
    )
    brush.box(-0.05, 0, 0.05, 0.15, Look("door", "wood", dice.pick(DOORS)))
    window(brush, 0, 0.34, 0.035, 0.05)
    start = dice.between(0, math.pi / 2)
    for number in range(4):
        angle = start + number * math.pi / 2
        run, rise = math.cos(angle), math.sin(angle)
        hub = (0.0, 0.64)
        brush.bar(hub, (0.42 * run, 0.64 + 0.42 * rise), 0.022, Look("blade", "wood", TIMBER))
        near, far = (
            (0.1 * run - 0.04 * rise, 0.64 + 0.1 * rise + 0.04 * run),
            (0.42 * run - 0.04 * rise, 0.64 + 0.42 * rise + 0.04 * run),
        )
        brush.bar(near, far, 0.075, Look("blade", "cloth", (238, 230, 212)))


def lighthouse(brush: Brush) -> None:
    """Draw a banded tower with a lamp."""
    brush.thing = "lighthouse"
    dice = brush.dice
    band: Color = dice.pick(((196, 56, 48), (44, 64, 110), (60, 60, 66)))
    for number in range(5):
        low, top = number * 0.15, (number + 1) * 0.15
        wide, thin = 0.13 - 0.06 * low, 0.13 - 0.06 * top
        look = Look("wall", "plaster", band if number % 2 else (246, 242, 234), turn=0.3)
        brush.polygon(((-wide, low), (wide, low), (thin, top), (-thin, top)), look)
    brush.box(-0.03, 0, 0.03, 0.1, Look("door", "wood", DARK))
    window(brush, 0, 0.42, 0.022, 0.035)
    brush.box(-0.11, 0.75, 0.11, 0.78, Look("wall", "metal", DARK))
    shine = brush.mood.light.dark
    brush.box(
        -0.055, 0.78, 0.055, 0.89, Look("lamp head", "glass", (255, 232, 150) if shine else (196, 218, 226), lit=shine)
    )
    brush.polygon(((-0.08, 0.89), (0.08, 0.89), (0, 1.0)), Look("roof", "metal", band, turn=0.3))
    brush.lamp(0, 0.83, 0.55, GLOW, 1.2)


def hut(brush: Brush) -> None:
    """Draw a log cabin with a wide roof."""
    brush.thing = "hut"
    dice = brush.dice
    brush.shadow(0.6, 0.07)
    timber = varied(dice, (134, 94, 62), 10)
    brush.polygon(((-0.5, 0), (0.5, 0), (0.5, 0.42), (0, 0.86), (-0.5, 0.42)), Look("wall", "wood", timber, fall=0.08))
    if dice.chance(0.7):
        chimney(brush, 0.3, 0.92, 0.5)
    roof = roofing(brush)
    cover = Look("roof", roof[0], roof[1])
    brush.bar((-0.68, 0.3), (0.03, 0.93), 0.13, cover)
    brush.bar((0.68, 0.3), (-0.03, 0.93), 0.13, Look("roof", roof[0], shaded(roof[1], 0.9)))
    brush.box(-0.1, 0, 0.1, 0.34, Look("door", "wood", dice.pick(DOORS)))
    for x in (-0.3, 0.3):
        window(brush, x, 0.25, 0.085, 0.09, frame=IRON if dice.chance(0.2) else WHITE, share=0.9)
    brush.lamp(0, 0.2, 0.6, GLOW, 0.4)
