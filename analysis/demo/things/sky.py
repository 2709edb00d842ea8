"""Draw clouds, sun, moon, birds, and the mountains and hills at the horizon."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Brush, Look
from dissectory.analysis.demo.palette import GRASS, SNOW, Color, mixed, shaded

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Canvas

Point = tuple[float, float]


def heavens(canvas: Canvas, horizon: float) -> None:
    """Draw the sky down to the horizon: sun or moon, clouds, birds."""
    canvas.horizon = horizon
    dice, mood = canvas.dice, canvas.mood
    if mood.weather in {"clear", "cloudy"}:
        x = dice.between(0.55, 0.92)
        place = (x if mood.side > 0 else 1 - x, dice.between(0.08, max(0.1, horizon - 0.1)))
        if mood.light.sun is not None:
            canvas.sun = place
            canvas.put(sun, *place, dice.between(0.03, 0.045), depth=0)
        elif dice.chance(0.75):
            canvas.put(moon, place[0], min(place[1], 0.25), dice.between(0.035, 0.055), depth=0)
    count = {"clear": dice.count(0, 2), "cloudy": dice.count(2, 5), "rain": dice.count(4, 6)}.get(mood.weather, 0)
    for x in dice.spread(count):
        canvas.put(cloud, x, dice.between(0.06, max(0.1, horizon - 0.14)), dice.between(0.05, 0.1), depth=0.25)
    if not mood.dark and mood.weather != "snowfall" and dice.chance(0.4):
        for _ in range(dice.count(1, 4)):
            canvas.put(bird, dice.between(0.05, 0.95), dice.between(0.06, horizon - 0.06), dice.between(0.03, 0.05))


def sun(brush: Brush) -> None:
    """Draw the sun's disc."""
    brush.thing = "sun"
    light = brush.mood.light
    brush.disc(0, 0, 1, Look("", "", light.sun or (255, 255, 255), lit=1))


def moon(brush: Brush) -> None:
    """Draw a full or a crescent moon."""
    brush.thing = "moon"
    look = Look("", "", (248, 240, 208), lit=1)
    brush.lamp(0, 0, 2.6, (150, 165, 220), 0.8)
    if brush.dice.chance(0.4):
        brush.disc(0, 0, 0.9, look)
        return
    turn = [math.pi * (step / 10 - 0.5) for step in range(11)]
    outer = [(math.cos(angle), math.sin(angle)) for angle in turn]
    brush.polygon([*outer, *((x * 0.35, y) for x, y in reversed(outer))], look)


def cloud(brush: Brush) -> None:
    """Draw a heap of puffs over a flat foot."""
    brush.thing = "cloud"
    dice, light = brush.dice, brush.mood.light
    heavy = brush.mood.weather == "rain"
    white: Color = (176, 180, 188) if heavy else mixed((252, 252, 252), light.horizon, 0.25 if light.dark else 0.06)
    puffs = [
        (x, dice.between(0.0, 0.85) * (1.7 - abs(x)) / 1.7, dice.between(0.42, 0.78))
        for x in (-1.5, -0.8, 0.0, 0.8, 1.6)
    ]
    for drop, factor in ((-0.2, 0.84), (0.0, 0.95), (0.14, 1.0)):
        look = Look("", "", shaded(white, factor), fall=0.05)
        for x, y, radius in puffs:
            brush.disc(x, y + drop, radius * (0.8 if drop > 0 else 1), look)
        if drop <= 0:
            brush.oval(0, -0.45 + drop * 0.6, 2.1, 0.35, look)


def bird(brush: Brush) -> None:
    """Draw a gull or a crow in the air: two wings."""
    brush.thing = "bird"
    color: Color = brush.dice.pick(((62, 62, 70), (236, 236, 236)))
    look = Look("wing", "hide", color)
    lift = brush.dice.between(0.2, 0.5)
    for side in (-1, 1):
        brush.polygon(
            ((0, 0), (side * 0.35, lift + 0.1), (side * 0.8, lift * 0.7), (side * 0.35, lift - 0.1), (0, -0.2)), look
        )


def ridge(canvas: Canvas, height: float, swing: float, rough: float, steps: int = 40) -> list[Point]:
    """Return a skyline around `height`, from left to right; `rough` 0 is smooth and 1 is jagged."""
    dice = canvas.dice
    waves = [(dice.between(2.0, 3.6) * number, dice.between(0, 6.3), 1 / number) for number in (1, 2, 3)]
    return [
        (
            step / steps,
            height
            - swing * 0.4 * sum(size * math.sin(step / steps * speed + start) for speed, start, size in waves)
            - swing * rough * dice.between(-0.35, 0.35),
        )
        for step in range(steps + 1)
    ]


def land(canvas: Canvas, thing: str, skyline: list[Point], look: Look, depth: float = 0.0) -> None:
    """Draw land from a skyline (y downwards) to the bottom of the picture."""
    brush = Brush(canvas, foot=1, depth=depth)
    brush.thing = thing
    brush.polygon([(-0.01, -0.02), *((x, 1 - y) for x, y in skyline), (1.01, 1 - skyline[-1][1]), (1.01, -0.02)], look)


def mountains(canvas: Canvas, horizon: float, high: float, *, bare: bool = False) -> None:
    """Draw peaks, with snow unless they are `bare`."""
    dice = canvas.dice
    rock: Color = (176, 128, 98) if bare else (112, 118, 134)
    for layer in range(dice.count(1, 2)):
        brush = Brush(canvas, foot=horizon + 0.02, depth=1.7 - 0.5 * layer)
        brush.thing = "mountain"
        for x in dice.spread(dice.count(3, 5), -0.1, 1.1):
            _peak(
                brush, x, high * dice.between(0.55, 1.0) * (1 - 0.3 * layer), shaded(rock, 1 - 0.1 * layer), bare=bare
            )


def _peak(brush: Brush, x: float, high: float, rock: Color, *, bare: bool) -> None:
    """Draw one peak: a lit and a shaded flank, and snow above a ragged line."""
    dice, side = brush.dice, brush.mood.side
    wide, lean = high * dice.between(0.9, 1.4), dice.between(-0.05, 0.05)
    top = (x + lean, high)
    for way, factor in ((-1, 1.08 if side < 0 else 0.8), (1, 1.08 if side > 0 else 0.8)):
        knee = (x + way * wide * 0.45, high * dice.between(0.42, 0.56))
        brush.polygon(
            (top, knee, (x + way * wide, -0.03), (x + lean * 2, -0.03)), Look("", "stone", shaded(rock, factor))
        )
        if not bare or brush.mood.winter:
            line = dice.between(0.25, 0.5)
            edge = (x + way * wide * 0.45 * line / 0.5, high * (1 - line))
            ragged = (
                (x + way * wide * 0.12, high * (1 - line * 1.1)),
                (x + lean + way * 0.02, high * (1 - line * 0.7)),
            )
            brush.polygon((top, edge, *ragged, (x + lean, high * (1 - line))), Look("", "snow", shaded(SNOW, factor)))


def hills(canvas: Canvas, horizon: float, count: int = 2, swing: float = 0.07) -> None:
    """Draw wooded or grassy hills, one behind another."""
    mood = canvas.mood
    green = GRASS[mood.season]
    for layer in range(count):
        snow = mood.winter
        color = mixed(green, (70, 110, 96), 0.1 if snow else 0.45 - 0.15 * layer)
        skyline = ridge(canvas, horizon - 0.05 + 0.045 * layer, swing, 0.1)
        look = Look("", "snow" if snow else "foliage", color, fall=0.1, grain=0.6)
        land(canvas, "hill", skyline, look, 1.3 - 0.35 * layer)
