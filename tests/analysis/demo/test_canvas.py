"""A canvas: labels are those of the topmost shape at a pixel's middle, whatever the shape."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.demo.canvas import FINE, Brush, Canvas, Look
from dissectory.analysis.demo.dice import Dice
from dissectory.analysis.demo.palette import NIGHT, NOON, Mood
from dissectory.analysis.demo.shading import labels, picture
from dissectory.analysis.demo.vocabulary import MATERIALS, OBJECTS, PARTS

SIZE = 60
LINE = 1.5 / (SIZE * FINE)
"""A shape's outline is itself drawn, a fine pixel wide: nearer than this to the edge, either may be right."""
NOON_MOOD = Mood(NOON, "summer", "clear", 1)


def canvas_of(mood: Mood = NOON_MOOD) -> Canvas:
    return Canvas(SIZE, Dice(1), mood)


def brush_of(canvas: Canvas, thing: str, **place: float) -> Brush:
    brush = Brush(canvas, place.get("x", 0), place.get("foot", 1), way=1)
    brush.thing = thing
    return brush


def middles() -> tuple[np.ndarray, np.ndarray]:
    """The places of the pixels' middles: x from 0 to 1 to the right, y from 0 to 1 upwards."""
    steps = (np.arange(SIZE) + 0.5) / SIZE
    return steps[None, :], 1 - steps[:, None]


def test_a_box_covers_the_pixels_whose_middle_lies_in_it() -> None:
    canvas = canvas_of()
    brush_of(canvas, "house").box(0.21, 0.17, 0.63, 0.88, Look("wall", "brick", (200, 90, 70)))
    x, y = middles()
    beyond = np.maximum(np.maximum(0.21 - x, x - 0.63), np.maximum(0.17 - y, y - 0.88))
    sure, inside = np.abs(beyond) > LINE, beyond < 0
    objects, parts, materials = labels(canvas)
    assert np.array_equal((objects == OBJECTS.index("house") + 1)[sure], inside[sure])
    covered = objects != OBJECTS.index("sky") + 1
    assert np.array_equal(parts, np.where(covered, list(PARTS).index("wall") + 1, 0))
    assert np.array_equal(materials, np.where(covered, MATERIALS.index("brick") + 1, 0))


@pytest.mark.parametrize("radius", [0.06, 0.31])
def test_a_disc_covers_the_pixels_within_its_radius(radius: float) -> None:
    canvas = canvas_of()
    brush_of(canvas, "sun").disc(0.5, 0.4, radius, Look("", "", (255, 255, 255)))
    x, y = middles()
    away = np.hypot(x - 0.5, y - 0.4) - radius
    covered = labels(canvas)[0] == OBJECTS.index("sun") + 1
    sure = np.abs(away) > LINE
    assert np.array_equal(covered[sure], (away < 0)[sure])


def test_what_comes_later_lies_on_top() -> None:
    canvas = canvas_of()
    for thing in ("tree", "car"):
        brush_of(canvas, thing).box(0, 0, 1, 1, Look("", "wood", (90, 90, 90)))
    assert set(np.unique(labels(canvas)[0])) == {OBJECTS.index("car") + 1}


def test_a_mirrored_thing_is_a_mirror_image() -> None:
    def covered(way: int) -> np.ndarray:
        canvas = canvas_of()
        brush = Brush(canvas, 0.5, 0.9, 0.6, way=way)
        brush.thing = "car"
        brush.polygon(((0.05, 0.02), (0.52, 0.1), (0.3, 0.71)), Look("bodywork", "metal", (90, 90, 90)))
        return np.asarray(labels(canvas)[0] == OBJECTS.index("car") + 1)

    assert (covered(1) != covered(-1)[:, ::-1]).mean() < 0.02


def test_a_shadow_darkens_what_was_there_and_nothing_later() -> None:
    def shown(*, shadow: bool) -> np.ndarray:
        canvas = canvas_of()
        ground = Look("", "", (120, 120, 120))
        brush_of(canvas, "road").box(0, 0, 1, 1, ground)
        if shadow:
            canvas.shadow(0.5, 0.5, 0.3, 0.3)
        brush_of(canvas, "car").box(0.4, 0.4, 0.6, 0.6, ground)
        return picture(canvas).astype(int)

    difference = (shown(shadow=False) - shown(shadow=True)).mean(axis=2)
    x, y = middles()
    car = (np.abs(x - 0.5) < 0.09) & (np.abs(y - 0.5) < 0.09)
    ring = (np.hypot(x - 0.5, y - 0.5) < 0.28) & ((np.abs(x - 0.5) > 0.12) | (np.abs(y - 0.5) > 0.12))
    outside = np.hypot(x - 0.5, y - 0.5) > 0.32
    assert difference[ring].min() > 15
    assert np.abs(difference[car | outside]).max() == 0


def test_a_lamp_shines_at_night_only() -> None:
    def shown(mood: Mood, *, lamp: bool) -> float:
        canvas = canvas_of(mood)
        brush = brush_of(canvas, "road")
        brush.box(0, 0, 1, 1, Look("", "", (120, 120, 120)))
        if lamp:
            brush.lamp(0.5, 0.5, 0.2, (255, 200, 100))
        return float(picture(canvas)[25:35, 25:35].mean())

    night = Mood(NIGHT, "summer", "cloudy", 1)
    assert shown(night, lamp=True) > shown(night, lamp=False) + 20
    assert shown(NOON_MOOD, lamp=True) == shown(NOON_MOOD, lamp=False)


def test_far_things_are_paler() -> None:
    def spread(depth: float) -> float:
        canvas = canvas_of()
        brush = Brush(canvas, depth=depth)
        brush.thing = "hill"
        brush.box(0, 0, 1, 1, Look("", "", (30, 90, 30)))
        return float(np.abs(picture(canvas).mean(axis=(0, 1)) - np.array(NOON_MOOD.air)).mean())

    assert spread(0) > spread(0.5) > spread(1.5)
