"""Every image is visited once, and any consecutive images are spread evenly over all images."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectory.analysis.measuring.order import batches, spread

ORDER = [14, 5, 11, 1, 13, 6, 9, 3, 15, 4, 10, 0, 12, 7, 8, 2]


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
def test_consecutive_images_are_spread_evenly(count: int, stretch: int) -> None:
    order = spread(count)
    for first in range(0, count - stretch, 7):
        below = sum(image < count / 2 for image in order[first : first + stretch])
        assert abs(below - stretch / 2) <= 0.2 * stretch


@pytest.mark.parametrize("period", [2, 3, 4, 8, 50])
def test_the_first_images_are_an_even_sample_of_periodic_sets(period: int) -> None:
    beginning = spread(12_000)[:3_000]
    shares = [sum(image % period == rest for image in beginning) * period / 3_000 for rest in range(period)]
    assert min(shares) > 0.5
    assert max(shares) < 1.5


def test_the_order_is_always_the_same() -> None:
    assert spread(16) == ORDER
