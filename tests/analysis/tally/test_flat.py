"""Activations within rounding of a threshold, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from fakes.maps import networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tables.core import UNITS
from dissectory.analysis.tally.flat import ROUNDING, SHARE, count_within, is_flat, rounding_limits
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.thresholds import threshold
from dissectory.analysis.tally.upsampling import Upsampler

QUANTILE = 0.01


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.floats(-2, 2), st.floats(0, 2), st.integers(1, 3))
def test_counts_match_the_definition(maps: np.ndarray, low: float, width: float, threads: int) -> None:
    kept = swept(maps, Upsampler(maps.shape[2], maps.shape[3], 6), 4).kept
    lows = np.linspace(low, low + 1, maps.shape[1]).astype(np.float32)
    highs = (lows + width).astype(np.float32)
    expected = [
        sum(lows[unit] < value <= highs[unit] for value in kept.of(unit).tolist()) for unit in range(kept.count)
    ]
    assert count_within(kept, lows, highs, threads).tolist() == expected


def flat(values: np.ndarray) -> bool:
    """Return whether a unit with these activations is flat."""
    maps = values.astype(np.float32).reshape(1, 1, 100, -1)
    kept = swept(maps, Upsampler(100, maps.shape[3], 100), 1).kept
    above = int(QUANTILE * values.size)
    level = threshold(maps.ravel(), above, -np.inf, -np.inf)
    assert level is not None
    moments = Moments(
        values.size,
        np.array([values.mean()]),
        np.array([values.var() * values.size]),
        np.array([values.max()], dtype=np.float32),
    )
    levels = np.array([level])
    near = count_within(kept, levels, rounding_limits(levels, moments))
    return bool(is_flat(near, np.array([(maps > level).sum()]))[0])


NOISE = np.random.default_rng(0).normal(size=10_000)
FEW = np.arange(10_000) % 200 == 0
"""Half as many positions as may be active."""


@pytest.mark.parametrize("size", [1e-30, 0.3, 3, -3, 1e30])
def test_activations_that_differ_by_rounding_are_flat(size: float) -> None:
    assert flat(size * (1 + 1e-7 * NOISE))
    assert not flat(size * (1 + 1e-2 * NOISE))


def test_noise_around_0_is_flat_beside_few_high_activations() -> None:
    assert flat(np.where(FEW, 5 + NOISE, 1e-7 * NOISE))
    assert not flat(np.where(FEW, 5 + NOISE, 1e-2 * NOISE))
    most = np.arange(10_000) < 98  # only two active positions are noise
    assert not flat(np.where(most, 5 + NOISE, 1e-7 * NOISE))


@pytest.mark.parametrize("equal", [0.0, 3.7, -3.7])
def test_equal_activations_are_not_flat(equal: float) -> None:
    assert not flat(np.full(10_000, equal))
    assert not flat(np.where(FEW, 5 + np.abs(NOISE), equal))


def test_ordinary_activations_are_not_flat() -> None:
    assert not flat(NOISE)
    assert not flat(NOISE.clip(min=0))
    assert not flat((NOISE - 2.5).clip(min=0))
    assert not flat(NOISE**7)


def test_the_description_of_the_table_has_these_numbers() -> None:
    meaning = next(column for column in UNITS.columns if column.name == "flat").meaning
    assert f"{ROUNDING:g}".replace("e-06", "e-6") in meaning
    assert SHARE == 0.1
    assert "more than a tenth of the active positions" in meaning
