"""Bounds: never above the level that the images support, close to it, and rarely above the thresholds."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fakes.maps import borders, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tally.bounds import errors_of, first_bound, raised
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.thresholds import count_above, threshold
from dissectory.analysis.tally.upsampling import Border, Upsampler

if TYPE_CHECKING:
    from dissectory.analysis.tally.kept import Kept


def margin(values: np.ndarray, level: float, total: int) -> float:
    """Return the mean number of values `(image, position)` above a level, minus the standard errors."""
    counts = (values > level).sum(axis=1)
    if len(values) == total:
        return float(counts.mean())
    deviation = counts.std(ddof=1) if len(values) > 1 else math.inf
    share = math.sqrt(1 - len(values) / total)
    return float(counts.mean() - errors_of(len(values)) * deviation / math.sqrt(len(values)) * share)


@settings(max_examples=80, deadline=None)
@given(networks_maps(), st.integers(0, 20), st.sampled_from([0.01, 0.1, 0.5]), borders)
def test_a_bound_is_supported_by_the_images(maps: np.ndarray, more: int, quantile: float, border: Border) -> None:
    images, units = maps.shape[:2]
    kept = swept(maps, Upsampler(maps.shape[2], maps.shape[3], 6, border), 4).kept
    lowest = np.full(units, -np.inf, dtype=np.float32)
    bound = raised(kept, images, images + more, quantile, 36, lowest, threads=2)
    needed = (count_above(quantile, (images + more) * 36) + 1) / (images + more)
    for unit in range(units):
        values = kept.of(unit).reshape(images, 36)
        assert bound[unit] == -np.inf or margin(values, bound[unit], images + more) >= needed * (1 - 1e-12)
        if more == 0:  # all images are known: the bound is within 1 % of the threshold
            level = threshold(kept.of(unit), count_above(quantile, images * 36), -np.inf, -np.inf)
            assert level is not None
            assert level - 0.01 * abs(level) - 1e-37 <= bound[unit] < level


def test_a_bound_is_not_lowered() -> None:
    kept = swept(np.random.default_rng(0).random((5, 2, 3, 3), dtype=np.float32), Upsampler(3, 3, 4), 5).kept
    bound = np.array([0.1, 7], dtype=np.float32)
    higher = raised(kept.above(bound), 5, 5, 0.1, 16, bound)
    assert higher[0] > bound[0]
    assert higher[1] == bound[1]


def test_one_image_supports_nothing() -> None:
    kept = swept(np.random.default_rng(0).random((1, 2, 3, 3), dtype=np.float32), Upsampler(3, 3, 4), 1).kept
    bound = np.array([0, 0.1], dtype=np.float32)
    assert raised(kept, 1, 9, 0.1, 16, bound).tolist() == bound.tolist()


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 4), st.sampled_from([0.01, 0.1, 0.3]))
def test_bounds_change_nothing_or_are_known_to_be_too_high(maps: np.ndarray, batch: int, quantile: float) -> None:
    images, units = maps.shape[:2]
    upsampler = Upsampler(maps.shape[2], maps.shape[3], 8)
    above = count_above(quantile, images * 64)
    everything = swept(maps, upsampler, batch)
    sweep = LayerSweep(
        upsampler, units, 1, bound=first_bound(torch.from_numpy(maps[:batch]), images, quantile, upsampler)
    )

    def find(seen: int, kept: Kept, bound: np.ndarray) -> np.ndarray:
        return raised(kept, seen, images, quantile, 64, bound)

    for start in range(0, images, batch):
        part = maps[start : start + batch]
        sweep.observe(range(start, start + len(part)), torch.from_numpy(part))
        sweep.raise_bound(partial(find, start + len(part)))
    for unit in range(units):
        expected = threshold(everything.kept.of(unit), above, -np.inf, -np.inf)
        assert expected is not None
        found = threshold(sweep.kept.of(unit), above, float(sweep.bound[unit]), float(sweep.lowest[unit]))
        if found is None:
            assert sweep.bound[unit] > expected
        else:
            assert found == expected


def test_units_that_are_mostly_zero_settle_with_the_lowest_value() -> None:
    maps = torch.zeros(10, 1, 4, 4)
    maps[3, 0, 1, 1] = 2
    upsampler = Upsampler(4, 4, 8)
    bound = first_bound(maps[:4], 10, 0.1, upsampler)
    assert bound.tolist() == [0]
    kept = swept(maps.numpy(), upsampler, 4, bound).kept
    assert 0 < len(kept) <= 64
    assert threshold(kept.of(0), 64, 0.0, 0.0) == 0


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_bounds_are_rarely_too_high_and_save_memory(spread: float) -> None:
    """The active area differs between images, as in photographs, by a factor of e to the `spread`."""
    images, units, seen = 400, 300, 64
    random = np.random.default_rng(0)
    strength = random.lognormal(sigma=spread, size=(images, units, 1, 1))
    maps = (random.normal(size=(images, units, 6, 6)) * strength).astype(np.float32)
    upsampler = Upsampler(6, 6, 6)  # grid positions equal cells
    everything = maps.swapaxes(0, 1).reshape(units, -1)
    above = count_above(0.01, images * 36)
    thresholds = np.partition(everything, -1 - above, axis=1)[:, -1 - above]
    first = first_bound(torch.from_numpy(maps[:32]), images, 0.01, upsampler)
    bound = raised(swept(maps[:seen], upsampler, 32, first).kept, seen, images, 0.01, 36, first)
    assert (first > thresholds).sum() == 0
    assert (bound > thresholds).sum() == 0
    assert (everything > first[:, None]).sum() < 25 * above * units
    assert (everything > bound[:, None]).sum() < 15 * above * units


@pytest.mark.parametrize("border", ["zeros", "extend"])
def test_a_first_bound_is_not_biased_by_the_edges_of_maps(border: Border) -> None:
    """There is a unit for each row and column that is active only there, in all images, as with padding."""
    cells, images = 28, 32
    random = np.random.default_rng(0)
    maps = random.random(size=(images, 2 * cells, cells, cells)).astype(np.float32) / 10
    for line in range(cells):
        maps[:, line, line] += random.random(size=(images, cells)) + 1
        maps[:, cells + line, :, line] += random.random(size=(images, cells)) + 1
    upsampler = Upsampler(cells, cells, 56, border)
    bound = first_bound(torch.from_numpy(maps), 1000, 0.01, upsampler)
    kept = swept(maps, upsampler, images).kept
    above = count_above(0.01, images * 56 * 56)
    thresholds = [threshold(kept.of(unit), above, -np.inf, -np.inf) for unit in range(2 * cells)]
    assert (bound < np.array(thresholds)).all()
