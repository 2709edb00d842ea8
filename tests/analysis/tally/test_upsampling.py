"""Upsampled values against their definition, and against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.maps import borders, finite, networks_maps, swept, upsampled
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.upsampling import Border, Upsampler


@pytest.mark.parametrize("border", ["zeros", "extend"])
@pytest.mark.parametrize(("height", "width", "grid"), [(13, 13, 56), (7, 5, 16), (1, 9, 8), (30, 20, 8), (1, 1, 3)])
def test_upsampling_is_bilinear_between_cell_centers(border: Border, height: int, width: int, grid: int) -> None:
    plane = np.random.default_rng(1).normal(size=(height, width)).astype(np.float32)
    ours = upsampled(plane[None], Upsampler(height, width, grid, border)).reshape(grid, grid)
    np.testing.assert_array_equal(ours, reference.upsampled(plane, grid, border))


@settings(max_examples=100, deadline=None)
@given(networks_maps(), st.integers(1, 14), st.integers(1, 5), st.floats(-3, 3, width=32), borders)
def test_entries_are_the_values_above_the_bound(
    maps: np.ndarray, grid: int, batch: int, bound: float, border: Border
) -> None:
    images, units, height, width = maps.shape
    kept = swept(maps, Upsampler(height, width, grid, border), batch, np.full(units, bound, dtype=np.float32)).kept
    for unit in range(units):
        expected = []
        for image in range(images):
            values = reference.upsampled(finite(maps)[image, unit], grid, border).ravel()
            expected += [(image, place, value) for place, value in enumerate(values) if value > bound]
        mine = kept.units(unit, unit + 1)
        numbers = np.repeat(mine.images, np.diff(mine.starts))
        assert list(zip(numbers.tolist(), mine.positions.tolist(), mine.values, strict=True)) == expected


@settings(max_examples=50, deadline=None)
@given(networks_maps(exact=False), st.integers(1, 14), st.floats(-1e6, 1e6, width=32), borders)
def test_exactly_the_values_above_the_bound_are_kept(maps: np.ndarray, grid: int, bound: float, border: Border) -> None:
    upsampler = Upsampler(maps.shape[2], maps.shape[3], grid, border)
    bounds = np.full(maps.shape[1], bound, dtype=np.float32)
    everything, above = swept(maps, upsampler, 4).kept, swept(maps, upsampler, 4, bounds).kept
    assert len(everything) == maps.shape[0] * maps.shape[1] * grid**2
    np.testing.assert_array_equal(above.values, everything.values[everything.values > bounds[0]])
    np.testing.assert_array_equal(above.positions, everything.positions[everything.values > bounds[0]])


def test_zeros_equals_torch_s_sampling_with_zero_padding() -> None:
    maps = torch.randn(4, 13, 13, generator=torch.Generator().manual_seed(0)).double()
    axis = (torch.arange(56, dtype=torch.float64) + 0.5) / 56 * 2 - 1
    where = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    theirs = torch.nn.functional.grid_sample(maps[None], where, align_corners=False)[0].flatten(1)
    np.testing.assert_allclose(
        upsampled(maps.float().numpy(), Upsampler(13, 13, 56)), theirs.numpy(), rtol=1e-6, atol=1e-6
    )


def test_extend_equals_torch_s_resize() -> None:
    maps = torch.randn(4, 13, 10, generator=torch.Generator().manual_seed(0))
    theirs = torch.nn.functional.interpolate(maps[None], size=(56, 56), mode="bilinear", align_corners=False)
    ours = upsampled(maps.numpy(), Upsampler(13, 10, 56, "extend"))
    np.testing.assert_allclose(ours, theirs[0].flatten(1).numpy(), rtol=1e-5, atol=1e-6)


def test_equal_activations_stay_equal() -> None:
    ours = upsampled(np.full((1, 13, 13), 0.1, dtype=np.float32), Upsampler(13, 13, 56, "extend"))
    assert (ours == np.float32(0.1)).all()
