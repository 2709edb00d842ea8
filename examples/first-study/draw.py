"""Draw small scenes with a label for every pixel, so that a first study needs no download.

    python draw.py             # writes 240 pictures to scenes/, next to this file

There are four kinds of scene, 224 x 224 pixels, in `scenes/images/`. Label maps of the objects are in
`scenes/objects/`, and those of parts, such as a roof or a sail, in `scenes/object-parts/`. The same seed draws the same
scenes.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Outline = npt.NDArray[np.float64]
    Color = tuple[float, float, float]

SIDE = 224
FINE = 3
"""Shapes are drawn this many times larger and then averaged down, for smooth edges."""

OBJECTS = tuple("sky cloud sun moon star hill grass sea road tree house boat lighthouse sheep flower".split())
PARTS = tuple("crown trunk roof wall door window chimney hull mast sail tower lamp fleece head".split())


class Mood(NamedTuple):
    """The light of a scene: the sky's colors from top to horizon, and the tint of everything below."""

    top: Color
    horizon: Color
    light: Color


NOON = Mood((92, 158, 214), (205, 230, 240), (1.0, 1.0, 1.0))
MORNING = Mood((128, 176, 214), (250, 226, 196), (1.0, 0.97, 0.92))
EVENING = Mood((118, 128, 186), (250, 186, 150), (0.98, 0.86, 0.82))
NIGHT = Mood((16, 22, 52), (58, 70, 118), (0.34, 0.40, 0.60))
DAY = (NOON, NOON, MORNING, EVENING)


class Canvas:
    """A picture and its two label maps, drawn together; coordinates run from 0 to 1, y downwards."""

    def __init__(self, rng: np.random.Generator, mood: Mood) -> None:
        self.rng, self.mood = rng, mood
        self.picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE))
        self.objects, self.parts = (Image.new("L", self.picture.size) for _ in range(2))
        self.paint(box(0, 0, 1, 1), mood.horizon, "sky", lit=True)
        self.paint(box(0, 0, 1, 0.6), mood.top, "sky", fade=mood.horizon, lit=True)

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return bool(self.rng.random() < share)

    def some(self, least: int, below: int) -> int:
        """Choose a number of things."""
        return int(self.rng.integers(least, below))

    def paint(
        self,
        outline: Outline,
        color: Color,
        thing: str,
        part: str = "",
        *,
        fade: Color | None = None,
        lit: bool = False,
        opacity: float = 1.0,
    ) -> None:
        """Fill an outline `(points, 2)`, from `color` at the top to `fade` at the bottom; `lit` prevents the tint."""
        corners = outline * (SIDE * FINE)
        left, top = (int(edge) for edge in np.floor(corners.min(0)))
        width, height = (int(edge) for edge in np.ceil(corners.max(0) - (left, top)) + 1)
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).polygon((corners - (left, top)).ravel().tolist(), fill=round(255 * opacity))
        ends = np.array((color, fade or color)) * (1.0 if lit else np.array(self.mood.light))
        down = np.linspace(0, 1, height)[:, None, None]
        column = Image.fromarray((ends[0] * (1 - down) + ends[1] * down).clip(0, 255).astype(np.uint8))
        self.picture.paste(column.resize((width, height)), (left, top), mask)
        for labels, names, name in ((self.objects, OBJECTS, thing), (self.parts, PARTS, part)):
            ImageDraw.Draw(labels).polygon(corners.ravel().tolist(), fill=names.index(name) + 1 if name else 0)

    def save(self, folder: Path, kind: str, name: str) -> None:
        """Write the picture, with a little grain, and its label maps."""
        pixels = np.asarray(self.picture.reduce(FINE), dtype=np.float64)
        grain = self.rng.normal(0, 1.5, (SIDE, SIDE, 1))
        _write(Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)), folder / "images" / kind / name)
        for labels, place in ((self.objects, "objects"), (self.parts, "object-parts")):
            _write(labels.resize((SIDE, SIDE), Image.Resampling.NEAREST), folder / place / name)


def _write(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


# Outlines


def box(left: float, top: float, right: float, foot: float) -> Outline:
    """Return the outline of a rectangle."""
    return np.array([(left, top), (right, top), (right, foot), (left, foot)])


def disc(x: float, y: float, radius: float, flat: float = 1.0) -> Outline:
    """Return the outline of a circle, or of an ellipse `flat` times as high as it is wide."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([x + radius * np.cos(turn), y + radius * flat * np.sin(turn)], axis=1)


def ridge(rng: np.random.Generator, height: float, swing: float) -> Outline:
    """Return the outline of land, from a wavy skyline at `height` down to the bottom of the picture."""
    x = np.linspace(0, 1, 60)
    waves = sum(np.sin(x * rng.uniform(2, 4) * n + rng.uniform(0, 7)) / n for n in (1, 2, 3))
    return np.concatenate([np.stack([x, height - swing * np.asarray(waves) / 2], axis=1), [(1.0, 1.0), (0.0, 1.0)]])


# Things


def clouds(canvas: Canvas, count: int) -> None:
    """Draw clouds: heaps of white discs with a flat base."""
    rng = canvas.rng
    for _ in range(count):
        x, y, size = rng.uniform(0.05, 0.95), rng.uniform(0.08, 0.3), rng.uniform(0.05, 0.085)
        heap = [(-1.3, 0.1, 0.6), (-0.5, -0.3, 0.85), (0.5, -0.1, 0.75), (1.3, 0.2, 0.5)]
        for drop, color in ((0.14, (214, 224, 234)), (0.0, (250, 250, 248))):
            for across, up, radius in heap:
                canvas.paint(disc(x + across * size, y + (up + drop) * size, radius * size), color, "cloud")
            canvas.paint(disc(x, y + (0.35 + drop) * size, 1.9 * size, 0.22), color, "cloud")


def sun(canvas: Canvas, y: float) -> float:
    """Draw the sun and its glow; return the sun's x coordinate."""
    x, radius = canvas.rng.uniform(0.15, 0.85), canvas.rng.uniform(0.05, 0.07)
    for ring in np.linspace(3, 1.1, 14):
        canvas.paint(disc(x, y, radius * ring), (255, 236, 176), "sky", lit=True, opacity=0.07)
    canvas.paint(disc(x, y, radius), (255, 216, 92), "sun", lit=True)
    return float(x)


def night_sky(canvas: Canvas) -> None:
    """Draw a crescent moon and stars."""
    rng = canvas.rng
    for _ in range(rng.integers(25, 45)):
        canvas.paint(
            disc(rng.uniform(0, 1), rng.uniform(0, 0.6), rng.uniform(0.003, 0.008)), (255, 246, 214), "star", lit=True
        )
    x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.12, 0.28), rng.uniform(0.06, 0.085)
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 40)
    bow = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    hollow = bow[::-1] * (0.45, 1)
    for ring in np.linspace(2.6, 1.0, 12):
        canvas.paint(disc(x, y, radius * ring), (120, 130, 180), "sky", lit=True, opacity=0.035)
    canvas.paint(
        np.array((x, y)) + np.concatenate([bow, hollow]) * (radius * rng.choice((-1, 1)), radius),
        (250, 240, 205),
        "moon",
        lit=True,
    )


def hills(canvas: Canvas, horizon: float, colors: tuple[Color, ...] = ((142, 178, 160), (116, 164, 122))) -> None:
    """Draw ranges of hills one behind another, the far ones paler."""
    for step, color in enumerate(colors):
        canvas.paint(ridge(canvas.rng, horizon - 0.09 + 0.06 * step, 0.06), color, "hill")


def tree(canvas: Canvas, x: float, foot: float, size: float) -> None:
    """Draw a round tree or a fir."""
    green = np.array((64, 128, 70)) + canvas.rng.normal(0, 9, 3)
    canvas.paint(box(x - 0.05 * size, foot - 0.45 * size, x + 0.05 * size, foot), (122, 84, 56), "tree", "trunk")
    if canvas.chance(0.4):
        for step, width in enumerate((0.34, 0.28, 0.2)):
            low, high = foot - (0.22 + 0.26 * step) * size, foot - (0.68 + 0.26 * step) * size
            fir = np.array([(x - width * size, low), (x, high), (x + width * size, low)])
            canvas.paint(fir, tuple(green * (0.72 + 0.09 * step)), "tree", "crown")
        return
    leaves = [(-0.2, 0.55, 0.24), (0.2, 0.55, 0.24), (0, 0.62, 0.3), (0, 0.84, 0.24)]
    for lift, part in ((0.86, leaves), (1.06, [(a - 0.04, b + 0.04, r * 0.72) for a, b, r in leaves])):
        for across, up, radius in part:
            canvas.paint(disc(x + across * size, foot - up * size, radius * size), tuple(green * lift), "tree", "crown")


def house(canvas: Canvas, x: float, foot: float, size: float) -> None:
    """Draw walls, a roof, a chimney, a door, and windows that glow at night."""
    rng, night = canvas.rng, canvas.mood is NIGHT
    wall = ((244, 232, 208), (236, 214, 190), (248, 244, 236), (228, 206, 160))[rng.integers(4)]
    roof = tuple(np.array(((186, 78, 58), (168, 66, 60), (200, 98, 66))[rng.integers(3)]) + rng.normal(0, 6, 3))
    half, eaves, tall = 0.5 * size, foot - rng.uniform(0.62, 1.0) * size, 0.5 * size
    canvas.paint(box(x + 0.14 * size, eaves - 1.25 * tall, x + 0.25 * size, eaves), (150, 96, 82), "house", "chimney")
    canvas.paint(box(x - half, eaves, x + half, foot), wall, "house", "wall", fade=tuple(np.array(wall) * 0.93))
    gable = [
        (x - 1.18 * half, eaves),
        (x - 0.62 * half, eaves - tall),
        (x + 0.62 * half, eaves - tall),
        (x + 1.18 * half, eaves),
    ]
    canvas.paint(np.array(gable), roof, "house", "roof", fade=tuple(np.array(roof) * 0.86))
    side = rng.choice((-1, 1)) * 0.24 * size
    door = ((96, 72, 60), (64, 104, 112), (120, 62, 58))[rng.integers(3)]
    canvas.paint(box(x + side - 0.1 * size, foot - 0.36 * size, x + side + 0.1 * size, foot), door, "house", "door")
    pane, frame = ((255, 214, 110), (196, 140, 70)) if night else ((134, 170, 192), (250, 248, 240))
    rows = np.arange(eaves + 0.12 * size, foot - 0.3 * size, 0.34 * size)
    for row, top in enumerate(rows):
        for middle in (x - side, x + side):
            if middle == x - side or top + 0.24 * size < foot - 0.38 * size or row < len(rows) - 1:
                reach = 0.1 * size
                canvas.paint(
                    box(middle - reach * 1.2, top - 0.02 * size, middle + reach * 1.2, top + 0.22 * size),
                    frame,
                    "house",
                    "window",
                    lit=night,
                )
                for sign in (-1, 1):
                    inner = sorted((middle + sign * 0.012 * size, middle + sign * reach))
                    canvas.paint(box(inner[0], top, inner[1], top + 0.2 * size), pane, "house", "window", lit=night)


def boat(canvas: Canvas, x: float, water: float, size: float) -> None:
    """Draw a hull, a mast and two sails."""
    hull = ((150, 70, 66), (48, 72, 112), (236, 228, 214), (60, 110, 104))[canvas.rng.integers(4)]
    lean = canvas.rng.choice((-1, 1))
    at = np.array((x, water))

    def part(points: list[tuple[float, float]], color: Color, name: str) -> None:
        canvas.paint(at + np.array(points) * size * (lean, 1), color, "boat", name)

    part([(-0.015, -0.1), (-0.015, -1.05), (0.015, -1.05), (0.015, -0.1)], (120, 88, 62), "mast")
    part([(0.03, -0.98), (0.16, -0.66), (0.36, -0.18), (0.03, -0.18)], (250, 246, 234), "sail")
    part([(-0.03, -0.86), (-0.14, -0.56), (-0.34, -0.2), (-0.03, -0.2)], (238, 226, 204), "sail")
    part([(-0.48, -0.13), (0.54, -0.13), (0.36, 0.06), (-0.34, 0.06)], hull, "hull")
    part([(-0.49, -0.15), (0.56, -0.15), (0.53, -0.1), (-0.47, -0.1)], (240, 232, 216), "hull")


def lighthouse(canvas: Canvas, x: float, foot: float, size: float) -> None:
    """Draw a white tower with red bands and a lamp."""
    for band in range(5):
        low, high = foot - band * 0.15 * size, foot - (band + 1) * 0.15 * size
        wide, thin = (0.15 - 0.013 * band) * size, (0.15 - 0.013 * (band + 1)) * size
        tower = np.array([(x - wide, low), (x - thin, high), (x + thin, high), (x + wide, low)])
        canvas.paint(tower, (188, 96, 92) if band % 2 else (248, 244, 236), "lighthouse", "tower")
    top = foot - 0.75 * size
    canvas.paint(box(x - 0.12 * size, top - 0.03 * size, x + 0.12 * size, top), (90, 84, 88), "lighthouse", "tower")
    canvas.paint(
        box(x - 0.06 * size, top - 0.14 * size, x + 0.06 * size, top - 0.03 * size),
        (255, 222, 120),
        "lighthouse",
        "lamp",
        lit=True,
    )
    cap = np.array([(x - 0.09 * size, top - 0.14 * size), (x, top - 0.25 * size), (x + 0.09 * size, top - 0.14 * size)])
    canvas.paint(cap, (150, 76, 74), "lighthouse", "roof")


def sheep(canvas: Canvas, x: float, foot: float, size: float) -> None:
    """Draw a sheep."""
    way = canvas.rng.choice((-1, 1))
    for leg in (-0.3, -0.18, 0.18, 0.3):
        canvas.paint(
            box(x + (leg - 0.035) * size, foot - 0.3 * size, x + (leg + 0.035) * size, foot), (70, 62, 62), "sheep"
        )
    for across, up, radius in (
        (-0.3, 0.42, 0.2),
        (0.3, 0.42, 0.2),
        (-0.1, 0.5, 0.24),
        (0.14, 0.5, 0.23),
        (0, 0.36, 0.24),
    ):
        canvas.paint(disc(x + across * size, foot - up * size, radius * size), (246, 242, 232), "sheep", "fleece")
    canvas.paint(disc(x + way * 0.5 * size, foot - 0.52 * size, 0.13 * size, 1.25), (74, 66, 66), "sheep", "head")


def scatter(
    canvas: Canvas,
    count: int,
    low: float,
    high: float,
    what: Callable[[Canvas, float, float, float], None],
    size: float,
) -> None:
    """Draw things side by side on the ground between two heights, the far ones first and smaller."""
    across = (canvas.rng.permutation(count) + canvas.rng.uniform(0.2, 0.8, count)) / count
    for x, foot in zip(across, np.sort(canvas.rng.uniform(low, high, count)), strict=True):
        what(canvas, float(x), float(foot), size * (0.75 + 0.5 * (foot - low) / (high - low)))


def flowers(canvas: Canvas, count: int) -> None:
    """Draw dots of color in the near grass."""
    for foot in np.sort(canvas.rng.uniform(0.8, 0.99, count)):
        color = ((232, 92, 100), (250, 214, 96), (246, 240, 248), (176, 120, 200))[canvas.rng.integers(4)]
        canvas.paint(disc(canvas.rng.uniform(0, 1), foot, 0.006 + 0.03 * (foot - 0.75) * 0.4), color, "flower")


# Scenes


def meadow(canvas: Canvas) -> None:
    """Draw sheep and trees under a summer sky."""
    sun(canvas, canvas.rng.uniform(0.12, 0.3))
    clouds(canvas, canvas.some(1, 4))
    hills(canvas, 0.56)
    canvas.paint(ridge(canvas.rng, 0.6, 0.04), (150, 196, 96), "grass", fade=(96, 158, 72))
    if canvas.chance(0.35):
        house(canvas, canvas.rng.uniform(0.2, 0.8), 0.68, 0.15)
    scatter(canvas, canvas.some(2, 6), 0.64, 0.78, tree, 0.26)
    scatter(canvas, canvas.some(1, 5), 0.8, 0.95, sheep, 0.13)
    flowers(canvas, canvas.some(10, 40))


def sea(canvas: Canvas) -> None:
    """Draw boats on the water, sometimes with a headland and a lighthouse."""
    rng, horizon = canvas.rng, canvas.rng.uniform(0.46, 0.58)
    x = sun(canvas, rng.uniform(0.15, horizon + 0.02))
    clouds(canvas, canvas.some(0, 4))
    canvas.paint(box(0, horizon, 1, 1), (96, 168, 178), "sea", fade=(34, 96, 122))
    for y in np.sort(rng.uniform(horizon + 0.02, 0.98, 50)):
        wide, middle = 0.1 * (y - horizon) + 0.015, rng.uniform(0, 1)
        under_sun = x - 0.1 < middle < x + 0.1
        canvas.paint(disc(middle, y, wide, 0.07), (240, 222, 180) if under_sun else (132, 192, 198), "sea")
    if canvas.chance(0.5):
        side, reach = rng.integers(2), rng.uniform(0.3, 0.45)
        shore = np.array(
            [
                (0, horizon - 0.1),
                (0.4 * reach, horizon - 0.09),
                (0.8 * reach, horizon - 0.03),
                (reach, horizon + 0.03),
                (0, horizon + 0.05),
            ]
        )
        canvas.paint(np.abs((side, 0) - shore), (122, 158, 108), "hill", fade=(142, 130, 108))
        lighthouse(canvas, abs(side - 0.4 * reach), horizon - 0.07, rng.uniform(0.26, 0.36))
    scatter(canvas, canvas.some(1, 4), horizon + 0.06, 0.9, boat, 0.24)


def town(canvas: Canvas) -> None:
    """Draw a row of houses along a road."""
    rng = canvas.rng
    clouds(canvas, canvas.some(1, 4))
    hills(canvas, 0.52)
    canvas.paint(ridge(rng, 0.62, 0.02), (140, 184, 96), "grass", fade=(104, 160, 78))
    for x in np.arange(rng.uniform(-0.02, 0.14), 1.05, 0.3):
        house(canvas, x + rng.uniform(-0.02, 0.02), 0.78, rng.uniform(0.2, 0.25))
        if canvas.chance(0.6):
            tree(canvas, x + 0.15, 0.8, rng.uniform(0.18, 0.26))
    canvas.paint(box(0, 0.84, 1, 1), (150, 146, 148), "road", fade=(118, 114, 120))
    for x in np.arange(rng.uniform(-0.2, 0), 1, 0.2):
        canvas.paint(box(x, 0.915, x + 0.1, 0.93), (236, 230, 214), "road")


def night(canvas: Canvas) -> None:
    """Draw a village at night, under the moon."""
    rng = canvas.rng
    night_sky(canvas)
    hills(canvas, 0.62, ((120, 140, 160), (96, 124, 124)))
    canvas.paint(ridge(rng, 0.68, 0.03), (110, 150, 92), "grass", fade=(70, 108, 70))
    scatter(canvas, canvas.some(2, 5), 0.72, 0.8, tree, 0.24)
    for x in np.linspace(0.15, 0.85, 4):
        if canvas.chance(0.6):
            house(canvas, x + rng.uniform(-0.04, 0.04), rng.uniform(0.8, 0.92), rng.uniform(0.16, 0.22))
    scatter(canvas, canvas.some(0, 3), 0.9, 0.98, tree, 0.22)


SCENES = (meadow, sea, town, night)


def draw(folder: Path, count: int = 240, seed: int = 7) -> None:
    """Draw `count` scenes into `folder`; the four kinds take turns."""
    for place, names, category in (("objects", OBJECTS, "object"), ("object-parts", PARTS, "part")):
        (folder / place).mkdir(parents=True, exist_ok=True)
        with (folder / place / "labels.csv").open("w", newline="", encoding="utf-8") as file:
            rows = [(number, name, category) for number, name in enumerate(names, start=1)]
            csv.writer(file, lineterminator="\n").writerows([("index", "name", "category"), *rows])
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        scene = SCENES[number % len(SCENES)]
        canvas = Canvas(rng, NIGHT if scene is night else DAY[rng.integers(len(DAY))])
        scene(canvas)
        canvas.save(folder, scene.__name__, f"{scene.__name__}-{number // len(SCENES):03}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the scenes of the first study.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "scenes")
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    draw(given.out, given.count, given.seed)
    print(f"{given.count} scenes in {given.out}")
