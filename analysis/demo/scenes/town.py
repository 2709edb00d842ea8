"""Compose the scenes of the town: `city_street`, `night_town` and `railway`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Brush, Look
from dissectory.analysis.demo.palette import PAINTS, SNOW, varied
from dissectory.analysis.demo.scenes.country import scatter
from dissectory.analysis.demo.things import beings, ground, houses, plants, sky, town, vehicles

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.demo.canvas import Canvas


def city_street(canvas: Canvas) -> None:
    """Draw high-rises, a road with cars and buses, traffic lights and people."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.5, 0.58))
    line = canvas.horizon
    for x in dice.spread(9, -0.05, 1.05):
        canvas.put(town.tower_block, x, line + 0.06, dice.between(0.26, 0.52), depth=1.0)
    ground.plain(canvas, "pavement", line + 0.05, Look("", "stone", (170, 166, 160), flat=True, grain=0.6))
    asphalt = Look("", "asphalt", ground.ASPHALT, flat=True)
    if dice.chance(0.5):
        _avenue(canvas, asphalt)
    else:
        _crossing(canvas, asphalt)
    for x in dice.spread(dice.count(1, 2)):
        canvas.put(
            dice.pick((town.lamp_post, town.traffic_light, town.traffic_light)),
            x,
            dice.between(0.86, 0.97),
            dice.between(0.34, 0.46),
        )
    scatter(canvas, beings.person, dice.count(1, 4), (0.9, 0.99), 0.2)


def _avenue(canvas: Canvas, asphalt: Look) -> None:
    """Draw a street that runs away from the viewer, between blocks on both sides."""
    dice, line = canvas.dice, canvas.horizon
    far = dice.between(0.42, 0.58)
    road = line + 0.05
    brush = Brush(canvas)
    brush.thing = "road"
    brush.polygon(((far - 0.02, 1 - road), (far + 0.02, 1 - road), (far + 0.5, -0.01), (far - 0.5, -0.01)), asphalt)
    stripe = Look("", "asphalt", (226, 220, 204), flat=True, grain=0.4)
    for near, end in ((0.1, 0.16), (0.24, 0.36), (0.5, 0.72), (0.88, 1.02)):
        top, foot = (1 - road - share * (1 - road) for share in (near, end))
        brush.polygon(
            (
                (far - 0.012 * near, top),
                (far + 0.012 * near, top),
                (far + 0.012 * end, foot),
                (far - 0.012 * end, foot),
            ),
            stripe,
        )
    for step in range(4):
        share = 0.05 + 0.11 * step
        for side in (-1, 1):
            x = far + side * (0.12 + 0.5 * share + 0.16 * step)
            canvas.put(town.tower_block, x, road + share * (1 - road), 0.5 + 0.16 * step, way=-side)
            if dice.chance(0.6):
                canvas.put(
                    dice.pick((town.lamp_post, plants.tree)),
                    far + side * (0.1 + 0.6 * share),
                    road + (share + 0.04) * (1 - road),
                    0.14 + 0.3 * share,
                )
    feet = sorted(dice.between(road + 0.1, 0.92) for _ in range(dice.count(2, 4)))
    for foot in feet:
        share = (foot - road) / (1 - road)
        x = far + dice.way() * dice.between(0.12, 0.34) * share
        canvas.put(dice.pick((vehicles.car, vehicles.car, vehicles.bus)), x, foot, 0.03 + 0.13 * share)


def _crossing(canvas: Canvas, asphalt: Look) -> None:
    """Draw a street across the view, with a row of blocks and shops behind it."""
    dice, line = canvas.dice, canvas.horizon
    curb = line + 0.16
    for x in dice.spread(dice.count(4, 5), -0.04, 1.04):
        canvas.put(town.tower_block, x, curb - 0.01, dice.between(0.42, 0.8), way=1)
    for x in dice.spread(dice.count(0, 3)):
        canvas.put(plants.tree, x, curb + 0.015, dice.between(0.16, 0.24))
    scatter(canvas, beings.person, dice.count(2, 5), (curb, curb + 0.03), 0.19)
    ground.band(canvas, "road", curb + 0.05, 0.93, asphalt)
    middle = (curb + 0.98) / 2
    stripe = Look("", "asphalt", (226, 220, 204), grain=0.4)
    brush = Brush(canvas, foot=middle, depth=0.2)
    brush.thing = "road"
    for number in range(7):
        brush.box(number * 0.16 - 0.04, 0, number * 0.16 + 0.05, 0.012, stripe)
    for foot, size in ((middle - 0.01, 0.1), (0.9, 0.125)):
        for x in dice.spread(dice.count(1, 2), 0.0, 1.0):
            canvas.put(dice.pick((vehicles.car, vehicles.car, vehicles.bus)), x, foot, size * dice.between(0.95, 1.1))


def night_town(canvas: Canvas) -> None:
    """Draw old houses around a dark square: lit windows, lanterns, market stalls, a tower with a clock."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.42, 0.5))
    line = canvas.horizon
    for x in dice.spread(8, -0.05, 1.05):
        canvas.put(town.town_house, x, line + 0.05, dice.between(0.2, 0.3), way=1)
    foot = line + dice.between(0.1, 0.16)
    if dice.chance(0.65):
        canvas.put(town.clock_tower, dice.between(0.2, 0.8), foot - 0.02, dice.between(0.52, 0.66))
    count = dice.count(5, 7)
    for place in range(count):
        canvas.put(
            town.town_house, (place + 0.5) / count + dice.between(-0.01, 0.01), foot, dice.between(0.34, 0.44), way=1
        )
    if dice.chance(0.4):
        _canal(canvas, foot)
        return
    snow = canvas.mood.winter
    cobbles = Look("", "snow" if snow else "stone", SNOW if snow else ground.COBBLES, flat=True)
    ground.plain(canvas, "pavement", foot - 0.004, cobbles)
    scatter(canvas, town.stall, dice.count(0, 4), (foot + 0.08, 0.92), 0.2)
    scatter(canvas, town.lamp_post, dice.count(1, 3), (foot + 0.06, 0.95), 0.42)
    scatter(canvas, beings.person, dice.count(1, 6), (foot + 0.08, 0.97), 0.18)
    if dice.chance(0.3):
        canvas.put(town.bench, dice.between(0.1, 0.9), 0.95, 0.085)


def _canal(canvas: Canvas, foot: float) -> None:
    """Draw a canal in front of the houses, and a near bank."""
    dice = canvas.dice
    stone = Look("", "stone", ground.COBBLES, fall=0.1)
    ground.band(canvas, "quay", foot - 0.004, foot + 0.05, stone)
    scatter(canvas, beings.person, dice.count(0, 4), (foot + 0.015, foot + 0.03), 0.22)
    for x in dice.spread(dice.count(2, 3)):
        canvas.put(town.lamp_post, x, foot + 0.03, dice.between(0.17, 0.22))
    ground.water(canvas, "river", foot + 0.05)
    if dice.chance(0.6):
        ground.band(canvas, "quay", 0.9, 1.01, stone)
        scatter(canvas, town.lamp_post, dice.count(1, 2), (0.95, 0.98), 0.42)
        scatter(canvas, beings.person, dice.count(0, 3), (0.95, 0.99), 0.18)


def railway(canvas: Canvas) -> None:
    """Draw trains on tracks: past a platform, over a viaduct, or towards the horizon."""
    dice = canvas.dice
    sky.heavens(canvas, dice.between(0.38, 0.5))
    line = canvas.horizon
    if dice.chance(0.3):
        sky.mountains(canvas, line, dice.between(0.2, 0.3))
    sky.hills(canvas, line + 0.01, dice.count(1, 2), dice.between(0.05, 0.1))
    ground.meadow(canvas, line + 0.01, 0.02)
    scatter(canvas, dice.pick((plants.tree, plants.fir)), dice.count(3, 6), (line + 0.02, line + 0.06), 0.34)
    dice.pick((_past, _past, _over, _away))(canvas)


def _train(canvas: Canvas, foot: float, size: float) -> None:
    """Draw an engine somewhere in the picture, and the cars that it pulls."""
    dice = canvas.dice
    way, paint = dice.way(), varied(dice, dice.pick(PAINTS), 10)
    goods = dice.chance(0.4)
    vehicle: Callable[[Brush], None] = partial(vehicles.wagon if goods else vehicles.coach, paint=paint)
    front = dice.between(0.45, 0.85)
    for place in range(4, 0, -1):
        x = front - (place * 2.25 + 0.05) * size
        canvas.put(vehicle, x if way > 0 else 1 - x, foot, size, way=way)
    engine = dice.pick((vehicles.steam_engine, vehicles.steam_engine, vehicles.electric_engine))
    canvas.put(engine, front if way > 0 else 1 - front, foot, size, way=way)


def _past(canvas: Canvas) -> None:
    """Draw a train across the view, in some pictures at a station."""
    dice = canvas.dice
    foot = canvas.horizon + dice.between(0.2, 0.3)
    if dice.chance(0.5):
        canvas.put(houses.house, dice.between(0.1, 0.8), foot - 0.05, dice.between(0.22, 0.28))
        canvas.put(vehicles.shelter, dice.between(0.3, 0.7), foot - 0.01, dice.between(0.15, 0.19))
    canvas.put(vehicles.track_across, 0.5, foot + 0.02, 0.06, way=1)
    _train(canvas, foot - 0.005, dice.between(0.11, 0.15))
    if dice.chance(0.55):
        low = foot + dice.between(0.14, 0.18)
        canvas.put(vehicles.track_across, 0.5, low + 0.03, 0.075, way=1)
    canvas.put(vehicles.signal, dice.between(0.1, 0.9), foot + 0.11, dice.between(0.26, 0.34))
    scatter(canvas, dice.pick((plants.bush, ground.rock)), dice.count(1, 4), (0.9, 0.99), 0.09)
    scatter(canvas, beings.person, dice.count(0, 2), (0.9, 0.98), 0.17)


def _over(canvas: Canvas) -> None:
    """Draw a train on a viaduct over a valley."""
    dice = canvas.dice
    high = dice.between(0.2, 0.28)
    deck = canvas.horizon + dice.between(0.02, 0.1)
    if dice.chance(0.7):
        ground.water(canvas, "river", deck + high - 0.03, deck + high + 0.12)
    canvas.put(vehicles.viaduct, dice.between(0.4, 0.6), deck + high, high, depth=0.5)
    canvas.put(vehicles.track_across, 0.5, deck + 0.006, 0.014, way=1)
    _train(canvas, deck - 0.006, dice.between(0.085, 0.11))
    scatter(canvas, dice.pick((plants.tree, plants.fir)), dice.count(3, 7), (deck + high + 0.1, 1.0), 0.3)
    scatter(canvas, plants.bush, dice.count(1, 4), (0.86, 0.99), 0.1)


def _away(canvas: Canvas) -> None:
    """Draw tracks to the horizon, signals, masts, and a train on another line."""
    dice = canvas.dice
    far = dice.between(0.35, 0.65)
    if dice.chance(0.6):
        foot = canvas.horizon + dice.between(0.1, 0.14)
        canvas.put(vehicles.track_across, 0.5, foot + 0.012, 0.03, way=1)
        _train(canvas, foot, dice.between(0.08, 0.1))
    for near in dice.pick(((dice.between(0.3, 0.7),), (0.2, 0.8))):
        vehicles.track_away(canvas, far, near, dice.between(0.2, 0.28))
        if dice.chance(0.45):
            share = dice.between(0.2, 0.5)
            foot = canvas.horizon + share * (1 - canvas.horizon)
            canvas.put(vehicles.engine_front, far + (near - far) * share, foot, 0.1 + 0.4 * share)
    for step in range(4):
        share = (0.1, 0.25, 0.5, 0.9)[step]
        foot = canvas.horizon + share * (1 - canvas.horizon)
        canvas.put(vehicles.mast, far - 0.62 * share - 0.03, foot, 0.1 + 0.5 * share, way=1)
    canvas.put(vehicles.signal, far + dice.between(0.24, 0.36), canvas.horizon + 0.26, dice.between(0.24, 0.34))
    scatter(canvas, dice.pick((plants.bush, ground.rock)), dice.count(1, 3), (0.85, 0.99), 0.09)
