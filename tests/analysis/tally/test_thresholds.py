"""Thresholds against their definition, even if only activations above a bound were kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.thresholds import count_above, settled, threshold


def test_counts_above_are_exact() -> None:
    assert count_above(0.29, 100) == 29  # 0.29 * 100 is 28.999... in floating point
    assert count_above(0.01, 3136 * 1500) == 47040


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=60),
    st.sampled_from([0.01, 0.1, 0.5]),
    st.one_of(st.integers(-4, 3), st.just(-np.inf)),
    st.integers(0, 2),
)
def test_the_threshold_matches_the_definition_or_is_not_settled(
    numbers: list[int], quantile: float, bound: float, slack: int
) -> None:
    values = np.array(numbers, dtype=np.float32)
    above = count_above(quantile, len(values))
    expected = reference.least_exceeded(values, quantile)
    lowest = float(values.min() - slack)
    found = threshold(values[values > bound], above, bound, lowest)
    if expected > bound:
        assert found == expected
    elif lowest >= bound:
        assert found == expected == bound
    else:
        assert found is None
    assert (found is not None) == settled(int((values > bound).sum()), above, bound, lowest)
    assert threshold(values, above, bound, lowest) == found


@pytest.mark.parametrize("values", [[-0.0, 0.0, -0.0], []])
def test_minus_zero_is_zero(values: list[float]) -> None:
    found = threshold(np.array(values, dtype=np.float32), 1, -0.0 if not values else -1.0, -0.0)
    assert found is not None
    assert not np.signbit(found)
