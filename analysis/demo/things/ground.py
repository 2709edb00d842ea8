"""Draw the ground: grass, snow, fields, sand, water, roads, and the stones and fences on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Brush, Look, Mirror
from dissectory.analysis.demo.palette import GRASS, SNOW, TIMBER, Color, mixed, shaded, varied
from dissectory.analysis.demo.things.sky import land, ridge

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Canvas

SAND: Color = (226, 200, 150)
ASPHALT: Color = (104, 104, 110)
COBBLES: Color = (150, 142, 134)


def meadow(canvas: Canvas, top: float, swing: float = 0.02) -> None:
    """Draw grass, or snow in winter, from `top` down."""
    snow = canvas.mood.winter
    look = Look(
        "", "snow" if snow else "foliage", varied(canvas.dice, GRASS[canvas.mood.season], 8), flat=True, grain=0.7
    )
    land(canvas, "snowfield" if snow else "grass", ridge(canvas, top, swing, 0.02), look)


def plain(canvas: Canvas, thing: str, top: float, look: Look) -> None:
    """Draw level ground from `top` down."""
    land(canvas, thing, [(-0.01, top), (1.01, top)], look)


def water(canvas: Canvas, thing: str, top: float, foot: float = 1.0) -> None:
    """Draw water from `top` to `foot`, which reflects what is behind it."""
    light = canvas.mood.light
    color = mixed((40, 104, 132), light.horizon, 0.16)
    brush = Brush(canvas, foot=foot, depth=0)
    brush.thing = thing
    brush.box(-0.01, -0.01, 1.01, foot - top, Look("", "water", varied(canvas.dice, color, 10), flat=True))
    canvas.mirrors.append(Mirror(0, 1, top, min(top, 1 - top)))


def band(canvas: Canvas, thing: str, top: float, foot: float, look: Look) -> None:
    """Draw a level strip across the picture."""
    brush = Brush(canvas, foot=foot, depth=1 - canvas.near(foot))
    brush.thing = thing
    brush.box(-0.01, 0, 1.01, foot - top, look)


def way_back(
    canvas: Canvas, thing: str, far: tuple[float, float, float], near: tuple[float, float], look: Look
) -> None:
    """Draw a road or path from the bottom of the picture into the distance.

    Args:
        canvas: the canvas to draw on.
        thing: the object's name.
        far: the middle, the height and half the width of the far end.
        near: the middle and half the width at the bottom of the picture.
        look: the surface.
    """
    brush = Brush(canvas)
    brush.thing = thing
    x, y, reach = far
    bend = canvas.dice.between(-0.06, 0.06)
    left: list[tuple[float, float]] = []
    right: list[tuple[float, float]] = []
    for step in range(13):
        share = (step / 12) ** 1.6
        middle = x + (near[0] - x) * share + bend * share * (1 - share) * 4
        wide = reach + (near[1] - reach) * share
        left.append((middle - wide, 1 - (y + (1.01 - y) * share)))
        right.append((middle + wide, 1 - (y + (1.01 - y) * share)))
    brush.polygon([*left, *reversed(right)], look)


def rows(
    canvas: Canvas, top: float, foot: float, vanishing: float, *, colors: tuple[Color, Color], material: str
) -> None:
    """Draw a plowed or sown field whose rows run to a point at the horizon."""
    brush = Brush(canvas)
    brush.thing = "field"
    ground = Look("", material, colors[0], flat=True)
    brush.box(-0.01, 1 - foot, 1.01, 1 - top, ground)
    furrow = Look("", material, colors[1], flat=True)
    # The width of a row at the top of the strip, as a share of its width at the foot.
    far = (top - canvas.horizon + 0.02) / (foot - canvas.horizon + 0.02)
    for place in range(-14, 24):
        at, wide = place * 0.09, 0.04
        edge = vanishing + (at - vanishing) * far
        brush.polygon(((at, 1 - foot), (edge, 1 - top), (edge + wide * far, 1 - top), (at + wide, 1 - foot)), furrow)


def rock(brush: Brush) -> None:
    """Draw a boulder with a lit and a shaded face."""
    brush.thing = "rock"
    dice, side = brush.dice, brush.mood.side * brush.way
    gray = varied(dice, dice.pick(((140, 136, 130), (120, 118, 122), (158, 140, 120))), 8)
    brush.shadow(0.8, 0.12)
    top, wide = dice.between(0.6, 1.0), dice.between(0.6, 0.9)
    ridge_x = dice.between(-0.2, 0.2)
    brush.polygon(
        (
            (-wide, 0),
            (-wide * 0.8, top * 0.6),
            (ridge_x - 0.2, top),
            (ridge_x + 0.3, top * 0.9),
            (wide, 0.2),
            (wide * 0.9, 0),
        ),
        Look("", "stone", gray),
    )
    dark = Look("", "stone", shaded(gray, 0.72))
    if side > 0:
        brush.polygon(
            ((-wide, 0), (-wide * 0.8, top * 0.6), (ridge_x - 0.2, top), (ridge_x - 0.1, top * 0.5), (-0.1, 0)), dark
        )
    else:
        brush.polygon(((wide * 0.9, 0), (wide, 0.2), (ridge_x + 0.3, top * 0.9), (ridge_x, top * 0.5), (0.1, 0)), dark)
    if brush.mood.winter:
        snow = Look("", "snow", SNOW)
        brush.polygon(
            (
                (-wide * 0.8, top * 0.6),
                (ridge_x - 0.2, top),
                (ridge_x + 0.3, top * 0.9),
                (wide * 0.7, top * 0.5),
                (0, top * 0.75),
            ),
            snow,
        )


def fence(brush: Brush) -> None:
    """Draw posts and two rails, up to the right edge of the picture."""
    brush.thing = "fence"
    look = Look("", "wood", brush.dice.pick((TIMBER, (216, 212, 204))), fall=0.1)
    count = int(1.1 / brush.size / 0.9) + 1
    for x in range(count):
        brush.box(x * 0.9 - 0.07, 0, x * 0.9 + 0.07, 1, look)
    for y in (0.35, 0.75):
        brush.box(-0.3, y - 0.07, count * 0.9, y + 0.07, look)


def log(brush: Brush) -> None:
    """Draw a felled trunk with its cut end in view."""
    brush.thing = "log"
    brush.shadow(1.4, 0.16)
    brush.box(-1.2, 0, 1.2, 0.6, Look("", "wood", (112, 84, 62), fall=0.25))
    brush.oval(1.2, 0.3, 0.2, 0.3, Look("", "wood", (206, 172, 124), grain=0.3))
    brush.oval(1.2, 0.3, 0.1, 0.16, Look("", "wood", (176, 138, 94), grain=0.3))


def hay(brush: Brush) -> None:
    """Draw a round bale."""
    brush.thing = "hay bale"
    brush.shadow(0.8, 0.12)
    straw: Color = (212, 176, 92)
    brush.box(-0.1, 0, 0.8, 1, Look("", "foliage", shaded(straw, 0.8), fall=0.3))
    for radius, factor in ((0.5, 1.0), (0.36, 0.86), (0.24, 1.02), (0.1, 0.85)):
        brush.oval(-0.1, 0.5, radius * 0.85, radius, Look("", "foliage", shaded(straw, factor), grain=0.5))


def well(brush: Brush) -> None:
    """Draw a round stone well under a small roof."""
    brush.thing = "well"
    brush.shadow(0.5)
    for side in (-1, 1):
        brush.box(side * 0.34 - 0.04, 0.2, side * 0.34 + 0.04, 0.8, Look("pole", "wood", TIMBER))
    brush.box(-0.42, 0, 0.42, 0.4, Look("wall", "stone", (160, 154, 146), turn=0.2))
    brush.oval(0, 0.4, 0.42, 0.09, Look("wall", "stone", (70, 66, 68)))
    roof: Color = SNOW if brush.mood.winter else (150, 78, 58)
    brush.polygon(
        ((-0.55, 0.75), (0, 1.15), (0.55, 0.75)), Look("roof", "snow" if brush.mood.winter else "brick", roof)
    )
