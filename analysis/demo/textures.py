"""Textures: small seamless tiles, one for each material and a few artificial ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.demo.vocabulary import MATERIALS

if TYPE_CHECKING:
    import numpy.typing as npt

    Tile = npt.NDArray[np.float32]

TILE = 256
"""Width and height of a tile, in texels."""

_JOINT = 3
"""Width of a joint, in texels."""

STRENGTHS = (0.3, 0.2, 0.14, 0.34, 0.24, 0.045, 0.09, 0.12, 0.05, 0.13, 0.08, 0.14, 0.1)
"""How much each material's tile changes a surface's brightness, in the order of `MATERIALS`."""


def _noise(seed: int, low: float, high: float, stretch: float = 1.0, side: int = TILE) -> Tile:
    """Make smooth noise of the frequencies `low` to `high` (waves per tile); `stretch` flattens it."""
    white = np.random.default_rng(seed).normal(size=(side, side))
    waves = np.fft.fftfreq(side, 1 / side)
    radius = np.hypot(waves[:, None] / stretch, waves[None, :] * stretch)
    band = np.where((radius >= low) & (radius <= high), 1 / np.maximum(radius, 1), 0)
    return _even(np.fft.ifft2(np.fft.fft2(white) * band).real)


def _even(values: npt.NDArray[np.floating]) -> Tile:
    """Bring values to a mean of 0 within -1..1, in steps of 1/127 that hide a machine's own rounding."""
    values = values - values.mean()
    reach = max(float(np.quantile(np.abs(values), 0.99)), 1e-9)
    return (np.round((values / reach).clip(-1, 1) * 127) / 127).astype(np.float32)


def _grid() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    rows, columns = np.indices((TILE, TILE))
    return rows, columns


def _bricks(height: int = 16, width: int = 32) -> Tile:
    """Make rows of bricks, each brick with its own brightness, and light mortar."""
    rows, columns = _grid()
    course = rows // height
    shifted = (columns + course % 2 * (width // 2)) % TILE
    shade = np.random.default_rng(1).normal(size=(TILE // height, TILE // width))[course, shifted // width]
    mortar = (rows % height < _JOINT) | (shifted % width < _JOINT)
    return _even(np.where(mortar, 2.0, shade * 0.7 - 0.6))


def _planks(width: int = 32) -> Tile:
    """Make upright boards with grain and dark joints."""
    _, columns = _grid()
    shade = np.random.default_rng(2).normal(size=TILE // width)[columns // width]
    return _even(np.where(columns % width <= _JOINT, -2.6, shade * 0.6 + _noise(3, 4, 60, 0.25)))


def _cells(seed: int, count: int) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.intp]]:
    """Return the distances to the two nearest of random points `(2, TILE, TILE)`, and the nearest `(TILE, TILE)`."""
    points = np.random.default_rng(seed).uniform(0, TILE, size=(count, 2))
    gaps = np.abs(np.arange(TILE)[:, None, None] - points.T)  # (row or column, axis, point)
    down, across = np.minimum(gaps, TILE - gaps).transpose(1, 0, 2)
    nearest = np.empty((2, TILE, TILE))
    which = np.empty((TILE, TILE), dtype=np.intp)
    for row in range(TILE):  # the distances of one row fit into the processor's cache: a third of the time
        distance = np.hypot(down[row], across)
        which[row] = distance.argmin(axis=1)
        nearest[:, row] = np.partition(distance, 1, axis=1)[:, :2].T
    return nearest, which


def _stones() -> Tile:
    """Make rubble with dark joints."""
    (first, second), which = _cells(4, 90)
    shade = np.random.default_rng(5).normal(size=90)[which]
    return _even(np.where(second - first < _JOINT, -2.2, shade * 0.8 + 0.5 * _noise(6, 8, 60)))


def _leaves() -> Tile:
    """Make tufts, light on top and dark between."""
    (first, _), which = _cells(7, 260)
    shade = np.random.default_rng(8).normal(size=260)[which]
    return _even(shade * 0.6 - first / 7 + 0.5 * _noise(9, 3, 20))


def _stripes(period: int, slope: int) -> Tile:
    rows, columns = _grid()
    return _even(np.sin((columns + slope * rows) * (2 * np.pi / period)))


def _checks(side: int) -> Tile:
    rows, columns = _grid()
    return _even(((rows // side + columns // side) % 2).astype(float))


def _dots(period: int) -> Tile:
    rows, columns = _grid()
    return _even((np.hypot(rows % period - period / 2, columns % period - period / 2) < period / 3).astype(float))


def _zigzag(period: int) -> Tile:
    rows, columns = _grid()
    return _even(np.sin((rows + np.abs(columns % period - period / 2)) * (4 * np.pi / period)))


@cache
def tiles() -> Tile:
    """Return all tiles `(tile, TILE, TILE)`, -1..1: those of `MATERIALS` in order, then the artificial ones."""
    natural = [_bricks(), _planks(), _noise(10, 3, 26, 2.2), _leaves(), _stones(), _noise(11, 2, 16)]
    natural += [_noise(12, 2, 60, 0.2), _stripes(128, 1), _noise(13, 8, 60), _noise(14, 4, 50, 1.6)]
    natural += [_noise(15, 40, 120), _stripes(32, 0), _noise(16, 10, 50)]
    return np.stack([*natural, _checks(16), _dots(32), _zigzag(32), _stripes(32, 1), _bricks(32, 32)])


@cache
def veil() -> Tile:
    """Return thin high clouds `(512, 512)`, 0..1."""
    wisps = _noise(17, 1, 40, 2.0, 512)
    thin: Tile = np.maximum(wisps - np.float32(0.1), 0)
    return thin


@cache
def choice(textures: int) -> tuple[npt.NDArray[np.intp], Tile, Tile]:
    """Choose a texture for every material; 0 gives the natural textures, every other number gives others.

    Returns:
        The tile of each material `(material,)`, where row 0 is no material; its strength `(material,)`; how it mixes
        red, green and blue `(material, 3, 3)`.
    """
    count = len(MATERIALS) + 1
    plain = np.concatenate([[0.0], STRENGTHS]).astype(np.float32)
    if textures == 0:
        return np.maximum(np.arange(count) - 1, 0), plain, np.tile(np.eye(3, dtype=np.float32), (count, 1, 1))
    random = np.random.default_rng(textures)
    chosen = np.concatenate([[0], random.permutation(len(tiles()))[: count - 1]])
    strengths = np.concatenate([[0.0], random.uniform(0.15, 0.35, count - 1)]).astype(np.float32)
    mixes = np.stack([np.eye(3)] + [np.eye(3)[random.permutation(3)] for _ in MATERIALS]).astype(np.float32)
    return chosen, strengths, mixes
