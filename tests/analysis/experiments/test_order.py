"""Every image is visited once, and every stretch of the visit is spread evenly over all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectory.analysis.experiments.order import batches, spread


@given(st.integers(0, 3000))
def test_every_image_is_visited_once(count: int) -> None:
    assert sorted(spread(count)) == list(range(count))


@given(count=st.integers(1, 400), size=st.integers(1, 60))
def test_batches_are_full_but_for_the_last_and_ascend(count: int, size: int) -> None:
    made = batches(count, size)
    assert sorted(image for batch in made for image in batch) == list(range(count))
    assert all(list(batch) == sorted(batch) for batch in made)
    assert [len(batch) for batch in made[:-1]] == [size] * (len(made) - 1)
    assert 0 < len(made[-1]) <= size


@pytest.mark.parametrize("count", [100, 1000, 1500, 4097])
@pytest.mark.parametrize("stretch", [16, 32, 50])
def test_every_stretch_is_spread_evenly(count: int, stretch: int) -> None:
    order = spread(count)
    for first in range(0, count - stretch, 7):
        below = sum(image < count / 2 for image in order[first : first + stretch])
        assert abs(below - stretch / 2) <= 0.2 * stretch


def test_a_beginning_is_that_of_the_van_der_corput_sequence() -> None:
    assert spread(16) == [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
