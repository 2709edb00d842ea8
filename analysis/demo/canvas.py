"""A canvas for shapes: it stores which shape is on top at every fine pixel, and the look of each shape.

Colors are computed last (see `shading`), so labels are exact, and the same shapes can be given other textures.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image, ImageDraw

from dissectory.analysis.demo.vocabulary import MATERIALS, OBJECTS, PARTS, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dissectory.analysis.demo.dice import Dice
    from dissectory.analysis.demo.palette import Color, Mood

FINE = 3
"""Fine pixels per pixel and side: edges become smooth, and a pixel's label is the label of its middle fine pixel."""

_OBJECTS, _PARTS, _MATERIALS = numbers(OBJECTS), numbers(tuple(PARTS)), numbers(MATERIALS)


class Look(NamedTuple):
    """What a shape is, and how its surface reflects light."""

    part: str
    material: str
    color: Color
    turn: float = 0.0
    """How much brighter the side towards the light is, as on round things."""
    fall: float = 0.0
    """How much brighter the top is than the bottom."""
    lit: float = 0.0
    """1 for a surface that glows by itself."""
    grain: float = 1.0
    """The strength of the texture."""
    flat: bool = False
    """Whether the shape lies on the ground and extends towards the horizon."""


class Row(NamedTuple):
    """A shape's row in the table that pixels are colored from; brightness is `level + across * x + down * y`."""

    thing: int
    part: int
    material: int
    red: float
    green: float
    blue: float
    level: float
    across: float
    down: float
    depth: float
    rate: float
    texture_x: float
    texture_y: float
    grain: float
    lit: float
    flat: float


class Lamp(NamedTuple):
    """A lamp in the scene: its position and reach, from 0 to 1, its color and strength."""

    x: float
    y: float
    reach: float
    color: Color
    strength: float


class Mirror(NamedTuple):
    """A stretch of water, from `left` to `right` (0..1), that reflects what is above its line."""

    left: float
    right: float
    line: float
    reach: float


_SKY = Row(_OBJECTS["sky"], 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)


class Canvas:
    """A scene while it is drawn; coordinates run from 0 to 1, y downwards."""

    def __init__(self, size: int, dice: Dice, mood: Mood) -> None:
        """Begin with an empty sky; `size` is the picture's side in pixels."""
        self.size, self.side = size, size * FINE
        self.dice, self.mood = dice, mood
        self.horizon = 0.5
        self.shapes = Image.new("I", (self.side, self.side))
        self.shade = Image.new("I", (self.side, self.side))
        self.rows: list[Row] = [_SKY]
        self.lamps: list[Lamp] = []
        self.mirrors: list[Mirror] = []
        self.sun: tuple[float, float] | None = None
        self._draw, self._draw_shade = ImageDraw.Draw(self.shapes), ImageDraw.Draw(self.shade)

    def near(self, foot: float) -> float:
        """Return how near something on the ground is: 0 at the horizon, 1 at the bottom of the picture."""
        return max(0.0, (foot - self.horizon) / (1 - self.horizon))

    def polygon(self, corners: Sequence[float], row: Row) -> None:
        """Draw a polygon on top; `corners` alternate x and y, in fine pixels."""
        self._draw.polygon(corners, fill=len(self.rows))
        self.rows.append(row)

    def oval(self, edges: tuple[float, float, float, float], row: Row) -> None:
        """Draw an oval on top; `edges` are left, top, right and bottom, in fine pixels."""
        self._draw.ellipse(edges, fill=len(self.rows))
        self.rows.append(row)

    def shadow(self, x: float, y: float, wide: float, high: float) -> None:
        """Darken the shapes that are here so far."""
        if self.mood.shadows:
            side = self.side
            edges = ((x - wide) * side, (y - high) * side, (x + wide) * side, (y + high) * side)
            self._draw_shade.ellipse(edges, fill=len(self.rows))

    def put(
        self,
        draw: Callable[[Brush], None],
        x: float,
        foot: float,
        size: float,
        *,
        way: int = 0,
        depth: float | None = None,
    ) -> None:
        """Let `draw` draw a thing at a position; `way` -1 mirrors it, and 0 mirrors it at random."""
        depth = 1 - self.near(foot) if depth is None else depth
        draw(Brush(self, x, foot, size, way=way or self.dice.way(), depth=depth))


class Brush:
    """Draws the shapes of one thing; x runs right and y up from the foot of the thing, in units of its size."""

    def __init__(
        self, canvas: Canvas, x: float = 0, foot: float = 1, size: float = 1, *, way: int = 1, depth: float = 0
    ) -> None:
        """Start at `x`, `foot` on the canvas, by default covering all of it; `way` is 1, or -1 to draw mirrored."""
        self.canvas, self.dice, self.mood = canvas, canvas.dice, canvas.mood
        self.x, self.foot, self.size, self.way, self.depth = x, foot, size, way, depth
        self.thing = "sky"
        self._left, self._base = x * canvas.side, foot * canvas.side
        self._high = size * canvas.side
        self._wide = self._high * way
        # Texels per fine pixel: a texture scales with its thing, but is never so fine that it looks like noise.
        self._rate = min(max(0.42 / max(size, 1e-3), 1.0), 3.2) * 96 / canvas.size

    def at(self, x: float, y: float, scale: float = 1.0) -> Brush:
        """Return a brush for something that stands on this thing."""
        return Brush(
            self.canvas,
            self.x + self.way * x * self.size,
            self.foot - y * self.size,
            self.size * scale,
            way=self.way,
            depth=self.depth,
        )

    def polygon(self, points: Sequence[tuple[float, float]], look: Look) -> None:
        """Draw a polygon."""
        left, base, wide, high = self._left, self._base, self._wide, self._high
        corners: list[float] = []
        for x, y in points:
            corners.append(left + x * wide)
            corners.append(base - y * high)
        xs, ys = corners[::2], corners[1::2]
        self.canvas.polygon(corners, self._row(look, min(xs), min(ys), max(xs), max(ys)))

    def box(self, left: float, low: float, right: float, top: float, look: Look) -> None:
        """Draw a rectangle."""
        self.polygon(((left, low), (right, low), (right, top), (left, top)), look)

    def oval(self, x: float, y: float, wide: float, high: float, look: Look) -> None:
        """Draw an oval around a point; `wide` and `high` are half its width and height."""
        middle, level = self._left + x * self._wide, self._base - y * self._high
        reach, rise = wide * self._high, high * self._high
        edges = (middle - reach, level - rise, middle + reach, level + rise)
        self.canvas.oval(edges, self._row(look, *edges))

    def disc(self, x: float, y: float, radius: float, look: Look) -> None:
        """Draw a disc."""
        self.oval(x, y, radius, radius, look)

    def bar(self, start: tuple[float, float], end: tuple[float, float], width: float, look: Look) -> None:
        """Draw a straight bar."""
        run, rise = end[0] - start[0], end[1] - start[1]
        reach = width / 2 / max(math.hypot(run, rise), 1e-9)
        x, y = -rise * reach, run * reach
        self.polygon(
            (
                (start[0] + x, start[1] + y),
                (end[0] + x, end[1] + y),
                (end[0] - x, end[1] - y),
                (start[0] - x, start[1] - y),
            ),
            look,
        )

    def shadow(self, wide: float, high: float = 0.06, x: float = 0.0) -> None:
        """Cast a shadow on the ground, away from the light."""
        lean = -self.mood.side * wide * 0.35
        self.canvas.shadow(self.x + (self.way * x + lean) * self.size, self.foot, wide * self.size, high * self.size)

    def lamp(self, x: float, y: float, reach: float, color: Color, strength: float = 1.0) -> None:
        """Add a lamp that shines when it is dark."""
        strength *= self.mood.light.dark
        if strength > 0:
            place = (self.x + self.way * x * self.size, self.foot - y * self.size)
            self.canvas.lamps.append(Lamp(*place, reach * self.size, color, strength))

    def _row(self, look: Look, left: float, top: float, right: float, bottom: float) -> Row:
        across = 2 * look.turn * self.mood.side / max(right - left, 1)
        down = -2 * look.fall / max(bottom - top, 1)
        level = 1 - across * (left + right) / 2 - down * (top + bottom) / 2
        red, green, blue = look.color
        return Row(
            _OBJECTS[self.thing],
            _PARTS[look.part],
            _MATERIALS[look.material],
            red,
            green,
            blue,
            level,
            across,
            down,
            self.depth,
            self._rate,
            -self._left * self._rate,
            -self._base * self._rate,
            look.grain,
            look.lit,
            float(look.flat),
        )
