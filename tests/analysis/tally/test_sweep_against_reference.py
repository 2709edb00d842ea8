"""What one loop over the maps finds, against the definition: thresholds, active positions, counts, top images."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.bounds import first_bound, raised
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.overlap import count, count_by_image, distinct, lit
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.thresholds import count_above, threshold
from dissectory.analysis.tally.upsampling import Border, Upsampler

kinds = st.sampled_from(["normal", "relu", "few values", "constant", "negative", "dead", "strange"])
borders: st.SearchStrategy[Border] = st.sampled_from(["zeros", "extend"])


@st.composite
def networks_maps(draw: st.DrawFn) -> np.ndarray:
    """Maps `(image, unit, height, width)`, each unit of its own kind; `strange` are not finite here and there."""
    images, height, width = draw(st.integers(1, 12)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    of_units = draw(st.lists(kinds, min_size=1, max_size=4))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    return np.stack([activations(kind, (images, height, width), random) for kind in of_units], axis=1)


def activations(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    values = random.normal(size=shape)
    strange = np.array([np.nan, np.inf, -np.inf])[random.integers(0, 3, size=shape)]
    made = {
        "normal": values,
        "relu": values.clip(0),
        "few values": random.integers(-2, 3, size=shape).astype(float),
        "constant": np.full(shape, 3.7),
        "negative": -1 - np.abs(values),
        "dead": np.zeros(shape),
        "strange": np.where(random.random(shape) < 0.2, strange, values),
    }
    return made[kind].astype(np.float32)


def swept(
    maps: np.ndarray, upsampler: Upsampler, batch: int, bound: np.ndarray | None = None, threads: int = 1
) -> LayerSweep:
    sweep = LayerSweep(upsampler, maps.shape[1], 3, bound=bound, threads=threads)
    for start in range(0, len(maps), batch):
        part = maps[start : start + batch]
        sweep.observe(range(start, start + len(part)), torch.from_numpy(part))
    return sweep


def thresholds_of(sweep: LayerSweep, above: int) -> list[np.float32 | None]:
    return [
        threshold(sweep.kept.of(unit), above, float(sweep.bound[unit]), float(sweep.lowest[unit]))
        for unit in range(sweep.units)
    ]


@settings(max_examples=150, deadline=None)
@given(networks_maps(), st.integers(1, 9), st.integers(1, 5), st.sampled_from([0.01, 0.1, 0.5]), borders)
def test_counts_are_those_of_the_definition(
    maps: np.ndarray, grid: int, batch: int, quantile: float, border: Border
) -> None:
    images, units, height, width = maps.shape
    random = np.random.default_rng(images)
    masks = random.random((images, 3, grid, grid)) < np.array([0.5, 0.1, 0.0])[:, None, None]
    finite = np.where(np.isfinite(maps), maps, 0)
    expected = reference.dissect(finite, masks, quantile, border)
    sweep = swept(maps, Upsampler(height, width, grid, border), batch, threads=1 + images % 2)
    found = thresholds_of(sweep, count_above(quantile, images * grid * grid))
    assert found == expected.threshold.tolist()
    thresholds = np.array(found, dtype=np.float32)
    labels = (masks * np.arange(1, 4)[:, None, None]).reshape(images, 3, -1).swapaxes(1, 2).astype(np.uint16)
    row_of = random.permutation(images).astype(np.int32)
    rows = labels[np.argsort(row_of)]
    intersection, active = count(sweep.kept, thresholds, rows, row_of, 3)
    np.testing.assert_array_equal(active, expected.active)
    np.testing.assert_array_equal(intersection, expected.intersection)
    concept = np.arange(units) % 4 - 1
    by_image, active_by_image = count_by_image(sweep.kept, thresholds, concept, rows, row_of)
    shown = expected.lit.reshape(images, units, -1)
    np.testing.assert_array_equal(active_by_image[row_of], shown.sum(axis=2))
    for unit in range(units):
        mask = masks[:, concept[unit]].reshape(images, -1) & (concept[unit] >= 0)
        np.testing.assert_array_equal(by_image[row_of, unit], (shown[:, unit] & mask).sum(axis=1))
    bits = np.unpackbits(lit(sweep.kept, thresholds, sweep.top.images, grid * grid), axis=2, count=grid * grid)
    for unit in range(units):
        for rank, image in enumerate(sweep.top.images[unit]):
            np.testing.assert_array_equal(bits[unit, rank], shown[image, unit] if image >= 0 else 0)


@settings(max_examples=100, deadline=None)
@given(networks_maps(), st.integers(1, 9), st.integers(1, 5), st.floats(-2, 2), borders)
def test_entries_are_the_upsampled_values_above_the_bound(
    maps: np.ndarray, grid: int, batch: int, bound: float, border: Border
) -> None:
    images, units, height, width = maps.shape
    finite = np.where(np.isfinite(maps), maps, 0)
    bounds = np.full(units, bound, dtype=np.float32)
    kept = swept(maps, Upsampler(height, width, grid, border), batch, bounds).kept
    for unit in range(units):
        expected = []
        for image in range(images):
            values = reference.upsampled(finite[image, unit], grid, border).ravel()
            expected += [(image, place, value) for place, value in enumerate(values) if value > bounds[unit]]
        mine = kept.units(unit, unit + 1)
        numbers = np.repeat(mine.images, np.diff(mine.starts))
        found = zip(numbers.tolist(), mine.positions.tolist(), mine.values, strict=True)
        assert list(found) == expected


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 5), st.integers(1, 5))
def test_activations_are_counted_as_they_are(maps: np.ndarray, batch: int, threads: int) -> None:
    images, units = maps.shape[:2]
    finite = np.where(np.isfinite(maps), maps, 0)
    sweep = swept(
        maps, Upsampler(maps.shape[2], maps.shape[3], 5), batch, np.full(units, np.inf, dtype=np.float32), threads
    )
    assert sweep.nonfinite.tolist() == (~np.isfinite(maps)).sum(axis=(0, 2, 3)).tolist()
    assert sweep.lowest.tolist() == np.minimum(finite.min(axis=(0, 2, 3)), 0).tolist()
    total = sum(sweep.moments[1:], sweep.moments[0])
    np.testing.assert_allclose(total.mean, finite.mean(axis=(0, 2, 3), dtype=np.float64), atol=1e-12)
    np.testing.assert_allclose(total.std, finite.std(axis=(0, 2, 3), dtype=np.float64), atol=1e-12)
    np.testing.assert_array_equal(total.peak, finite.max(axis=(0, 2, 3)))
    for unit in range(units):
        peaks = finite[:, unit].max(axis=(1, 2))
        ranked = sorted(range(images), key=lambda image: (-peaks[image], image))[:3]
        assert sweep.top.images[unit, : len(ranked)].tolist() == ranked
        assert sweep.top.cells[unit, : len(ranked)].tolist() == [finite[image, unit].argmax() for image in ranked]


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 12), st.floats(-1, 1), st.floats(-1, 1))
def test_what_is_kept_can_be_cut_and_joined(maps: np.ndarray, cut: int, low: float, high: float) -> None:
    units = maps.shape[1]
    upsampler = Upsampler(maps.shape[2], maps.shape[3], 6)
    bounds = np.full(units, min(low, high), dtype=np.float32)
    raised_bounds = np.full(units, max(low, high), dtype=np.float32)
    whole = swept(maps, upsampler, 4, bounds).kept
    parts = [LayerSweep(upsampler, units, 1, bound=bounds) for _ in range(2)]
    for image, plane in enumerate(maps):
        parts[image >= cut].observe([image], torch.from_numpy(plane[None]))
    same(Kept.joined([part.kept for part in parts]), whole)
    same(whole.above(raised_bounds), swept(maps, upsampler, 4, raised_bounds).kept)
    same(Kept.joined([Kept.nothing(units), whole]), whole)


def same(one: Kept, other: Kept) -> None:
    for name in ("first", "images", "starts", "values", "positions"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 4), st.sampled_from([0.01, 0.1, 0.3]))
def test_a_raised_bound_changes_nothing_or_says_that_it_was_too_bold(
    maps: np.ndarray, batch: int, quantile: float
) -> None:
    images = len(maps)
    upsampler = Upsampler(maps.shape[2], maps.shape[3], 8)
    above = count_above(quantile, images * 64)
    expected = thresholds_of(swept(maps, upsampler, batch), above)
    bound = first_bound(torch.from_numpy(maps[:batch]), images, quantile, upsampler)

    def found(seen: int, kept: Kept, bound: np.ndarray) -> np.ndarray:
        return raised(kept, seen, images, quantile, 64, bound)

    sweep = LayerSweep(upsampler, maps.shape[1], 1, bound=bound)
    for start in range(0, images, batch):
        part = maps[start : start + batch]
        sweep.observe(range(start, start + len(part)), torch.from_numpy(part))
        seen = start + len(part)
        sweep.raise_bound(partial(found, seen))
    for unit, level in enumerate(thresholds_of(sweep, above)):
        if level is None:
            assert sweep.bound[unit] > expected[unit]
        else:
            assert level == expected[unit]


def test_no_concept_stands_twice_at_a_position() -> None:
    labels = np.array([[3, 3, 3, 1], [0, 2, 0, 2], [1, 2, 3, 4]], dtype=np.uint16)
    assert distinct(labels).tolist() == [[3, 0, 0, 1], [0, 2, 0, 0], [1, 2, 3, 4]]


def laid_out(maps: torch.Tensor, layout: str) -> torch.Tensor:
    """The same activations in memory of another kind."""
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
    maps = torch.randn(shape, generator=random).bfloat16().float()  # fits all of the types
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
        np.testing.assert_allclose(one.mean, two.mean, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(one.squares, two.squares, rtol=1e-12)
        assert layout == "channels last" or (one.mean.tolist(), one.squares.tolist()) == (
            two.mean.tolist(),
            two.squares.tolist(),
        )
    np.testing.assert_array_equal(plain.histograms.counts, other.histograms.counts)
    np.testing.assert_array_equal(plain.top.images, other.top.images)
    np.testing.assert_array_equal(plain.top.cells, other.top.cells)
    np.testing.assert_array_equal(plain.lowest, other.lowest)
    np.testing.assert_array_equal(plain.nonfinite, other.nonfinite)


def test_a_constant_unit_does_not_deviate() -> None:
    sweep = swept(np.full((3, 2, 5, 5), 0.1, dtype=np.float32), Upsampler(5, 5, 8), 2)
    assert sum(sweep.moments[1:], sweep.moments[0]).std.tolist() == [0, 0]
