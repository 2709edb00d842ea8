"""Draw people and animals, and the lift that carries skiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import CLOTHES, DARK, IRON, SKINS, TIMBER, Color, shaded, varied

if TYPE_CHECKING:
    from dissectory.analysis.demo.canvas import Brush, Canvas


def person(brush: Brush) -> None:
    """Draw a person who stands or walks."""
    brush.thing = "person"
    dice = brush.dice
    brush.shadow(0.22, 0.05)
    coat, trousers = varied(dice, dice.pick(CLOTHES), 10), shaded(dice.pick(CLOTHES), 0.55)
    stride = dice.between(0.03, 0.13)
    for side in (-1, 1):
        brush.bar((side * stride, 0), (side * 0.03, 0.48), 0.1, Look("leg", "cloth", trousers))
    brush.polygon(((-0.13, 0.42), (0.13, 0.42), (0.15, 0.78), (-0.15, 0.78)), Look("torso", "cloth", coat, turn=0.15))
    swing = dice.between(-0.1, 0.1)
    brush.bar((0.13, 0.76), (0.18 + swing, 0.46), 0.07, Look("torso", "cloth", shaded(coat, 0.85)))
    brush.bar((-0.13, 0.76), (-0.18 + swing, 0.46), 0.07, Look("torso", "cloth", shaded(coat, 0.85)))
    skin = dice.pick(SKINS)
    brush.disc(0, 0.89, 0.1, Look("head", "hide", skin))
    hair: Color = dice.pick(((60, 44, 36), (196, 156, 90), (110, 76, 50), (206, 60, 56)))
    brush.polygon(((-0.11, 0.88), (-0.08, 1.0), (0.08, 1.0), (0.11, 0.88), (0, 0.94)), Look("head", "hide", hair))


def bather(brush: Brush) -> None:
    """Draw a person in a bathing suit."""
    brush.thing = "person"
    dice = brush.dice
    brush.shadow(0.22, 0.05)
    skin, suit = dice.pick(SKINS), dice.pick(CLOTHES)
    for side in (-1, 1):
        brush.bar((side * 0.08, 0), (side * 0.04, 0.48), 0.08, Look("leg", "hide", skin))
        brush.bar((side * 0.12, 0.74), (side * 0.24, dice.pick((0.5, 0.95))), 0.06, Look("torso", "hide", skin))
    brush.polygon(((-0.11, 0.42), (0.11, 0.42), (0.14, 0.78), (-0.14, 0.78)), Look("torso", "hide", skin, turn=0.15))
    brush.box(-0.115, 0.4, 0.115, dice.pick((0.52, 0.7)), Look("torso", "cloth", suit))
    brush.disc(0, 0.89, 0.095, Look("head", "hide", skin))
    brush.oval(0, 0.95, 0.095, 0.05, Look("head", "hide", dice.pick(((60, 44, 36), (196, 156, 90), (230, 190, 70)))))


def skier(brush: Brush) -> None:
    """Draw a person on skis, bent forward."""
    brush.thing = "person"
    dice = brush.dice
    brush.shadow(0.5, 0.05)
    coat = dice.pick(CLOTHES)
    ski: Color = dice.pick(((226, 70, 50), (50, 90, 170), (240, 200, 60), (40, 40, 50)))
    brush.bar((-0.55, 0.08), (0.6, -0.1), 0.05, Look("ski", "wood", ski))
    brush.bar((-0.5, 0.0), (0.65, -0.18), 0.05, Look("ski", "wood", ski))
    trousers = shaded(dice.pick(CLOTHES), 0.55)
    brush.bar((-0.02, 0.0), (0.12, 0.24), 0.12, Look("leg", "cloth", trousers))
    brush.bar((0.12, 0.24), (-0.08, 0.44), 0.13, Look("leg", "cloth", trousers))
    brush.bar((-0.08, 0.4), (0.14, 0.74), 0.24, Look("torso", "cloth", coat))
    brush.bar((0.12, 0.68), (0.36, 0.46), 0.08, Look("torso", "cloth", shaded(coat, 0.85)))
    brush.bar((0.36, 0.5), (-0.1, 0.12), 0.025, Look("ski", "metal", IRON))
    brush.disc(0.2, 0.86, 0.11, Look("head", "hide", dice.pick(SKINS)))
    brush.oval(0.18, 0.91, 0.12, 0.08, Look("head", "cloth", dice.pick(CLOTHES)))


def cow(brush: Brush) -> None:
    """Draw a cow, spotted or brown."""
    brush.thing = "cow"
    dice = brush.dice
    brush.shadow(0.6, 0.08)
    coat, spot = dice.pick(
        (((240, 236, 228), (54, 48, 48)), ((150, 92, 60), (178, 122, 84)), ((70, 56, 52), (230, 224, 214)))
    )
    for x in (-0.42, -0.26, 0.26, 0.4):
        brush.box(x - 0.06, 0, x + 0.06, 0.4, Look("leg", "hide", shaded(coat, 0.86)))
    brush.polygon(
        ((-0.55, 0.36), (0.5, 0.34), (0.55, 0.8), (-0.5, 0.84), (-0.6, 0.7)), Look("torso", "hide", coat, fall=0.15)
    )
    for x, y, wide in ((-0.3, 0.66, 0.17), (0.1, 0.58, 0.14), (0.36, 0.72, 0.1)):
        brush.oval(x, y, wide, 0.12, Look("torso", "hide", spot))
    brush.bar((-0.57, 0.78), (-0.64, 0.4), 0.05, Look("torso", "hide", spot))
    brush.polygon(
        ((0.46, 0.8), (0.56, 0.98), (0.78, 0.96), (0.9, 0.72), (0.8, 0.64), (0.6, 0.66)), Look("head", "hide", coat)
    )
    brush.polygon(((0.76, 0.76), (0.9, 0.73), (0.86, 0.64), (0.76, 0.64)), Look("head", "hide", (226, 170, 156)))
    brush.bar((0.56, 0.96), (0.5, 1.06), 0.05, Look("head", "hide", (226, 216, 190)))
    brush.bar((0.7, 0.96), (0.74, 1.06), 0.05, Look("head", "hide", (226, 216, 190)))


def sheep(brush: Brush) -> None:
    """Draw a sheep."""
    brush.thing = "sheep"
    brush.shadow(0.6, 0.08)
    face: Color = brush.dice.pick(((66, 58, 58), (206, 192, 176)))
    for x in (-0.34, -0.2, 0.2, 0.34):
        brush.box(x - 0.05, 0, x + 0.05, 0.35, Look("leg", "hide", face))
    wool = varied(brush.dice, (240, 234, 222), 8)
    for factor, share, lift in ((0.82, 1.0, 0.0), (1.0, 0.82, 0.05)):
        for x, y, radius in (
            (-0.34, 0.5, 0.24),
            (0.32, 0.52, 0.24),
            (-0.1, 0.62, 0.27),
            (0.14, 0.6, 0.26),
            (0, 0.42, 0.26),
        ):
            brush.disc(x, y + lift, radius * share, Look("torso", "hide", shaded(wool, factor), fall=0.06))
    brush.oval(0.58, 0.66, 0.13, 0.17, Look("head", "hide", face))


def camel(brush: Brush) -> None:
    """Draw a camel with one or two humps."""
    brush.thing = "camel"
    dice = brush.dice
    brush.shadow(0.5, 0.05)
    coat = varied(dice, (184, 138, 88), 10)
    for x in (-0.36, -0.24, 0.22, 0.34):
        brush.bar((x, 0), (x * 0.9, 0.5), 0.075, Look("leg", "hide", shaded(coat, 0.88)))
    brush.oval(0, 0.56, 0.46, 0.17, Look("torso", "hide", coat, fall=0.2))
    humps = dice.pick(((0.0,), (-0.2, 0.2)))
    for x in humps:
        brush.polygon(
            ((x - 0.2, 0.62), (x - 0.08, 0.84), (x + 0.08, 0.84), (x + 0.2, 0.62)),
            Look("hump", "hide", shaded(coat, 1.06), fall=0.1),
        )
    neck = Look("torso", "hide", coat)
    brush.bar((0.38, 0.56), (0.58, 0.5), 0.13, neck)
    brush.bar((0.56, 0.46), (0.66, 0.9), 0.1, neck)
    brush.polygon(((0.58, 0.98), (0.64, 0.84), (0.88, 0.84), (0.88, 0.92), (0.7, 1.0)), Look("head", "hide", coat))
    if dice.chance(0.5):
        brush.polygon(
            ((-0.24, 0.5), (0.24, 0.5), (0.2, 0.74), (-0.2, 0.74)), Look("torso", "cloth", dice.pick(CLOTHES))
        )


def deer(brush: Brush) -> None:
    """Draw a deer with antlers."""
    brush.thing = "deer"
    brush.shadow(0.4, 0.05)
    coat = varied(brush.dice, (156, 104, 66), 8)
    for x in (-0.3, -0.2, 0.16, 0.26):
        brush.box(x - 0.03, 0, x + 0.03, 0.4, Look("leg", "hide", shaded(coat, 0.8)))
    brush.oval(-0.02, 0.47, 0.38, 0.15, Look("torso", "hide", coat, fall=0.2))
    brush.disc(-0.36, 0.5, 0.07, Look("torso", "hide", (236, 226, 208)))
    brush.bar((0.26, 0.5), (0.4, 0.76), 0.14, Look("torso", "hide", coat))
    brush.polygon(((0.34, 0.84), (0.36, 0.7), (0.6, 0.68), (0.58, 0.76)), Look("head", "hide", coat))
    horn = Look("antler", "hide", (206, 186, 150))
    for side in (-1, 1):
        brush.bar((0.4, 0.82), (0.4 + side * 0.14, 1.02), 0.03, horn)
        brush.bar((0.4 + side * 0.07, 0.92), (0.4 + side * 0.02, 1.04), 0.03, horn)


def snowman(brush: Brush) -> None:
    """Draw a snowman: three balls of snow, twigs and a carrot."""
    brush.thing = "snowman"
    brush.shadow(0.36, 0.06)
    white = Look("torso", "snow", (244, 246, 250), turn=0.14, fall=0.1)
    for side in (-1, 1):
        brush.bar((side * 0.15, 0.6), (side * 0.46, 0.76), 0.035, Look("arm", "wood", TIMBER))
    brush.disc(0, 0.24, 0.27, white)
    brush.disc(0, 0.56, 0.2, white)
    brush.disc(0, 0.8, 0.14, white._replace(part="head"))
    brush.polygon(((0, 0.83), (0.2, 0.79), (0, 0.77)), Look("head", "foliage", (236, 130, 50)))
    brush.box(-0.12, 0.9, 0.12, 0.93, Look("head", "cloth", DARK))
    brush.box(-0.08, 0.92, 0.08, 1.05, Look("head", "cloth", DARK))
    brush.box(-0.15, 0.66, 0.15, 0.71, Look("torso", "cloth", brush.dice.pick(CLOTHES)))


def chair_lift(canvas: Canvas, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw pylons, a cable and chairs from `start` in the valley to `end`; both are x, y in 0..1, y downwards."""
    dice = canvas.dice

    def on(share: float) -> tuple[float, float]:
        return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share

    def draw(brush: Brush) -> None:
        brush.thing = "chair lift"
        shares = (0.12, 0.45, 0.75, 0.97)
        for share in shares:
            x, y = on(share)
            tall = 0.16 * (1.25 - share)
            pole = Look("pole", "metal", (96, 102, 112), turn=0.2)
            brush.box(x - 0.009 * (1.3 - share), 1 - y - tall, x + 0.009 * (1.3 - share), 1 - y, pole)
            brush.box(x - 0.03 * (1.25 - share), 1 - y - 0.008, x + 0.03 * (1.25 - share), 1 - y + 0.004, pole)
        cable = Look("cable", "metal", (62, 64, 72))
        brush.bar((start[0], 1 - start[1]), (end[0], 1 - end[1]), 0.006, cable)
        paint = dice.pick(CLOTHES)
        for place in range(6):
            share = 0.04 + place * 0.16 + dice.between(-0.02, 0.02)
            x, y = on(share)
            scale = 0.06 * (1.25 - share)
            brush.bar((x, 1 - y), (x, 1 - y - scale), 0.005, cable)
            seat = Look("seat", "metal", paint)
            brush.box(x - scale * 0.45, 1 - y - scale * 1.2, x + scale * 0.45, 1 - y - scale * 0.98, seat)
            brush.box(x - scale * 0.45, 1 - y - scale * 1.2, x - scale * 0.32, 1 - y - scale * 0.6, seat)

    canvas.put(draw, 0, 1, 1, way=1, depth=0.35)
