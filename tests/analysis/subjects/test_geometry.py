"""Views equal torchvision's, and points are the pixels that the view shows."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from dissectory.analysis.subjects.geometry import Fit, Geometry, Interpolation

SHAPES = [(224, 224), (150, 150), (480, 360), (31, 57), (57, 31), (5, 9), (1, 1), (1, 7), (7, 1), (333, 334), (640, 97)]


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("size", "resize"), [(224, 256), (32, 33), (31, 48), (8, 8)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_a_cropped_view_is_torchvision_s(
    shape: tuple[int, int], size: int, resize: int, interpolation: Interpolation
) -> None:
    theirs = Compose([Resize(resize, InterpolationMode(interpolation)), CenterCrop(size)])
    ours = Geometry(size, resize, interpolation=interpolation)
    picture = noise(*shape)
    np.testing.assert_array_equal(np.asarray(ours.view(picture)), np.asarray(theirs(picture)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stretched_view_is_torchvision_s(shape: tuple[int, int]) -> None:
    theirs = Compose([Resize((40, 40)), CenterCrop(33)])
    picture = noise(*shape)
    np.testing.assert_array_equal(np.asarray(Geometry(33, 40, "stretch").view(picture)), np.asarray(theirs(picture)))


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (3, 1000), (10, 700)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_the_view_of_a_long_strip_equals_torchvision_s_except_for_rounding(
    shape: tuple[int, int], interpolation: Interpolation
) -> None:
    theirs = Compose([Resize(36, InterpolationMode(interpolation)), CenterCrop(32)])
    picture = noise(*shape)
    ours = np.asarray(Geometry(32, 36, interpolation=interpolation).view(picture)).astype(int)
    apart = np.abs(ours - np.asarray(theirs(picture)).astype(int))
    assert np.quantile(apart, 0.9) <= 1
    assert apart.max() <= 32  # bicubic overshoots, and Pillow clips that between its two passes


def test_the_view_of_an_endless_strip_takes_little_memory() -> None:
    # resized completely, it would have 256 x 25,600,000 pixels
    assert Geometry().view(Image.new("RGB", (1, 100_000), "red")).getpixel((0, 0)) == (255, 0, 0)


@settings(deadline=None)
@given(
    st.integers(1, 5000),
    st.integers(1, 5000),
    st.integers(1, 300),
    st.integers(0, 80),
    st.sampled_from(["crop", "stretch"]),
)
def test_a_resized_image_is_never_smaller_than_the_view(
    width: int, height: int, size: int, more: int, fit: Fit
) -> None:
    geometry = Geometry(size, size + more, fit)
    resized = geometry.resized(width, height)
    left, top = geometry.corner(*resized)
    assert min(resized) == size + more
    assert 0 <= left <= resized[0] - size
    assert 0 <= top <= resized[1] - size


@settings(deadline=None)
@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.integers(8, 120),
    st.integers(0, 60),
    st.integers(1, 120),
    st.sampled_from(["crop", "stretch"]),
)
def test_points_are_the_pixels_under_the_lattice(  # noqa: PLR0917 - hypothesis fills them in
    width: int, height: int, size: int, more: int, grid: int, fit: Fit
) -> None:
    geometry = Geometry(size, size + more, fit)
    resized = geometry.resized(width, height)
    left, top = geometry.corner(*resized)
    rows, columns = geometry.points(width, height, grid)
    for i in range(grid):
        center = (i + Fraction(1, 2)) * Fraction(size, grid)
        assert rows[i] == floor((center + top) * height / resized[1])
        assert columns[i] == floor((center + left) * width / resized[0])
    assert 0 <= rows.min() <= rows.max() < height
    assert 0 <= columns.min() <= columns.max() < width


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 9), st.sampled_from(["crop", "stretch"]))
def test_points_are_what_a_view_without_blending_shows(width: int, height: int, more: int, fit: Fit) -> None:
    geometry = Geometry(32, 32 + more, fit, "nearest")
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    painted = np.stack((across % 256, down % 256, across // 256 + 16 * (down // 256)), axis=-1).astype(np.uint8)
    shown = np.asarray(geometry.view(Image.fromarray(painted)))
    rows, columns = geometry.points(width, height, 32)
    # Pillow sums the steps between pixels, so it may take the neighbor if a center is on an edge
    seen = shown.astype(int)
    seen_columns = seen[..., 0] + 256 * (seen[..., 2] % 16)
    seen_rows = seen[..., 1] + 256 * (seen[..., 2] // 16)
    resized = geometry.resized(width, height)
    left, top = geometry.corner(*resized)
    centers = np.arange(32) + 0.5
    for found, wanted, place in (
        (seen_columns[0], columns, (centers + left) * width / resized[0]),
        (seen_rows[:, 0], rows, (centers + top) * height / resized[1]),
    ):
        inside = np.abs(place - np.round(place)) > 1e-3
        np.testing.assert_array_equal(found[inside], wanted[inside])
        assert np.abs(found - wanted).max() <= 1


def test_a_center_between_two_pixels_belongs_to_the_later_one() -> None:
    # the view is the middle 8 of 16 columns, and each of 4 positions covers two of them
    rows, columns = Geometry(8, 8).points(16, 8, 4)
    assert columns.tolist() == [5, 7, 9, 11]
    assert rows.tolist() == [1, 3, 5, 7]


def test_resize_below_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"resize \(100\) must not be smaller than size \(224\)"):
        Geometry(224, 100)
