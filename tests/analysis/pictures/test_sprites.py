"""Sprites: the places of tiles, and masks that are transparent exactly where a unit is active."""

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

    Mask = npt.NDArray[np.bool_]
    Pixels = npt.NDArray[np.uint8]

TILE = Pictures().tile
LAYOUT = Pictures(columns=5, unit_tiles=15)
COLORS = [(230, 30, 30), (30, 200, 30), (30, 30, 230), (230, 230, 30), (200, 30, 200), (30, 210, 210), (240, 240, 240)]


def written(folder: Path, highlighted: Mask, tiles: int, layout: Pictures = LAYOUT) -> tuple[Pixels, Pixels]:
    """Write a sprite whose image k has the k-th plain color; return its images and masks, read back."""
    run = Run(folder)
    images = list(range(len(highlighted)))
    packed = np.packbits(highlighted.reshape(len(highlighted), highlighted.shape[1] ** 2), axis=1)
    thumbnails = {k: np.full((layout.tile, layout.tile, 3), COLORS[k % len(COLORS)], np.uint8) for k in images}
    sprite = Sprite(layout.unit(0, 3), images, packed, highlighted.shape[1], tiles)
    np.testing.assert_array_equal(sprite.highlighted, highlighted)
    write_sprite(run, sprite, thumbnails, layout)
    with Image.open(folder / layout.unit(0, 3)) as pictures, Image.open(folder / layout.mask(sprite.path)) as masks:
        assert (pictures.format, pictures.mode) == ("WEBP", "RGB")
        assert (masks.format, masks.mode) == ("WEBP", "RGBA")
        return np.asarray(pictures), np.asarray(masks)


def mask_of(folder: Path, highlighted: Mask) -> Pixels:
    """Return the mask of one image `(tile, tile, 4)`."""
    return written(folder, highlighted[None], tiles=1)[1]


def some_positions(grid: int, seed: int = 0) -> Mask:
    """Return blobs, single positions and part of an edge."""
    random = np.random.default_rng(seed)
    highlighted = random.random((grid, grid)) < 0.03
    highlighted[grid // 4 : grid // 2, grid // 3 : grid // 2] = True
    highlighted[0, : grid // 3] = True
    return highlighted


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
def test_tiles_are_placed_row_by_row_and_empty_tiles_are_black(
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


def test_each_mask_is_at_the_place_of_its_image(tmp_path: Path) -> None:
    highlighted = np.zeros((7, 8, 8), dtype=np.bool_)
    for image in range(7):
        highlighted[image, image, 7 - image] = True
    masks = written(tmp_path, highlighted, tiles=15)[1]
    side = TILE // 8
    for image in range(7):
        clear = tile_at(masks, image // 5, image % 5)[..., 3] == 0
        expected = np.zeros((TILE, TILE), dtype=np.bool_)
        expected[image * side : (image + 1) * side, (7 - image) * side : (8 - image) * side] = True
        np.testing.assert_array_equal(clear, expected)


@pytest.mark.parametrize("grid", [1, 7, 8, 56, 112])
def test_masks_are_clear_exactly_over_highlighted_positions(grid: int, tmp_path: Path) -> None:
    highlighted = some_positions(grid)
    clear = mask_of(tmp_path, highlighted)[..., 3] == 0
    np.testing.assert_array_equal(clear, np.kron(highlighted, np.ones((TILE // grid, TILE // grid), dtype=np.bool_)))


def covered(highlighted: Mask, tile: int) -> tuple[Mask, Mask]:
    """Return for each pixel whether all, and whether any, of the positions under it are highlighted."""
    grid = len(highlighted)
    every, some = np.empty((tile, tile), dtype=np.bool_), np.empty((tile, tile), dtype=np.bool_)
    spans = [(p * grid // tile, -(-(p + 1) * grid // tile)) for p in range(tile)]
    for y, rows in enumerate(spans):
        for x, columns in enumerate(spans):
            under = highlighted[slice(*rows), slice(*columns)]
            every[y, x], some[y, x] = under.all(), under.any()
    return every, some


@pytest.mark.parametrize("grid", [14, 50, 64, 100, 200, 256])
def test_masks_never_reveal_other_positions_if_the_grid_does_not_divide_the_tile(grid: int, tmp_path: Path) -> None:
    highlighted = some_positions(grid)
    clear = mask_of(tmp_path, highlighted)[..., 3] == 0
    every, some = covered(highlighted, TILE)
    assert clear[every].all()
    assert not clear[~some].any()


@pytest.mark.parametrize("grid", [8, 56, 64, 100, 112])
def test_no_highlighted_position_is_lost(grid: int, tmp_path: Path) -> None:
    highlighted = np.zeros((grid, grid), dtype=np.bool_)
    highlighted[::2, ::2] = True  # no two touch: each is a separate transparent patch
    clear = mask_of(tmp_path, highlighted)[..., 3] == 0
    rows, columns = (np.count_nonzero(np.diff(line.astype(int), prepend=0) == 1) for line in (clear[:, 0], clear[0]))
    assert rows == columns == -(-grid // 2)


@pytest.mark.parametrize("grid", [8, 56, 64, 200])
def test_the_outline_is_a_thin_line_outside_the_highlighted_region(grid: int, tmp_path: Path) -> None:
    mask = mask_of(tmp_path, some_positions(grid))
    clear = mask[..., 3] == 0
    colors = np.unique(mask[~clear].reshape(-1, 4), axis=0)
    assert len(colors) == 2  # the shade and the outline
    line = (mask == max(colors, key=lambda color: int(color[3]))).all(axis=2)
    padded = np.pad(clear, 1)
    beside = padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    np.testing.assert_array_equal(line, beside & ~clear)


@pytest.mark.parametrize("grid", [8, 56, 64, 200])
@pytest.mark.parametrize("everything", [False, True])
def test_a_mask_is_all_shade_without_positions_and_all_clear_with_all_positions(
    grid: int, everything: bool, tmp_path: Path
) -> None:
    mask = mask_of(tmp_path, np.full((grid, grid), everything))
    assert len(np.unique(mask[..., 3])) == 1
    assert (mask[0, 0, 3] == 0) == everything
    assert 0 <= mask[0, 0, 3] < 255  # the shade is not opaque


@settings(max_examples=15, deadline=None)
@given(grid=st.sampled_from([8, 14, 28, 56]), seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_any_region_can_be_read_back(
    grid: int, seed: int, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    highlighted = np.random.default_rng(seed).random((grid, grid)) < share
    mask = mask_of(tmp_path_factory.mktemp("run"), highlighted)
    step = TILE // grid
    np.testing.assert_array_equal(mask[step // 2 :: step, step // 2 :: step, 3] == 0, highlighted)


def test_masks_are_lossless_and_photographs_are_not(tmp_path: Path) -> None:
    written(tmp_path, some_positions(56)[None], tiles=1)
    assert b"VP8L" in (tmp_path / LAYOUT.mask(LAYOUT.unit(0, 3))).read_bytes()[:64]
    assert b"VP8 " in (tmp_path / LAYOUT.unit(0, 3)).read_bytes()[:64]


def test_a_sprite_leaves_its_two_files_and_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        written(tmp_path, some_positions(8)[None], tiles=1)
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
