"""Sprites: where tiles lie, and masks that are clear where a unit is active and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dissectory.analysis.pictures.sprites import Sprite, thumbnail, write_sprite
from dissectory.analysis.run import Pictures, Run

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Lit = npt.NDArray[np.bool_]
    Pixels = npt.NDArray[np.uint8]

TILE = Pictures().tile
LAYOUT = Pictures(columns=5, unit_tiles=15)
COLORS = [(230, 30, 30), (30, 200, 30), (30, 30, 230), (230, 230, 30), (200, 30, 200), (30, 210, 210), (240, 240, 240)]


def written(folder: Path, lit: Lit, tiles: int, layout: Pictures = LAYOUT) -> tuple[Pixels, Pixels]:
    """Write a sprite of plain colors, image k in the k-th one; returns its pictures and its masks as they are read."""
    run = Run(folder)
    images = list(range(len(lit)))
    packed = np.packbits(lit.reshape(len(lit), lit.shape[1] ** 2), axis=1)
    thumbnails = {k: np.full((layout.tile, layout.tile, 3), COLORS[k % len(COLORS)], np.uint8) for k in images}
    sprite = Sprite(layout.unit(0, 3), images, packed, lit.shape[1], tiles)
    np.testing.assert_array_equal(sprite.lit, lit)
    write_sprite(run, sprite, thumbnails, layout)
    with Image.open(folder / layout.unit(0, 3)) as pictures, Image.open(folder / layout.mask(sprite.path)) as masks:
        assert (pictures.format, pictures.mode) == ("WEBP", "RGB")
        assert (masks.format, masks.mode) == ("WEBP", "RGBA")
        return np.asarray(pictures), np.asarray(masks)


def mask_of(folder: Path, lit: Lit) -> Pixels:
    """The mask of one image `(tile, tile, 4)`."""
    return written(folder, lit[None], tiles=1)[1]


def some_lit(grid: int, seed: int = 0) -> Lit:
    """Blobs, single positions and one edge."""
    random = np.random.default_rng(seed)
    lit = random.random((grid, grid)) < 0.03
    lit[grid // 4 : grid // 2, grid // 3 : grid // 2] = True
    lit[0, : grid // 3] = True
    return lit


def tile_at(sheet: Pixels, row: int, column: int, tile: int = TILE) -> Pixels:
    return sheet[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]


@pytest.mark.parametrize(
    ("images", "tiles", "columns", "shape"),
    [
        (15, 15, 5, (3, 5)),
        (7, 15, 5, (3, 5)),
        (1, 1, 5, (1, 1)),
        (4, 4, 5, (1, 4)),
        (5, 5, 5, (1, 5)),
        (6, 6, 5, (2, 5)),
        (7, 7, 3, (3, 3)),
        (0, 4, 5, (1, 4)),
    ],
)
def test_tiles_lie_row_by_row_and_empty_ones_are_black(
    images: int, tiles: int, columns: int, shape: tuple[int, int], tmp_path: Path
) -> None:
    layout = Pictures(tile=32, columns=columns, unit_tiles=tiles)
    pictures, masks = written(tmp_path, np.zeros((images, 8, 8), dtype=np.bool_), tiles, layout)
    assert pictures.shape == (shape[0] * 32, shape[1] * 32, 3)
    assert masks.shape == (shape[0] * 32, shape[1] * 32, 4)
    for place in range(shape[0] * shape[1]):
        at = place // shape[1], place % shape[1]
        expected = COLORS[place % len(COLORS)] if place < images else (0, 0, 0)
        seen = tile_at(pictures, *at, tile=32)[4:-4, 4:-4].reshape(-1, 3)  # WebP blurs where tiles meet
        assert np.abs(seen.astype(int) - expected).max() <= 10
        opacity = tile_at(masks, *at, tile=32)[..., 3]
        assert (opacity > 0).all() if place < images else (opacity == 0).all()


def test_each_mask_lies_over_its_own_picture(tmp_path: Path) -> None:
    lit = np.zeros((7, 8, 8), dtype=np.bool_)
    for image in range(7):
        lit[image, image, 7 - image] = True
    masks = written(tmp_path, lit, tiles=15)[1]
    side = TILE // 8
    for image in range(7):
        clear = tile_at(masks, image // 5, image % 5)[..., 3] == 0
        expected = np.zeros((TILE, TILE), dtype=np.bool_)
        expected[image * side : (image + 1) * side, (7 - image) * side : (8 - image) * side] = True
        np.testing.assert_array_equal(clear, expected)


@pytest.mark.parametrize("grid", [1, 7, 8, 56, 112])
def test_masks_are_clear_exactly_over_lit_positions(grid: int, tmp_path: Path) -> None:
    lit = some_lit(grid)
    clear = mask_of(tmp_path, lit)[..., 3] == 0
    np.testing.assert_array_equal(clear, np.kron(lit, np.ones((TILE // grid, TILE // grid), dtype=np.bool_)))


def covered(lit: Lit, tile: int) -> tuple[Lit, Lit]:
    """Of the positions that each pixel lies over, whether all are lit and whether any is, pixel by pixel."""
    grid = len(lit)
    every, some = np.empty((tile, tile), dtype=np.bool_), np.empty((tile, tile), dtype=np.bool_)
    spans = [(p * grid // tile, -(-(p + 1) * grid // tile)) for p in range(tile)]
    for y, rows in enumerate(spans):
        for x, columns in enumerate(spans):
            under = lit[slice(*rows), slice(*columns)]
            every[y, x], some[y, x] = under.all(), under.any()
    return every, some


@pytest.mark.parametrize("grid", [14, 50, 64, 100, 200, 256])
def test_where_positions_are_no_whole_pixels_masks_are_clear_over_nothing_else(grid: int, tmp_path: Path) -> None:
    lit = some_lit(grid)
    clear = mask_of(tmp_path, lit)[..., 3] == 0
    every, some = covered(lit, TILE)
    assert clear[every].all()
    assert not clear[~some].any()


@pytest.mark.parametrize("grid", [8, 56, 64, 100, 112])
def test_no_lit_position_is_lost(grid: int, tmp_path: Path) -> None:
    lit = np.zeros((grid, grid), dtype=np.bool_)
    lit[::2, ::2] = True  # no two touch: each is a clear patch of its own
    clear = mask_of(tmp_path, lit)[..., 3] == 0
    rows, columns = (np.count_nonzero(np.diff(line.astype(int), prepend=0) == 1) for line in (clear[:, 0], clear[0]))
    assert rows == columns == -(-grid // 2)


@pytest.mark.parametrize("grid", [8, 56, 64, 200])
def test_the_outline_is_a_thin_line_outside_the_lit_region(grid: int, tmp_path: Path) -> None:
    mask = mask_of(tmp_path, some_lit(grid))
    clear = mask[..., 3] == 0
    colors = np.unique(mask[~clear].reshape(-1, 4), axis=0)
    assert len(colors) == 2  # the shade and the outline
    line = (mask == max(colors, key=lambda color: int(color[3]))).all(axis=2)
    padded = np.pad(clear, 1)
    beside = padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    np.testing.assert_array_equal(line, beside & ~clear)


@pytest.mark.parametrize("grid", [8, 56, 64, 200])
@pytest.mark.parametrize("everything", [False, True])
def test_nothing_lit_is_all_shade_and_everything_lit_is_all_clear(grid: int, everything: bool, tmp_path: Path) -> None:
    mask = mask_of(tmp_path, np.full((grid, grid), everything))
    assert len(np.unique(mask[..., 3])) == 1
    assert (mask[0, 0, 3] == 0) == everything
    assert 0 <= mask[0, 0, 3] < 255  # the picture is seen through the shade


@settings(max_examples=15, deadline=None)
@given(grid=st.sampled_from([8, 14, 28, 56]), seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_any_region_can_be_read_back(
    grid: int, seed: int, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lit = np.random.default_rng(seed).random((grid, grid)) < share
    mask = mask_of(tmp_path_factory.mktemp("run"), lit)
    step = TILE // grid
    np.testing.assert_array_equal(mask[step // 2 :: step, step // 2 :: step, 3] == 0, lit)


def test_masks_are_lossless_and_photographs_are_not(tmp_path: Path) -> None:
    written(tmp_path, some_lit(56)[None], tiles=1)
    assert b"VP8L" in (tmp_path / LAYOUT.mask(LAYOUT.unit(0, 3))).read_bytes()[:64]
    assert b"VP8 " in (tmp_path / LAYOUT.unit(0, 3)).read_bytes()[:64]


def test_a_sprite_leaves_its_two_files_and_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        written(tmp_path, some_lit(8)[None], tiles=1)
    files = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["3.mask.webp", "3.webp"]


@pytest.mark.parametrize("size", [32, 112, 224, 500])
def test_a_thumbnail_is_the_whole_view(size: int) -> None:
    view = np.zeros((size, size, 3), dtype=np.uint8)
    view[: size // 2, size // 2 :] = (200, 100, 50)
    small = thumbnail(view, 112)
    assert small.shape == (112, 112, 3)
    assert small.dtype == np.uint8
    assert small[28, 84].tolist() == [200, 100, 50]
    assert small[84, 84].tolist() == small[28, 28].tolist() == small[84, 28].tolist() == [0, 0, 0]
