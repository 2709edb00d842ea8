"""Top images, moments, histograms and upsampling, each against its definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference import dissection as reference

from dissectory.analysis.tally.histogram import Histograms, bin_edges
from dissectory.analysis.tally.kernels import BINS
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import NO_IMAGE, TopImages
from dissectory.analysis.tally.thresholds import count_above
from dissectory.analysis.tally.upsampling import Border, Upsampler


@pytest.mark.parametrize("border", ["zeros", "extend"])
@pytest.mark.parametrize(("height", "width", "grid"), [(13, 13, 56), (7, 5, 16), (1, 9, 8), (30, 20, 8), (1, 1, 3)])
def test_upsampling_is_bilinear_about_cell_centres(border: Border, height: int, width: int, grid: int) -> None:
    plane = np.random.default_rng(1).normal(size=(height, width)).astype(np.float32)
    ours = Upsampler(height, width, grid, border)(plane[None]).reshape(grid, grid)
    np.testing.assert_array_equal(ours, reference.upsampled(plane, grid, border))


def test_zeros_is_what_torch_samples_with_zero_padding() -> None:
    maps = torch.randn(4, 13, 13, generator=torch.Generator().manual_seed(0)).double()
    axis = (torch.arange(56, dtype=torch.float64) + 0.5) / 56 * 2 - 1
    where = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    theirs = torch.nn.functional.grid_sample(maps[None], where, align_corners=False)[0].flatten(1)
    np.testing.assert_allclose(Upsampler(13, 13, 56)(maps.float().numpy()), theirs, rtol=1e-6, atol=1e-6)


def test_extend_is_the_usual_resize() -> None:
    maps = torch.randn(4, 13, 10, generator=torch.Generator().manual_seed(0))
    theirs = torch.nn.functional.interpolate(maps[None], size=(56, 56), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(
        Upsampler(13, 10, 56, "extend")(maps.numpy()), theirs[0].flatten(1), rtol=1e-5, atol=1e-6
    )


def test_equal_activations_stay_equal() -> None:
    up = Upsampler(13, 13, 56, "extend")(np.full((1, 13, 13), 0.1, dtype=np.float32))
    assert (up == np.float32(0.1)).all()


def test_counts_above_are_exact_where_floats_are_not() -> None:
    assert count_above(0.29, 100) == 29  # 0.29 * 100 is 28.999... in floating point
    assert count_above(0.01, 3136 * 1500) == 47040


def test_top_images_are_a_stable_sort() -> None:
    random = np.random.default_rng(3)
    maps = random.integers(0, 4, size=(30, 5, 3, 3)).astype(np.float32)
    top = TopImages(5, 7)
    for start in range(0, 30, 4):
        part = maps[start : start + 4].reshape(-1, 5, 9)
        top.observe(range(start, start + len(part)), part.max(axis=2), part.argmax(axis=2))
    for unit in range(5):
        ranked = sorted(range(30), key=lambda image: (-maps[image, unit].max(), image))[:7]
        assert top.images[unit].tolist() == ranked
        for rank, image in enumerate(ranked):
            assert maps[image, unit].ravel()[top.cells[unit, rank]] == maps[image, unit].max() == top.peaks[unit, rank]


def test_fewer_images_than_places() -> None:
    top = TopImages(1, 3)
    top.observe([5], np.array([[-2]], dtype=np.float32), np.array([[0]]))
    assert top.images.tolist() == [[5, NO_IMAGE, NO_IMAGE]]


def test_moments_survive_a_large_mean() -> None:
    values = np.random.default_rng(0).normal(size=(9, 2, 4, 4)).astype(np.float32) + np.float32(1e4)
    total = Moments.none(2)
    for part in np.array_split(values, 4):
        total = total + Moments.of(part, part.max(axis=(2, 3)))
    exact = values.astype(np.float64).transpose(1, 0, 2, 3).reshape(2, -1)
    np.testing.assert_allclose(total.mean, exact.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(total.std, exact.std(axis=1), rtol=1e-7)
    np.testing.assert_array_equal(total.peak, exact.max(axis=1).astype(np.float32))


def test_every_activation_is_in_the_bin_that_holds_it() -> None:
    random = np.random.default_rng(0)
    values = (random.normal(size=(6, 3, 5, 5)) * 10.0 ** random.integers(-6, 6, size=(6, 3, 5, 5))).astype(np.float32)
    values[0, 0, 0, :3] = [0.0, -0.0, 1.0]
    histograms = Histograms(3)
    for part in np.array_split(values, 3):
        histograms.observe(part)
    edges = bin_edges()
    assert len(edges) == BINS + 1
    assert (np.diff(edges) > 0).all()
    for unit in range(3):
        mine = values[:, unit].ravel().astype(np.float64)
        positive, negative = mine[mine >= 0], mine[mine < 0]
        expected = np.histogram(positive, edges)[0] + np.histogram(-negative, edges)[0][::-1]
        np.testing.assert_array_equal(histograms.counts[unit], expected)


def test_bins_for_people_split_no_count() -> None:
    maps = np.random.default_rng(0).normal(size=(20, 1, 9, 9)).astype(np.float32).clip(0)
    histograms = Histograms(1)
    histograms.observe(maps)
    bins = histograms.bins(0, wanted=30)
    assert bins.counts.sum() == maps.size
    assert 15 <= len(bins.counts) <= 30
    np.testing.assert_array_equal(bins.counts, np.histogram(maps.ravel().astype(np.float64), bins.edges)[0])
