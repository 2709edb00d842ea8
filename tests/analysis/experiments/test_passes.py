"""How units are shared out to passes over the images."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.experiments.passes import Block, plan_passes, unit_bytes
from dissectory.analysis.subjects.layers import LayerInfo

SIZES = st.lists(st.integers(1, 60), min_size=1, max_size=8)


def layers_of(sizes: list[int]) -> list[LayerInfo]:
    return [LayerInfo(f"layer{index}", "Conv2d", units, 7, 7, index) for index, units in enumerate(sizes)]


def shares(sizes: list[int], each: float, budget: float) -> list[list[tuple[str, int, int]]]:
    return [
        [(block.layer.name, block.first, block.last) for block in blocks]
        for blocks in plan_passes(layers_of(sizes), each, budget)
    ]


def test_what_fits_is_one_pass() -> None:
    assert shares([4, 2], 10, 60) == [[("layer0", 0, 4), ("layer1", 0, 2)]]


def test_a_layer_that_does_not_fit_is_split_and_the_rest_is_filled_up() -> None:
    assert shares([4, 2, 3], 10, 50) == [
        [("layer0", 0, 4), ("layer1", 0, 1)],
        [("layer1", 1, 2), ("layer2", 0, 3)],
    ]


def test_a_layer_may_need_many_passes() -> None:
    assert shares([5], 10, 20) == [[("layer0", 0, 2)], [("layer0", 2, 4)], [("layer0", 4, 5)]]


@pytest.mark.parametrize("budget", [10, 9.99, 1, 0.001])
def test_a_single_unit_is_taken_on_however_little_memory_there_is(budget: float) -> None:
    assert shares([2, 1], 10, budget) == [[("layer0", 0, 1)], [("layer0", 1, 2)], [("layer1", 0, 1)]]


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES, each=st.floats(1e-3, 1e12), budget=st.floats(1e-3, 1e15))
def test_every_unit_is_in_one_block_and_in_order(sizes: list[int], each: float, budget: float) -> None:
    blocks = [block for blocks in plan_passes(layers_of(sizes), each, budget) for block in blocks]
    seen = [(block.layer.index, unit) for block in blocks for unit in range(block.first, block.last)]
    assert seen == [(index, unit) for index, units in enumerate(sizes) for unit in range(units)]
    assert all(block.units == block.last - block.first > 0 for block in blocks)


@settings(max_examples=150, deadline=None)
@given(sizes=SIZES, each=st.integers(1, 10**6), budget=st.integers(1, 10**8))
def test_the_budget_is_kept_with_as_few_passes_as_it_allows(sizes: list[int], each: int, budget: int) -> None:
    units = [sum(block.units for block in blocks) for blocks in plan_passes(layers_of(sizes), each, budget)]
    assert all(count * each <= budget or count == 1 for count in units)
    assert all((count + 1) * each > budget for count in units[:-1])


@settings(max_examples=100, deadline=None)
@given(sizes=SIZES, budget=st.integers(1, 200))
def test_a_layer_is_at_most_once_in_a_pass(sizes: list[int], budget: int) -> None:
    for blocks in plan_passes(layers_of(sizes), 1, budget):
        names = [block.layer.name for block in blocks]
        assert len(set(names)) == len(names)
        assert blocks  # a pass without work would read all images for nothing


def test_a_block_knows_its_size() -> None:
    assert Block(layers_of([9])[0], 3, 7).units == 4


@given(keep=st.integers(1, 10**9), more=st.integers(1, 10**9))
def test_memory_grows_with_what_is_kept(keep: int, more: int) -> None:
    assert 0 < unit_bytes(keep) < unit_bytes(keep + more)
    assert unit_bytes(keep) >= keep * 4  # a value is at least a float


def test_memory_of_a_usual_study_is_of_a_usual_size() -> None:
    values = 10_000 * 56 * 56 // 100  # one in a hundred positions of ten thousand images
    assert 1e6 < unit_bytes(values) < 20e6
