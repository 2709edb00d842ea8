"""Draw trees, firs, palms, cactuses, bushes, flowers and mushrooms."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import BARK, FIRS, LEAVES, SNOW, Color, shaded, varied

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Brush

_LARGE = 0.4
"""The size from which a tree shows tufts."""
_HEAPS = (
    ((-0.24, 0.5, 0.2), (0.24, 0.5, 0.2), (0.0, 0.5, 0.24), (-0.16, 0.7, 0.2), (0.17, 0.69, 0.2), (0.0, 0.84, 0.17)),
    ((-0.14, 0.42, 0.15), (0.14, 0.42, 0.15), (0, 0.58, 0.19), (0, 0.76, 0.16), (0, 0.9, 0.1)),
    ((-0.36, 0.62, 0.17), (0.36, 0.62, 0.17), (-0.14, 0.64, 0.22), (0.15, 0.66, 0.22), (0, 0.8, 0.17)),
)
"""Crowns as discs: round, tall, and wide."""


def tree(brush: Brush) -> None:
    """Draw a broad-leaved tree in its season."""
    brush.thing = "tree"
    dice, season = brush.dice, brush.mood.season
    brush.shadow(0.34, 0.05)
    bark = varied(dice, dice.pick((BARK, BARK, (206, 202, 194))), 8)
    brush.polygon(((-0.055, 0), (0.055, 0), (0.03, 0.5), (-0.03, 0.5)), Look("trunk", "wood", bark, turn=0.3))
    if brush.mood.winter:
        _bare(brush, bark)
        return
    leaf = varied(dice, dice.pick(LEAVES[season]), 10)
    heap = [(x + dice.between(-0.04, 0.04), y + dice.between(-0.03, 0.03), r) for x, y, r in dice.pick(_HEAPS)]
    lean = brush.mood.side * brush.way * 0.05
    for lift, factor, share in ((-0.02, 0.66, 1.0), (0.03, 0.94, 0.82), (0.075, 1.16, 0.5)):
        look = Look("crown", "foliage", shaded(leaf, factor), turn=0.05, fall=0.05)
        for x, y, radius in heap:
            brush.disc(x + lean * (1 - share) * 3, y + lift, radius * share, look)
            if brush.size > _LARGE:
                _sprigs(brush, (x + lean * (1 - share) * 3, y + lift, radius * share), shaded(leaf, factor))


def _sprigs(brush: Brush, disc: tuple[float, float, float], leaf: Color) -> None:
    """Break the outline of a large tree's disc with tufts."""
    dice = brush.dice
    x, y, radius = disc
    for number in range(9):
        angle, reach = number * 0.7 + dice.between(-0.25, 0.25), radius * dice.between(0.45, 0.96)
        look = Look("crown", "foliage", shaded(leaf, dice.between(0.9, 1.1)))
        brush.disc(x + reach * math.cos(angle), y + reach * math.sin(angle), radius * dice.between(0.16, 0.3), look)


def _bare(brush: Brush, bark: Color) -> None:
    """Draw branches without leaves, with snow in their forks."""
    look, dice = Look("branch", "wood", bark), brush.dice
    for way in (-0.75, -0.35, 0.0, 0.4, 0.8):
        angle = way + dice.between(-0.1, 0.1)
        start = (0.0, 0.36 + 0.12 * (1 - abs(way)))
        end = (start[0] + 0.42 * math.sin(angle), start[1] + 0.46 * math.cos(angle))
        brush.bar(start, end, 0.035, look)
        for turn in (-0.5, 0.5):
            middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
            tip = (middle[0] + 0.22 * math.sin(angle + turn), middle[1] + 0.22 * math.cos(angle + turn))
            brush.bar(middle, tip, 0.024, look)
            brush.bar(((middle[0] + end[0]) / 2, (middle[1] + end[1]) / 2), (tip[0] * 1.12, tip[1] + 0.06), 0.018, look)
    brush.disc(0, 0.47, 0.035, Look("branch", "snow", SNOW))


def fir(brush: Brush) -> None:
    """Draw a fir of four tiers, under snow in winter."""
    brush.thing = "fir"
    dice = brush.dice
    green = varied(dice, dice.pick(FIRS), 8)
    brush.shadow(0.26, 0.05)
    brush.box(-0.035, 0, 0.035, 0.2, Look("trunk", "wood", BARK, turn=0.3))
    light = brush.mood.side * brush.way
    for low, top, wide in ((0.1, 0.5, 0.29), (0.3, 0.68, 0.235), (0.48, 0.84, 0.18), (0.64, 1.0, 0.125)):
        hem = [(wide * step / 3, low + (0.0 if step % 2 else 0.045)) for step in range(-3, 4)]
        look = Look("crown", "foliage", shaded(green, 0.8 + low * 0.4), turn=0.25, fall=-0.08)
        brush.polygon((*hem, (0, top)), look)
        if brush.mood.winter:
            white = Look("crown", "snow", SNOW, turn=0.08)
            brush.polygon(
                (
                    (0, top),
                    (wide * 0.62 * light, low + 0.13),
                    (wide * 0.2 * light, low + 0.17),
                    (-wide * 0.3 * light, low + 0.21),
                ),
                white,
            )
        else:
            lit = Look("crown", "foliage", shaded(green, 1.2), grain=0.8)
            brush.polygon(((0, top), (wide * 0.75 * light, low + 0.07), (wide * 0.25 * light, low + 0.12)), lit)


def palm(brush: Brush) -> None:
    """Draw a leaning palm."""
    brush.thing = "palm"
    dice = brush.dice
    brush.shadow(0.3, 0.04)
    lean, bark = dice.between(0.05, 0.24), Look("trunk", "wood", varied(dice, (142, 112, 80), 8), turn=0.25)
    spine = [(lean * (step / 6) ** 1.7, 0.78 * step / 6) for step in range(7)]
    for number, (start, end) in enumerate(pairwise(spine)):
        brush.bar(start, end, 0.06 - 0.004 * number, bark)
    top = spine[-1]
    green = varied(dice, (78, 132, 62), 10)
    for number in range(9):
        angle = -2.0 + number * 0.5 + dice.between(-0.12, 0.12)
        reach = dice.between(0.26, 0.34)
        out, up = math.sin(angle) * reach, math.cos(angle) * reach
        look = Look("frond", "foliage", shaded(green, 0.78 + 0.5 * (number % 3) / 2))
        knee = (top[0] + out * 0.6, top[1] + up * 0.6 + 0.06)
        tip = (top[0] + out, top[1] + up - 0.1)
        brush.polygon((top, (knee[0], knee[1] + 0.025), tip, (knee[0], knee[1] - 0.035)), look)


def cactus(brush: Brush) -> None:
    """Draw a saguaro with two arms."""
    brush.thing = "cactus"
    dice = brush.dice
    brush.shadow(0.22, 0.05)
    green = varied(dice, (86, 128, 76), 10)
    stem = Look("stem", "foliage", green, turn=0.35, grain=0.5)
    brush.box(-0.09, 0, 0.09, 0.9, stem)
    brush.disc(0, 0.9, 0.09, stem)
    arm = Look("arm", "foliage", shaded(green, 0.94), turn=0.35, grain=0.5)
    for side, low in ((1, dice.between(0.25, 0.4)), (-1, dice.between(0.4, 0.55))):
        reach, top = dice.between(0.2, 0.27), low + dice.between(0.2, 0.34)
        brush.box(min(side * 0.08, side * reach), low - 0.055, max(side * 0.08, side * reach), low + 0.055, arm)
        brush.box(side * reach - 0.06, low - 0.03, side * reach + 0.06, top, arm)
        brush.disc(side * reach, top, 0.06, arm)
        brush.disc(side * reach, low, 0.06, arm)
    if dice.chance(0.3):
        brush.disc(0, 1.0, 0.05, Look("stem", "foliage", (236, 120, 150)))


def bush(brush: Brush) -> None:
    """Draw a low round shrub."""
    brush.thing = "bush"
    dice = brush.dice
    brush.shadow(0.7, 0.1)
    leaf = varied(dice, dice.pick(LEAVES["summer"]), 12)
    for factor, share, lift in ((0.7, 1.0, 0.0), (1.0, 0.75, 0.06), (1.18, 0.4, 0.16)):
        snow = brush.mood.winter and factor > 1
        look = Look("crown", "snow", SNOW) if snow else Look("crown", "foliage", shaded(leaf, factor))
        for x, y, radius in ((-0.45, 0.3, 0.34), (0.45, 0.3, 0.34), (0.0, 0.48, 0.44)):
            brush.disc(x, y + lift, radius * share, look)


def flower(brush: Brush) -> None:
    """Draw a bloom on a stem."""
    brush.thing = "flower"
    color: Color = brush.dice.pick(((232, 84, 92), (250, 214, 86), (246, 240, 250), (172, 110, 200), (240, 150, 70)))
    brush.bar((0, 0), (0, 0.8), 0.12, Look("stem", "foliage", (84, 136, 62)))
    petal = Look("petal", "foliage", color, grain=0.2)
    for angle in (0.5, 1.76, 3.0, 4.3, 5.5):
        brush.disc(0.24 * math.cos(angle), 0.8 + 0.24 * math.sin(angle), 0.2, petal)
    brush.disc(0, 0.8, 0.13, Look("petal", "foliage", (238, 190, 70), grain=0.2))


def mushroom(brush: Brush) -> None:
    """Draw a toadstool."""
    brush.thing = "mushroom"
    red: Color = brush.dice.pick(((206, 54, 44), (176, 120, 76)))
    brush.box(-0.12, 0, 0.12, 0.6, Look("stem", "foliage", (238, 230, 212), turn=0.2, grain=0.1))
    brush.polygon(
        ((-0.5, 0.5), (-0.36, 0.82), (0, 0.98), (0.36, 0.82), (0.5, 0.5)),
        Look("cap", "foliage", red, fall=0.15, grain=0.2),
    )
    for x, y in ((-0.2, 0.72), (0.1, 0.84), (0.24, 0.62)):
        brush.disc(x, y, 0.07, Look("cap", "foliage", (246, 240, 230), grain=0.1))
