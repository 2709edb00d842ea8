"""Draw cars, buses, tractors, trains, and the track with its signals and bridge."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Brush, Look
from dissectory.analysis.demo.palette import DARK, DOORS, GLOW, IRON, PAINTS, SNOW, Color, shaded, varied
from dissectory.analysis.demo.things.houses import glazing

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Canvas

_TYRE: Color = (40, 40, 44)
_RED: Color = (226, 60, 48)


def wheel(brush: Brush, x: float, radius: float) -> None:
    """Draw a tire and its hub."""
    brush.disc(x, radius, radius, Look("wheel", "metal", _TYRE))
    brush.disc(x, radius, radius * 0.5, Look("wheel", "metal", (168, 172, 178)))


def _beam(brush: Brush, x: float, y: float, radius: float, color: Color = (255, 244, 200)) -> None:
    """Draw a headlight."""
    shine = brush.mood.light.dark
    brush.disc(x, y, radius, Look("headlight", "glass", color if shine else (236, 232, 214), lit=shine))
    brush.lamp(x, y, radius * 6, color, 0.8)


def car(brush: Brush) -> None:
    """Draw a car from its side."""
    brush.thing = "car"
    dice = brush.dice
    paint = varied(dice, dice.pick(PAINTS), 8)
    brush.shadow(1.15, 0.14)
    body = Look("bodywork", "metal", paint, fall=0.16)
    roof, back = dice.between(0.86, 1.0), dice.between(-0.86, -0.6)
    brush.polygon(((back, 0.5), (-0.45, roof), (0.32, roof), (0.66, 0.5)), body)
    brush.polygon(((back + 0.1, 0.52), (-0.4, roof - 0.07), (-0.08, roof - 0.07), (-0.08, 0.52)), glazing(brush, 0.1))
    brush.polygon(((0.0, 0.52), (0.0, roof - 0.07), (0.29, roof - 0.07), (0.55, 0.52)), glazing(brush, 0.1))
    brush.polygon(((-1.08, 0.18), (1.1, 0.18), (1.12, 0.42), (0.66, 0.55), (-1.0, 0.57), (-1.1, 0.45)), body)
    brush.box(-1.1, 0.17, 1.12, 0.25, Look("bodywork", "metal", shaded(paint, 0.6)))
    for x in (-0.64, 0.66):
        wheel(brush, x, 0.22)
    brush.box(-1.1, 0.38, -1.02, 0.48, Look("headlight", "glass", _RED, lit=0.8 * brush.mood.light.dark))
    _beam(brush, 1.04, 0.4, 0.075)


def bus(brush: Brush) -> None:
    """Draw a bus from its side, one or two decks high."""
    brush.thing = "bus"
    dice = brush.dice
    paint = varied(dice, dice.pick(PAINTS[:4]), 8)
    brush.shadow(1.5, 0.1)
    decks = dice.pick((1, 1, 2))
    top = 0.5 + 0.5 * decks
    brush.box(-1.4, 0.14, 1.4, top, Look("bodywork", "metal", paint, fall=0.1))
    brush.box(-1.36, top - 0.01, 1.36, top + 0.05, Look("bodywork", "metal", shaded(paint, 0.8)))
    brush.box(-1.4, 0.42, 1.4, 0.49, Look("bodywork", "metal", (236, 232, 222)))
    for low in (0.56, 1.06)[:decks]:
        for place in range(6):
            brush.box(-1.3 + place * 0.4, low, -0.98 + place * 0.4, low + 0.32, glazing(brush, 1.0))
    brush.box(1.08, 0.16, 1.32, 0.88, Look("door", "glass", (96, 120, 136), lit=0.3 * brush.mood.light.dark))
    for x in (-0.9, 0.75):
        wheel(brush, x, 0.2)
    _beam(brush, 1.36, 0.3, 0.06)


def tractor(brush: Brush) -> None:
    """Draw a tractor with one large wheel."""
    brush.thing = "tractor"
    paint: Color = brush.dice.pick(((196, 54, 44), (58, 128, 62), (44, 96, 160), (230, 150, 40)))
    brush.shadow(0.9, 0.1)
    brush.box(0.5, 0.6, 0.56, 1.0, Look("funnel", "metal", DARK))
    brush.box(-0.1, 0.34, 0.9, 0.66, Look("bodywork", "metal", paint, fall=0.2))
    brush.box(-0.56, 0.4, 0.05, 1.08, Look("cabin", "metal", paint))
    brush.box(-0.48, 0.68, -0.02, 1.0, glazing(brush, 0.2))
    brush.box(-0.62, 1.06, 0.1, 1.14, Look("cabin", "metal", shaded(paint, 0.8)))
    wheel(brush, -0.42, 0.38)
    wheel(brush, 0.62, 0.2)
    _beam(brush, 0.88, 0.56, 0.06)


def steam_engine(brush: Brush) -> None:
    """Draw a steam locomotive with its smoke."""
    brush.thing = "cloud"
    for step in range(9):
        smoke: Color = shaded((222, 222, 226), 1 - 0.03 * step)
        brush.disc(0.75 - 0.14 * step**1.25, 1.2 + 0.13 * step**0.8, 0.1 + 0.035 * step, Look("", "", smoke, fall=0.08))
    brush.thing = "train"
    paint = varied(brush.dice, brush.dice.pick(((54, 60, 66), (40, 84, 66), (110, 40, 40), (36, 60, 106))), 6)
    brush.shadow(1.3, 0.06)
    body = Look("bodywork", "metal", paint, fall=0.35)
    brush.box(-0.5, 0.38, 0.98, 0.8, body)
    brush.disc(0.98, 0.59, 0.2, body)
    for x in (-0.2, 0.2, 0.6):
        brush.box(x, 0.38, x + 0.04, 0.81, Look("bodywork", "metal", (206, 170, 90)))
    brush.polygon(
        ((0.68, 0.78), (0.82, 0.78), (0.87, 1.12), (0.63, 1.12)), Look("funnel", "metal", (44, 44, 48), turn=0.3)
    )
    brush.disc(0.2, 0.82, 0.1, Look("bodywork", "metal", (206, 170, 90), fall=0.3))
    brush.box(-1.05, 0.3, -0.46, 1.04, Look("cabin", "metal", paint, fall=0.15))
    brush.box(-0.92, 0.66, -0.6, 0.92, glazing(brush, 1.0))
    brush.box(-1.12, 1.02, -0.4, 1.1, Look("cabin", "metal", shaded(paint, 0.7)))
    brush.box(-1.05, 0.26, 1.1, 0.38, Look("bodywork", "metal", (168, 48, 42)))
    for x in (-0.78, -0.36, 0.06):
        brush.disc(x, 0.2, 0.2, Look("wheel", "metal", (150, 44, 40)))
        brush.disc(x, 0.2, 0.1, Look("wheel", "metal", (60, 58, 60)))
    for x in (0.5, 0.84):
        wheel(brush, x, 0.13)
    brush.bar((-0.78, 0.2), (0.06, 0.2), 0.05, Look("wheel", "metal", (186, 188, 192)))
    _beam(brush, 1.12, 0.66, 0.07)


def electric_engine(brush: Brush) -> None:
    """Draw a smooth modern engine."""
    brush.thing = "train"
    paint = varied(brush.dice, brush.dice.pick(PAINTS), 6)
    brush.shadow(1.3, 0.06)
    brush.polygon(
        ((-1.1, 0.18), (1.1, 0.18), (1.16, 0.5), (0.78, 0.98), (-1.1, 0.98)),
        Look("bodywork", "metal", paint, fall=0.15),
    )
    brush.box(-1.1, 0.3, 1.1, 0.42, Look("bodywork", "metal", (238, 236, 230)))
    brush.polygon(((0.74, 0.6), (1.05, 0.6), (0.78, 0.92), (0.7, 0.92)), glazing(brush, 0.5))
    for x in (-0.9, -0.45, 0.0):
        brush.box(x, 0.58, x + 0.32, 0.86, glazing(brush, 1.0))
    brush.box(0.4, 0.2, 0.6, 0.88, Look("door", "metal", shaded(paint, 0.7)))
    for x in (-0.8, -0.5, 0.5, 0.8):
        wheel(brush, x, 0.12)
    _beam(brush, 1.08, 0.42, 0.06)


def engine_front(brush: Brush) -> None:
    """Draw an engine that comes towards us."""
    brush.thing = "train"
    paint = varied(brush.dice, brush.dice.pick(PAINTS), 6)
    brush.shadow(0.5, 0.05)
    for x in (-0.28, 0.28):
        brush.box(x - 0.07, -0.02, x + 0.07, 0.2, Look("wheel", "metal", _TYRE))
    brush.polygon(
        ((-0.4, 0.1), (0.4, 0.1), (0.42, 0.6), (0.3, 1.0), (-0.3, 1.0), (-0.42, 0.6)),
        Look("bodywork", "metal", paint, turn=0.12),
    )
    brush.box(-0.4, 0.36, 0.4, 0.44, Look("bodywork", "metal", (238, 236, 230)))
    brush.box(-0.4, 0.08, 0.4, 0.18, Look("bodywork", "metal", DARK))
    for side in (-1, 1):
        brush.polygon(
            ((side * 0.03, 0.6), (side * 0.35, 0.6), (side * 0.26, 0.9), (side * 0.03, 0.9)), glazing(brush, 0.4)
        )
        _beam(brush, side * 0.28, 0.28, 0.07)


def coach(brush: Brush, paint: Color) -> None:
    """Draw a passenger coach."""
    brush.thing = "train"
    brush.shadow(1.2, 0.06)
    brush.box(-1.08, 0.2, 1.08, 0.92, Look("bodywork", "metal", paint, fall=0.12))
    roof: Color = SNOW if brush.mood.winter else (126, 128, 134)
    brush.polygon(
        ((-1.08, 0.9), (1.08, 0.9), (1.0, 1.0), (-1.0, 1.0)),
        Look("bodywork", "snow" if brush.mood.winter else "metal", roof),
    )
    brush.box(-1.08, 0.4, 1.08, 0.46, Look("bodywork", "metal", (236, 226, 200)))
    for place in range(5):
        brush.box(-0.78 + place * 0.33, 0.55, -0.54 + place * 0.33, 0.8, glazing(brush, 1.0))
    for x in (-1.02, 0.86):
        brush.box(x, 0.24, x + 0.16, 0.84, Look("door", "wood", brush.dice.pick(DOORS)))
    for x in (-0.8, -0.52, 0.52, 0.8):
        wheel(brush, x, 0.12)
    brush.bar((-1.2, 0.24), (-1.05, 0.24), 0.06, Look("wheel", "metal", DARK))


def wagon(brush: Brush, paint: Color) -> None:
    """Draw an open wagon with a load of timber or coal."""
    brush.thing = "train"
    brush.shadow(1.2, 0.06)
    load: tuple[str, Color] = brush.dice.pick(
        (("wood", (150, 106, 70)), ("stone", (58, 56, 60)), ("soil", (170, 130, 86)))
    )
    brush.polygon(
        ((-1.0, 0.5), (1.0, 0.5), (0.7, 0.86), (0.2, 0.76), (-0.3, 0.9), (-0.8, 0.72)),
        Look("bodywork", load[0], load[1]),
    )
    brush.box(-1.08, 0.22, 1.08, 0.64, Look("bodywork", "wood", paint, fall=0.1))
    brush.box(-1.08, 0.2, 1.08, 0.27, Look("bodywork", "metal", DARK))
    for x in (-0.72, 0.72):
        wheel(brush, x, 0.15)
    brush.bar((-1.2, 0.24), (-1.05, 0.24), 0.06, Look("wheel", "metal", DARK))


def track_across(brush: Brush) -> None:
    """Draw a track across the picture: ties under two rails; its size is the height of the ballast."""
    brush.thing = "railway track"
    brush.box(-60, -0.2, 60, 1, Look("", "stone", (136, 128, 122)))
    step = 0.75
    wood = Look("sleeper", "wood", (92, 74, 62))
    for place in range(int(1.2 / (brush.size * step)) + 2):
        x = (place * step - 0.4) - 0.6 / brush.size
        brush.box(x, 0.2, x + step * 0.5, 0.8, wood)
    for low in (0.32, 0.68):
        brush.box(-60, low - 0.07, 60, low + 0.07, Look("rail", "metal", (190, 186, 184)))


def track_away(canvas: Canvas, far: float, near: float, wide: float) -> None:
    """Draw a track from the bottom of the picture to the horizon.

    Args:
        canvas: the canvas to draw on.
        far: where the track meets the horizon, 0..1 from the left.
        near: where the track leaves the picture at the bottom.
        wide: half the ballast's width at the bottom.
    """
    brush = Brush(canvas)
    brush.thing = "railway track"
    top = canvas.horizon + 0.005

    def at(share: float, side: float) -> tuple[float, float]:
        """Return the point `share` of the way down, `side` half widths from the middle."""
        return far + (near - far) * share + side * wide * share, 1 - (top + (1.02 - top) * share)

    brush.polygon((at(0.01, -1), at(0.01, 1), at(1, 1), at(1, -1)), Look("", "stone", (140, 132, 126), flat=True))
    wood = Look("sleeper", "wood", (96, 76, 62))
    for number in range(16):
        share = 1 / (1 + 0.34 * (16 - number) ** 1.12)
        thick = share * 0.1
        brush.polygon((at(share, -0.75), at(share, 0.75), at(share + thick, 0.75), at(share + thick, -0.75)), wood)
    rail = Look("rail", "metal", (196, 192, 190))
    for side in (-0.5, 0.5):
        brush.polygon((at(0.01, side - 0.07), at(0.01, side + 0.07), at(1, side + 0.07), at(1, side - 0.07)), rail)


def signal(brush: Brush) -> None:
    """Draw a railway signal on its post."""
    brush.thing = "signal"
    brush.box(-0.03, 0, 0.03, 0.95, Look("pole", "metal", (206, 204, 200)))
    color: Color = brush.dice.pick((_RED, (80, 216, 120)))
    brush.box(-0.1, 0.68, 0.1, 1.0, Look("lamp head", "metal", (38, 40, 44)))
    brush.disc(0, 0.9, 0.07, Look("lamp head", "glass", color, lit=1))
    brush.disc(0, 0.76, 0.07, Look("lamp head", "glass", (70, 66, 60)))
    brush.lamp(0, 0.9, 0.3, color, 0.8)


def shelter(brush: Brush) -> None:
    """Draw a platform with its roof and lamps."""
    brush.thing = "platform"
    stone: Color = (176, 170, 162)
    brush.box(-2.4, 0, 2.4, 0.26, Look("", "stone", shaded(stone, 0.8)))
    brush.box(-2.4, 0.24, 2.4, 0.32, Look("", "stone", (226, 220, 204)))
    for x in (-1.5, -0.5, 0.5, 1.5):
        brush.box(x - 0.04, 0.3, x + 0.04, 0.95, Look("pole", "metal", (60, 92, 84)))
    snow = brush.mood.winter
    brush.polygon(
        ((-1.9, 0.92), (1.9, 0.92), (1.7, 1.12), (-1.7, 1.12)),
        Look("roof", "snow" if snow else "metal", SNOW if snow else (150, 70, 58)),
    )
    brush.lamp(0, 0.7, 1.0, GLOW, 0.6)


def viaduct(brush: Brush) -> None:
    """Draw a stone bridge on arches, across the whole picture; its size is its height."""
    brush.thing = "bridge"
    stone = varied(brush.dice, (164, 152, 138), 8)
    brush.box(-9, 0.74, 9, 1.0, Look("", "stone", stone, fall=0.1))
    brush.box(-9, 0.98, 9, 1.06, Look("", "stone", shaded(stone, 1.12)))
    for place in range(-5, 6):
        x = place * 1.1
        brush.box(x - 0.16, -0.1, x + 0.16, 0.8, Look("arch", "stone", shaded(stone, 0.94), turn=0.2))
        bow = [
            (x + 0.55 - 0.42 * math.cos(math.pi * step / 8), 0.42 + 0.3 * math.sin(math.pi * step / 8))
            for step in range(9)
        ]
        brush.polygon(
            ((x + 0.1, 0.78), (x + 0.1, 0.42), *bow, (x + 1.0, 0.42), (x + 1.0, 0.78)),
            Look("arch", "stone", shaded(stone, 0.94)),
        )


def mast(brush: Brush) -> None:
    """Draw a catenary mast of an electric line."""
    brush.thing = "signal"
    brush.box(-0.02, 0, 0.02, 1.0, Look("pole", "metal", IRON))
    brush.bar((0, 0.95), (0.3, 0.9), 0.03, Look("pole", "metal", IRON))
