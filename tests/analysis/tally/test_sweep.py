"""The results of one pass over the maps, against the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fakes.maps import activations, finite, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tally import sweep as of_sweep
from dissectory.analysis.tally.histogram import bin_edges
from dissectory.analysis.tally.kernels import BINS
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import NO_IMAGE
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.upsampling import Upsampler

if TYPE_CHECKING:
    from dissectory.analysis.tally.kept import Kept


def same(one: Kept, other: Kept) -> None:
    for name in ("first", "images", "starts", "values", "positions"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def total(sweep: LayerSweep) -> Moments:
    return sum(sweep.moments, start=Moments.none(sweep.units))


@settings(max_examples=80, deadline=None)
@given(networks_maps(exact=False), st.integers(1, 5), st.integers(1, 5))
def test_activations_are_tallied_unchanged(maps: np.ndarray, batch: int, threads: int) -> None:
    images, units = maps.shape[:2]
    values = finite(maps)
    exact = values.astype(np.float64).transpose(1, 0, 2, 3).reshape(units, -1)
    sweep = swept(maps, Upsampler(maps.shape[2], maps.shape[3], 5), batch, threads=threads)
    assert sweep.nonfinite.tolist() == (~np.isfinite(maps)).sum(axis=(0, 2, 3)).tolist()
    assert sweep.lowest.tolist() == np.minimum(exact.min(axis=1), 0).tolist()
    scale = np.abs(exact).max(axis=1)
    assert (np.abs(total(sweep).mean - exact.mean(axis=1)) <= 1e-12 * scale).all()
    assert (np.abs(total(sweep).std - exact.std(axis=1)) <= 1e-7 * scale).all()
    np.testing.assert_array_equal(total(sweep).peak, exact.max(axis=1))
    for unit in range(units):
        peaks = values[:, unit].max(axis=(1, 2))
        ranked = sorted(range(images), key=lambda image: (-peaks[image], image))[:3]
        assert sweep.top.images[unit].tolist() == ranked + [NO_IMAGE] * (3 - len(ranked))
        assert sweep.top.peaks[unit, : len(ranked)].tolist() == peaks[ranked].tolist()
        assert sweep.top.cells[unit, : len(ranked)].tolist() == [values[image, unit].argmax() for image in ranked]


@settings(max_examples=40, deadline=None)
@given(networks_maps(exact=False), st.integers(1, 5))
def test_every_activation_is_counted_in_its_bin(maps: np.ndarray, batch: int) -> None:
    counts = swept(maps, Upsampler(maps.shape[2], maps.shape[3], 2), batch).histograms.counts
    edges = bin_edges()
    assert len(edges) == BINS + 1
    assert (np.diff(edges) > 0).all()
    for unit in range(maps.shape[1]):
        mine = finite(maps)[:, unit].ravel().astype(np.float64).clip(edges[0], np.nextafter(edges[-1], 0))
        positive, negative = mine[mine >= 0], mine[mine < 0]
        # Below zero, bins are mirrored, and the bin nearest to zero is merged into the bin of zero.
        mirrored = np.histogram(-negative, edges)[0]
        expected = np.histogram(positive, edges)[0] + mirrored[::-1]
        expected[BINS // 2] += mirrored[BINS // 2]
        expected[BINS // 2 - 1] = 0
        np.testing.assert_array_equal(counts[unit], expected)


def test_histograms_outgrow_their_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = activations("relu", (9, 3, 4, 4), np.random.default_rng(0))
    plain = swept(maps, Upsampler(4, 4, 2), 2).histograms
    monkeypatch.setattr(of_sweep, "_MOST_COUNTED", 70)
    np.testing.assert_array_equal(swept(maps, Upsampler(4, 4, 2), 2).histograms.counts, plain.counts)
    assert (plain.counts.sum(axis=1) == 9 * 16).all()


def test_moments_are_precise_for_a_large_mean() -> None:
    values = np.random.default_rng(0).normal(size=(9, 2, 40, 40)).astype(np.float32) + np.float32(1e4)
    exact = values.astype(np.float64).transpose(1, 0, 2, 3).reshape(2, -1)
    moments = total(swept(values, Upsampler(40, 40, 8), 2))
    np.testing.assert_allclose(moments.mean, exact.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(moments.std, exact.std(axis=1), rtol=1e-11)


def test_a_constant_unit_has_standard_deviation_0() -> None:
    sweep = swept(np.full((3, 2, 5, 5), 0.1, dtype=np.float32), Upsampler(5, 5, 8), 2)
    assert total(sweep).std.tolist() == [0, 0]


def test_an_equal_later_peak_does_not_replace_an_earlier_image() -> None:
    maps = np.zeros((4, 1, 2, 2), dtype=np.float32)
    maps[:, 0, 1, 1] = [1, 2, 2, 1]
    sweep = LayerSweep(Upsampler(2, 2, 4), 1, 3)
    for image in (2, 3, 0, 1):
        sweep.observe([image], torch.from_numpy(maps[image : image + 1]))
    assert sweep.top.images.tolist() == [[1, 2, 0]]
    assert sweep.top.cells.tolist() == [[3, 3, 3]]


def laid_out(maps: torch.Tensor, layout: str) -> torch.Tensor:
    """Return the same activations in another memory layout or type."""
    made = {
        "plain": maps,
        "channels last": maps.contiguous(memory_format=torch.channels_last),
        "units of more": torch.cat([maps, maps + 1], dim=1)[:, : maps.shape[1]],
        "transposed": maps.transpose(2, 3).contiguous().transpose(2, 3),
        "half": maps.half(),
        "bfloat16": maps.bfloat16(),
        "double": maps.double(),
        "with a gradient": maps.requires_grad_(),
    }
    return made[layout]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "layout",
    ["plain", "channels last", "units of more", "transposed", "half", "bfloat16", "double", "with a gradient"],
)
@pytest.mark.parametrize("shape", [(5, 70, 6, 7), (9, 3, 90, 100), (4, 20, 1, 1)], ids=str)
def test_nothing_depends_on_layout_or_threads(shape: tuple[int, ...], layout: str, threads: int) -> None:
    random = torch.Generator().manual_seed(0)
    maps = torch.randn(shape, generator=random).bfloat16().float()  # exact in all of the types
    maps[2, 1] = torch.nan
    upsampler = Upsampler(shape[2], shape[3], 16)
    bound = torch.linspace(-0.5, 0.5, shape[1]).numpy()
    plain, other = (LayerSweep(upsampler, shape[1], 2, bound=bound, threads=count) for count in (1, threads))
    for part in (slice(3), slice(3, None)):
        numbers = range(shape[0])[part]
        plain.observe(numbers, maps[part])
        other.observe(numbers, laid_out(maps[part], layout))
    same(plain.kept, other.kept)
    for one, two in zip(plain.moments, other.moments, strict=True):
        np.testing.assert_array_equal(one.peak, two.peak)
        if layout == "channels last":  # summed in another order
            np.testing.assert_allclose(one.mean, two.mean, rtol=1e-13, atol=1e-15)
            np.testing.assert_allclose(one.squares, two.squares, rtol=1e-12)
        else:
            np.testing.assert_array_equal(one.mean, two.mean)
            np.testing.assert_array_equal(one.squares, two.squares)
    np.testing.assert_array_equal(plain.histograms.counts, other.histograms.counts)
    np.testing.assert_array_equal(plain.top.images, other.top.images)
    np.testing.assert_array_equal(plain.top.cells, other.top.cells)
    np.testing.assert_array_equal(plain.lowest, other.lowest)
    np.testing.assert_array_equal(plain.nonfinite, other.nonfinite)


@settings(max_examples=30, deadline=None)
@given(networks_maps(), st.floats(-1, 1), st.integers(1, 11))
def test_raising_a_bound_midway_equals_a_high_bound_from_the_start(maps: np.ndarray, level: float, cut: int) -> None:
    upsampler, units = Upsampler(maps.shape[2], maps.shape[3], 6), maps.shape[1]
    bound = np.full(units, level, dtype=np.float32)
    sweep = LayerSweep(upsampler, units, 1)
    for image, one in enumerate(maps):
        if image == cut:
            sweep.raise_bound(lambda kept, lower: np.full(kept.count, level, dtype=np.float32) + 0 * lower.clip(0, 0))
        sweep.observe([image], torch.from_numpy(one[None]))
    sweep.raise_bound(lambda _kept, _lower: bound)
    sweep.raise_bound(lambda _kept, lower: lower - 1)
    np.testing.assert_array_equal(sweep.bound, bound)
    same(sweep.kept, swept(maps, upsampler, 3, bound).kept)


def test_memory_counts_the_kept_activations() -> None:
    maps = activations("normal", (8, 40, 9, 9), np.random.default_rng(0))
    few, many = (swept(maps, Upsampler(9, 9, 16), 4, np.full(40, level, dtype=np.float32)) for level in (2, -2))
    entries = len(many.kept) - len(few.kept)
    assert entries * 6 <= many.nbytes - few.nbytes <= entries * 7
