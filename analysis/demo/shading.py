"""Turn shapes into a picture, with texture, light, haze, reflections, lamps and weather; and into label maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.demo.canvas import FINE, Row
from dissectory.analysis.demo.textures import TILE, choice, tiles, veil
from dissectory.analysis.demo.vocabulary import MATERIALS, numbers

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.demo.canvas import Canvas, Mirror

    Plane = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.uint8]

_WATER = numbers(MATERIALS)["water"]
_F = np.float32
"""Operations run on whole planes, so half the memory takes half the time."""

_DRAWN_AT = 288
"""The side in fine pixels for which the sizes of textures and clouds were chosen; other sides scale them."""
_STARS = 90


def labels(canvas: Canvas) -> tuple[Labels, Labels, Labels]:
    """Return the label maps of objects, parts and materials, each `(size, size)`; 0 is no label."""
    middle = slice(FINE // 2, None, FINE)
    shapes = np.asarray(canvas.shapes)[middle, middle]
    table = np.array([row[:3] for row in canvas.rows], dtype=np.uint8)
    objects, parts, materials = (table[:, place][shapes] for place in range(3))
    return objects, parts, materials


def picture(canvas: Canvas, textures: int = 0) -> npt.NDArray[np.uint8]:
    """Color the scene `(size, size, 3)`; `textures` other than 0 gives every material another texture."""
    shapes = np.asarray(canvas.shapes).astype(np.intp)
    surface = _surfaces(canvas, shapes, textures)
    _sky(canvas, surface, shapes)
    _reflect(canvas, surface, shapes)
    seen = _reduced(surface)
    _shine(canvas, seen)
    _weather(canvas, seen)
    colored: npt.NDArray[np.uint8] = np.rint(seen.clip(0, 255)).astype(np.uint8)
    return colored


def _surfaces(canvas: Canvas, shapes: npt.NDArray[np.intp], textures: int) -> Plane:
    """Return the colors with texture, shading and haze `(side, side, 3)`; the sky is black."""
    table = np.array(canvas.rows, dtype=_F)
    column = {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(Row._fields)}
    kinds = column["material"].astype(np.intp)
    chosen, strengths, mixes = choice(textures)
    bright = _form(canvas, shapes, column)
    bright += (strengths[kinds] * column["grain"])[shapes] * _texture(canvas, shapes, column, chosen[kinds])
    bright *= np.where(np.asarray(canvas.shade) > shapes, _F(0.74), _F(1))
    light = np.array(canvas.mood.light.tint, dtype=_F)
    lit = column["lit"][:, None]
    own = np.einsum("nc,nkc->nk", table[:, 3:6], mixes[kinds]) * (light * (1 - lit) + lit)
    air = np.array(canvas.mood.air, dtype=_F)
    clear = _clear(canvas, shapes, column)
    colored = np.empty((*shapes.shape, 3), dtype=_F)
    for place in range(3):  # one color after the other, in place, takes a third of the time of all at once
        plane = own[:, place].take(shapes)
        plane *= bright
        plane -= air[place]
        plane *= clear
        plane += air[place]
        colored[..., place] = plane
    return colored


def _form(canvas: Canvas, shapes: npt.NDArray[np.intp], column: dict[str, Plane]) -> Plane:
    """Return the brightness factor of every fine pixel from the shape's roundness, around 1."""
    away = np.arange(canvas.side, dtype=_F)
    bright: Plane = column["level"][shapes]
    bright += column["across"][shapes] * away
    bright += column["down"][shapes] * away[:, None]
    return bright


def _clear(canvas: Canvas, shapes: npt.NDArray[np.intp], column: dict[str, Plane]) -> Plane:
    """Return the share of every fine pixel's color that the air lets through, 0..1."""
    clear = np.exp(-canvas.mood.haze * column["depth"] * (1 - column["lit"] * _F(0.5))).astype(_F)[shapes]
    y = np.arange(canvas.side, dtype=_F)[:, None] / canvas.side
    ground = np.exp(-canvas.mood.haze * ((1 - y) / (1 - canvas.horizon)).clip(0, 1))
    return np.where(column["flat"][shapes] > 0, ground.astype(_F), clear)


def _texture(
    canvas: Canvas, shapes: npt.NDArray[np.intp], column: dict[str, Plane], tile: npt.NDArray[np.intp]
) -> Plane:
    """Return every fine pixel's texture, -1..1; on the ground the texture gets smaller towards the horizon."""
    away = np.arange(canvas.side, dtype=_F)
    rate = column["rate"][shapes]
    across = away * rate + column["texture_x"][shapes]
    down = away[:, None] * rate + column["texture_y"][shapes]
    near = ((away / canvas.side - canvas.horizon) / (1 - canvas.horizon)).clip(0, 1)
    stretch = (1 / (near + _F(0.16)))[:, None]
    flat = column["flat"][shapes] > 0
    across = np.where(flat, (away / canvas.side - _F(0.5)) * (_F(300) * stretch), across)
    down = np.where(flat, _F(150) * stretch, down)
    texel = (down.astype(np.int32) & (TILE - 1)) * TILE + (across.astype(np.int32) & (TILE - 1))
    return tiles().ravel().take(texel + (tile * (TILE * TILE)).astype(np.int32)[shapes])


def _sky(canvas: Canvas, surface: Plane, shapes: npt.NDArray[np.intp]) -> None:
    """Fill in the sky: its gradient, thin clouds, the glow around the sun, stars."""
    bare = np.flatnonzero((shapes == 0).any(axis=1))
    if not len(bare):
        return
    foot = int(bare[-1]) + 1
    mood = canvas.mood
    y = (np.arange(foot, dtype=_F) / canvas.side)[:, None]
    share = (y / max(canvas.horizon, 0.2)).clip(0, 1)[..., None] ** _F(0.8)
    top, low = np.array(mood.light.top, dtype=_F), np.array(mood.light.horizon, dtype=_F)
    if mood.weather not in {"clear", "cloudy"}:
        top = top * _F(0.35) + (low * _F(0.65))
    sky = np.repeat(top + (low - top) * share, canvas.side, axis=1)
    sky += (_wisps(canvas, foot) * (1 - mood.light.dark * 0.8))[..., None] * (_F(250) - sky)
    if canvas.sun is not None and mood.light.sun is not None:
        x = np.arange(canvas.side, dtype=_F) / canvas.side
        far = (x - canvas.sun[0]) ** 2 + (y - canvas.sun[1]) ** 2
        sky += (np.exp(far * _F(-14)) * _F(0.55))[..., None] * (np.array(mood.light.sun, dtype=_F) - sky)
    if mood.dark and mood.weather == "clear":
        _stars(canvas, sky)
    surface[:foot] = np.where((shapes[:foot] == 0)[..., None], sky, surface[:foot])


def _wisps(canvas: Canvas, foot: int) -> Plane:
    """Return how much thin clouds hide of the sky's first `foot` rows, 0..0.5; a crop of a larger veil."""
    step = _DRAWN_AT / canvas.side
    row, column = (int(canvas.dice.between(0, 400)) for _ in range(2))
    rows = ((np.arange(foot) * step).astype(int) + row) % len(veil())
    columns = ((np.arange(canvas.side) * step).astype(int) + column) % len(veil())
    thin: Plane = veil()[rows[:, None], columns] * _F(0.5)
    return thin


def _stars(canvas: Canvas, sky: Plane) -> None:
    """Scatter stars of two by two fine pixels; few of them are bright."""
    random = canvas.dice.generator
    places = (random.random((2, _STARS)) * np.array([[sky.shape[0] - 2], [canvas.side - 2]])).astype(int)
    bright = (random.random(_STARS) ** 3 * 200 + 40).astype(_F)
    for rows in (0, 1):
        for columns in (0, 1):
            sky[places[0] + rows, places[1] + columns] += bright[:, None]


def _reflect(canvas: Canvas, surface: Plane, shapes: npt.NDArray[np.intp]) -> None:
    """Reflect in the water what is above it."""
    if not canvas.mirrors:
        return
    kinds = np.array([row.material if row.flat else 0 for row in canvas.rows], dtype=np.uint8)
    water = kinds[shapes] == _WATER
    source = surface.copy()
    for mirror in canvas.mirrors:
        _mirror(mirror, source, surface, water)


def _mirror(mirror: Mirror, source: Plane, surface: Plane, water: npt.NDArray[np.bool_]) -> None:
    """Mix the part of `source` above a line into the water below the line, distorted by waves."""
    side = len(surface)
    left, right = (max(0, min(side, int(edge * side))) for edge in (mirror.left, mirror.right))
    line = int(mirror.line * side)
    reach = min(side - line, int(mirror.reach * side))
    if right - left < FINE or reach < FINE:
        return
    down, across = np.arange(reach), np.arange(left, right)
    texels = (down * (600 / side)).astype(np.intp)[:, None] % TILE, (across * (96 / side)).astype(np.intp) % TILE
    ripple = tiles()[_WATER - 1][texels] * (1 + down[:, None] * (4 / side)) * (side / 130)
    rows = (line - 1 - down[:, None] + ripple).clip(0, side - 1).astype(np.intp)
    columns = (across + ripple).clip(0, side - 1).astype(np.intp)
    fade = (0.62 - 0.5 * down / reach).astype(_F)[:, None]
    area = np.s_[line : line + reach, left:right]
    share = np.where(water[area], fade, _F(0))[..., None]
    surface[area] += share * (source[rows, columns] * _F(0.92) - surface[area])


def _reduced(surface: Plane) -> Plane:
    """Average the fine pixels of every pixel."""
    high, wide = (edge // FINE for edge in surface.shape[:2])
    by_rows = surface.reshape(high, FINE, wide * FINE, 3).sum(axis=1)
    mean: Plane = by_rows.reshape(high, wide, FINE, 3).sum(axis=2) / _F(FINE * FINE)
    return mean


def _shine(canvas: Canvas, seen: Plane) -> None:
    """Light the surroundings of the lamps, with a glow in the air."""
    size = canvas.size
    glow = np.zeros_like(seen)
    centers = (np.arange(size, dtype=_F) + _F(0.5)) / size
    for lamp in canvas.lamps:
        left, right = (int(min(max(lamp.x + step * 2 * lamp.reach, 0), 1) * size) for step in (-1, 1))
        top, foot = (int(min(max(lamp.y + step * 2 * lamp.reach, 0), 1) * size) for step in (-1, 1))
        if right <= left or foot <= top:
            continue
        far = (centers[left:right] - lamp.x) ** 2 + (centers[top:foot, None] - lamp.y) ** 2
        light = np.maximum(np.exp(far / lamp.reach**2 * _F(-1.6)) - _F(0.0016), 0) * _F(lamp.strength)
        glow[top:foot, left:right] += light[..., None].astype(_F) * (np.array(lamp.color, dtype=_F) / 255)
    if canvas.lamps:
        seen *= 1 + glow * _F(1.5)
        seen += glow * _F(34)


def _weather(canvas: Canvas, seen: Plane) -> None:
    """Add rain, falling snow, and a little grain."""
    random, size, mood = canvas.dice.generator, canvas.size, canvas.mood
    pale = 0.35 + 0.65 * (1 - mood.light.dark)
    if mood.weather == "rain":
        count, length = 130, max(3, size // 16)
        rows, columns = (random.random((2, count)) * size).astype(int)
        for step in range(length):
            seen[(rows + step) % size, (columns + step // 3) % size] += _F(26 * pale)
    if mood.weather == "snowfall":
        rows, columns = (random.random((2, 150)) * size).astype(int)
        strength = (random.random((150, 1)) * 0.7 * pale).astype(_F)
        seen[rows, columns] += strength * (250 - seen[rows, columns])
    seen += (random.standard_normal((size, size, 1), dtype=_F)) * _F(1.6)
