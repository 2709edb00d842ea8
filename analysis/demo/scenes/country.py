"""Compose the scenes of the country: `village`, `farm`, `forest`, `desert` and `ski_slope`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Look
from dissectory.analysis.demo.palette import SNOW, Color, shaded
from dissectory.analysis.demo.things import beings, coast, ground, houses, plants, sky, town, vehicles

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.demo.canvas import Brush, Canvas


def scatter(canvas: Canvas, draw: Callable[[Brush], None], count: int, feet: tuple[float, float], size: float) -> None:
    """Draw things on the ground between two heights, the far ones first and smaller."""
    dice = canvas.dice
    places = dice.shuffled(dice.spread(count))
    for x, foot in zip(places, sorted(dice.between(*feet) for _ in range(count)), strict=True):
        canvas.put(draw, x, foot, size * (0.35 + 0.65 * canvas.near(foot)) * dice.between(0.88, 1.12))


def village(canvas: Canvas) -> None:
    """Draw cottages and a church among trees, with a path that winds up to them."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.38, 0.5))
    line = canvas.horizon
    if dice.chance(0.35):
        sky.mountains(canvas, line, dice.between(0.2, 0.32))
    sky.hills(canvas, line + 0.02, dice.count(1, 3), dice.between(0.06, 0.12))
    ground.meadow(canvas, line + 0.02, 0.03)
    scatter(canvas, dice.pick((plants.tree, plants.fir)), dice.count(3, 6), (line + 0.04, line + 0.09), 0.32)
    path: Color = (206, 200, 196) if canvas.mood.winter else (198, 172, 132)
    look = Look("", "soil", path, flat=True, grain=0.7)
    ground.way_back(canvas, "path", (dice.between(0.3, 0.7), line + 0.07, 0.012), (dice.between(0.2, 0.8), 0.13), look)
    x = dice.between(0.2, 0.7)
    canvas.put(houses.church, x, line + dice.between(0.1, 0.14), dice.between(0.38, 0.48))
    feet = [line + 0.13, line + 0.17, line + 0.24, line + 0.33, line + 0.42][: dice.count(3, 5)]
    for place, foot in enumerate(feet):
        side = dice.between(0.04, 0.38) if place % 2 else dice.between(0.6, 0.94)
        canvas.put(houses.house, side, foot, 0.15 + 0.2 * canvas.near(foot))
        plant, share = dice.pick(((plants.tree, 1.0), (plants.tree, 1.0), (plants.fir, 1.0), (plants.bush, 0.4)))
        canvas.put(plant, side + dice.between(-0.2, 0.2), foot + 0.02, (0.14 + 0.2 * canvas.near(foot)) * share)
    _village_green(canvas)


def _village_green(canvas: Canvas) -> None:
    """Draw the things in front of the cottages."""
    dice = canvas.dice
    if dice.chance(0.4):
        canvas.put(ground.well, dice.between(0.2, 0.8), dice.between(0.82, 0.9), 0.15)
    if dice.chance(0.4):
        canvas.put(town.bench, dice.between(0.2, 0.8), dice.between(0.86, 0.95), 0.07)
    if canvas.mood.winter and dice.chance(0.5):
        canvas.put(beings.snowman, dice.between(0.1, 0.9), dice.between(0.84, 0.96), 0.17)
    if dice.chance(0.5):
        canvas.put(ground.fence, dice.pick((-0.05, -0.05, 0.55)), 0.965, 0.075, way=1)
    scatter(canvas, beings.person, dice.count(0, 3), (0.78, 0.96), 0.13)
    if not canvas.mood.winter:
        scatter(canvas, plants.flower, dice.count(0, 14), (0.86, 0.99), 0.05)


def farm(canvas: Canvas) -> None:
    """Draw a barn with its silo, fields in rows, cattle and a tractor."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.38, 0.5))
    line = canvas.horizon
    if dice.chance(0.5):
        sky.hills(canvas, line, dice.count(1, 2), 0.05)
    ground.meadow(canvas, line, 0.01)
    scatter(canvas, plants.tree, dice.count(2, 5), (line + 0.02, line + 0.05), 0.36)
    if dice.chance(0.4):
        canvas.put(houses.windmill, dice.between(0.08, 0.92), line + 0.05, dice.between(0.26, 0.34))
    _fields(canvas, line)
    x = dice.between(0.12, 0.6)
    foot = line + dice.between(0.12, 0.17)
    for place in range(dice.count(0, 2)):
        canvas.put(houses.silo, x - 0.2 - 0.07 * place, foot - 0.01, dice.between(0.26, 0.34))
    if dice.chance(0.4):
        canvas.put(houses.house, x + 0.4, foot - 0.02, 0.19, way=1)
    canvas.put(houses.barn, x, foot, dice.between(0.21, 0.27), way=1)
    _yard(canvas)


def _fields(canvas: Canvas, line: float) -> None:
    """Draw one or two strips of earth or crops."""
    dice = canvas.dice
    kinds: tuple[tuple[str, tuple[Color, Color]], ...] = (
        ("soil", ((150, 112, 76), (118, 86, 60))),
        ("foliage", ((212, 182, 90), (182, 150, 70))),
        ("foliage", ((126, 158, 72), (92, 126, 56))),
        ("foliage", ((224, 204, 80), (150, 168, 64))),
    )
    winter: tuple[str, tuple[Color, Color]] = ("snow", (SNOW, (190, 178, 168)))
    top = line + dice.between(0.2, 0.3)
    for _ in range(dice.count(1, 2)):
        material, colors = winter if canvas.mood.winter else dice.pick(kinds)
        foot = min(top + dice.between(0.1, 0.2), 1.01)
        ground.rows(canvas, top, foot, dice.between(0.2, 0.8), colors=colors, material=material)
        top = foot + dice.between(0.03, 0.08)


def _yard(canvas: Canvas) -> None:
    """Draw animals, bales, a tractor and a fence."""
    dice = canvas.dice
    low, high = canvas.horizon + 0.22, 0.96
    if dice.chance(0.55):
        canvas.put(vehicles.tractor, dice.between(0.15, 0.85), dice.between(0.7, 0.9), dice.between(0.12, 0.17))
    if not canvas.mood.winter and dice.chance(0.5):
        scatter(canvas, ground.hay, dice.count(2, 5), (low, high), 0.11)
    animal = dice.pick((beings.cow, beings.sheep))
    scatter(canvas, animal, dice.count(2, 5), (low + 0.08, high), 0.17 if animal is beings.cow else 0.13)
    if dice.chance(0.5):
        canvas.put(ground.fence, dice.pick((-0.05, -0.05, 0.5)), 0.98, 0.08, way=1)
    if dice.chance(0.3):
        canvas.put(beings.person, dice.between(0.1, 0.9), 0.94, 0.15)


def forest(canvas: Canvas) -> None:
    """Draw rows of trees, a path or a stream, mushrooms and deer."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.4, 0.52))
    line = canvas.horizon
    if dice.chance(0.3):
        sky.mountains(canvas, line, 0.3)
    sky.hills(canvas, line, 1, 0.08)
    kinds = dice.pick(((plants.fir,), (plants.tree,), (plants.fir, plants.tree), (plants.fir, plants.fir, plants.tree)))
    ground.meadow(canvas, line + 0.015, 0.02)
    for x in dice.spread(16, -0.05, 1.05):
        canvas.put(dice.pick(kinds), x, line + dice.between(0.02, 0.05), dice.between(0.2, 0.28))
    gap = dice.between(0.3, 0.7)
    if dice.chance(0.35):
        ground.way_back(
            canvas,
            "river",
            (gap, line + 0.05, 0.012),
            (dice.between(0.3, 0.7), 0.22),
            Look("", "water", (64, 112, 130), flat=True),
        )
    elif dice.chance(0.7):
        ground.way_back(
            canvas,
            "path",
            (gap, line + 0.05, 0.012),
            (dice.between(0.3, 0.7), 0.16),
            Look("", "soil", (170, 142, 108), flat=True),
        )
    for row in range(3):
        foot = line + 0.09 + 0.1 * row
        for x in dice.spread(7 - row, -0.05, 1.05):
            if abs(x - gap) > 0.1 + 0.05 * row:
                canvas.put(
                    dice.pick(kinds),
                    x,
                    foot + dice.between(-0.02, 0.03),
                    (0.34 + 0.13 * row) * dice.between(0.85, 1.15),
                )
    _undergrowth(canvas)
    for x in (dice.between(-0.05, 0.1), dice.between(0.9, 1.05)):
        if dice.chance(0.75):
            canvas.put(dice.pick(kinds), x, dice.between(0.95, 1.08), dice.between(0.8, 1.1))


def _undergrowth(canvas: Canvas) -> None:
    """Draw the plants, rocks and animals between the trunks."""
    dice = canvas.dice
    low = canvas.horizon + 0.25
    scatter(canvas, plants.bush, dice.count(1, 4), (low, 0.98), 0.11)
    scatter(canvas, ground.rock, dice.count(0, 3), (low, 0.98), 0.07)
    if dice.chance(0.5):
        canvas.put(ground.log, dice.between(0.15, 0.85), dice.between(0.84, 0.96), dice.between(0.07, 0.11))
    if dice.chance(0.5):
        scatter(canvas, beings.deer, dice.count(1, 2), (low, 0.92), 0.27)
    if not canvas.mood.winter:
        scatter(canvas, plants.mushroom, dice.count(1, 6), (0.84, 0.99), 0.075)
        scatter(canvas, plants.flower, dice.count(0, 8), (0.84, 0.99), 0.06)


def desert(canvas: Canvas) -> None:
    """Draw dunes and mesas, cactuses or camels and tents, and sometimes an oasis."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.4, 0.52))
    line = canvas.horizon
    if dice.chance(0.6):
        sky.mountains(canvas, line, dice.between(0.1, 0.22), bare=True)
    sand: Color = dice.pick(((222, 178, 116), (210, 150, 100), (230, 204, 156), (198, 162, 124)))
    for layer in range(dice.count(2, 4)):
        top = line + 0.015 + layer * 0.07
        skyline = sky.ridge(canvas, top, dice.between(0.04, 0.1), 0.0)
        look = Look("", "soil", shaded(sand, 0.9 + 0.05 * layer), fall=0.12, flat=layer > 0)
        sky.land(canvas, "sand dune", skyline, look, 0.9 - 0.25 * layer)
    low = line + 0.24
    camp = dice.chance(0.5)
    if dice.chance(0.3):
        _oasis(canvas)
    scatter(canvas, ground.rock, dice.count(1, 4), (line + 0.12, 0.97), 0.09)
    if camp:
        scatter(canvas, coast.tent, dice.count(1, 3), (line + 0.14, line + 0.26), 0.24)
        scatter(canvas, beings.camel, dice.count(1, 4), (low, 0.94), 0.26)
        scatter(canvas, beings.person, dice.count(0, 2), (low, 0.94), 0.16)
    if not camp or dice.chance(0.4):
        scatter(canvas, plants.cactus, dice.count(2, 6), (line + 0.1, 0.97), 0.34)


def _oasis(canvas: Canvas) -> None:
    """Draw a pool under palms."""
    dice = canvas.dice
    x, foot = dice.between(0.3, 0.7), canvas.horizon + dice.between(0.16, 0.22)

    def pool(brush: Brush) -> None:
        brush.thing = "river"
        brush.oval(0, 0, 0.2, 0.028, Look("", "foliage", (110, 138, 72)))
        brush.oval(0, -0.003, 0.18, 0.022, Look("", "water", (92, 150, 168)))

    canvas.put(pool, x, foot, 1)
    for shift in dice.spread(dice.count(2, 4), -0.2, 0.2):
        canvas.put(plants.palm, x + shift, foot + dice.between(-0.015, 0.02), dice.between(0.22, 0.34))


def ski_slope(canvas: Canvas) -> None:
    """Draw a white slope with skiers and a chair lift, and firs at its sides."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.34, 0.46))
    line = canvas.horizon
    sky.mountains(canvas, line + 0.04, dice.between(0.26, 0.4))
    lean = dice.way() * dice.between(0.05, 0.2)
    for layer in range(2):
        top = line + 0.03 + 0.11 * layer
        skyline = [(x, y + lean * (x - 0.5) * (1 if layer else -0.7)) for x, y in sky.ridge(canvas, top, 0.04, 0.0)]
        sky.land(
            canvas,
            "snowfield",
            skyline,
            Look("", "snow", shaded(SNOW, 0.93 + 0.07 * layer), flat=layer > 0, fall=0.05),
            0.8,
        )
        for _ in range(dice.count(3, 8)):
            x = dice.pick((dice.between(0, 0.35), dice.between(0.65, 1)))
            foot = skyline[int(x * 40)][1] + dice.between(0.0, 0.07)
            canvas.put(plants.fir, x, foot, 0.12 + 0.06 * layer + 0.2 * canvas.near(foot))
    if dice.chance(0.45):
        canvas.put(
            houses.hut,
            dice.pick((dice.between(0.1, 0.3), dice.between(0.7, 0.9))),
            line + 0.24,
            dice.between(0.16, 0.22),
        )
    if dice.chance(0.8):
        side = dice.chance(0.5)
        start, end = (0.02, 0.84), (dice.between(0.55, 0.75), line - 0.02)
        beings.chair_lift(canvas, *((1 - x if side else x, y) for x, y in (start, end)))
    _piste(canvas)


def _piste(canvas: Canvas) -> None:
    """Draw skiers, gates, a snowman, and firs in front."""
    dice = canvas.dice
    scatter(canvas, beings.skier, dice.count(2, 6), (canvas.horizon + 0.22, 0.95), 0.2)
    if dice.chance(0.2):
        canvas.put(beings.snowman, dice.between(0.1, 0.9), dice.between(0.84, 0.96), 0.18)
    if dice.chance(0.5):
        canvas.put(
            plants.fir,
            dice.pick((dice.between(-0.02, 0.12), dice.between(0.88, 1.02))),
            dice.between(0.9, 1.05),
            dice.between(0.45, 0.75),
        )
