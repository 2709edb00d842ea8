"""The tally on a device, against the compiled tally of the same maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fakes.maps import activations, borders, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tally.bounds import first_bound, raised
from dissectory.analysis.tally.device import memory
from dissectory.analysis.tally.device.statistics import bins_of
from dissectory.analysis.tally.device.strongest import strongest
from dissectory.analysis.tally.device.sweep import DeviceSweep
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.upsampling import Border, Upsampler

if TYPE_CHECKING:
    from dissectory.analysis.tally.sweeping import Sweep

SWEEP = "dissectory.analysis.tally.device.sweep"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
memories = st.sampled_from([1, 3_000, 40_000, 10**9])
bounds = st.lists(st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 0.5, 3.7]), min_size=4, max_size=4)


def on_device(
    upsampler: Upsampler, units: int, *, bound: np.ndarray | None = None, memory: int = 10**9, threads: int = 1
) -> DeviceSweep:
    return DeviceSweep(upsampler, units, 3, device=DEVICE, memory=memory, bound=bound, threads=threads)


def observe(tally: Sweep, maps: np.ndarray, batch: int) -> None:
    for start in range(0, len(maps), batch):
        part = maps[start : start + batch]
        tally.observe(range(start, start + len(part)), torch.from_numpy(part))


def check_same(one: Sweep, other: Sweep) -> None:
    """Bit for bit, but for the rounding of sums."""
    for name in ("first", "images", "starts", "values", "positions"):
        np.testing.assert_array_equal(getattr(one.kept, name), getattr(other.kept, name), err_msg=name)
    np.testing.assert_array_equal(np.signbit(one.kept.values), np.signbit(other.kept.values))
    np.testing.assert_array_equal(one.bound, other.bound)
    np.testing.assert_array_equal(one.histograms.counts, other.histograms.counts)
    np.testing.assert_array_equal(one.lowest, other.lowest)
    np.testing.assert_array_equal(one.nonfinite, other.nonfinite)
    for name in ("peaks", "images", "cells"):
        mine, theirs = getattr(one.top, name), getattr(other.top, name)
        np.testing.assert_array_equal(mine, theirs, err_msg=name)
        assert mine.dtype == theirs.dtype
    assert len(one.moments) == len(other.moments)
    for mine, theirs in zip(one.moments, other.moments, strict=True):
        assert mine.count == theirs.count
        np.testing.assert_array_equal(mine.peak, theirs.peak)
        scale = np.sqrt(theirs.squares / theirs.count) + np.abs(theirs.mean)
        assert (np.abs(mine.mean - theirs.mean) <= 1e-13 * scale).all()
        assert (np.abs(mine.squares - theirs.squares) <= 1e-12 * theirs.count * scale**2).all()


@settings(max_examples=150, deadline=None)
@given(networks_maps(exact=False), st.integers(1, 11), st.integers(1, 5), bounds, st.tuples(memories, borders))
def test_everything_equals_the_compiled_tally(
    maps: np.ndarray, grid: int, batch: int, bounds: list[float], given: tuple[int, Border]
) -> None:
    room, border = given
    upsampler, units = Upsampler(maps.shape[2], maps.shape[3], grid, border), maps.shape[1]
    bound = np.array(bounds[:units], dtype=np.float32)
    found = on_device(upsampler, units, bound=bound, memory=room)
    observe(found, maps, batch)
    check_same(found, swept(maps, upsampler, batch, bound))


@settings(max_examples=40, deadline=None)
@given(networks_maps(), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), borders)
def test_raised_bounds_are_those_of_the_compiled_tally(
    maps: np.ndarray, grid: int, batch: int, threads: int, border: Border
) -> None:
    upsampler, units, images = Upsampler(maps.shape[2], maps.shape[3], grid, border), maps.shape[1], len(maps)
    bound = first_bound(torch.from_numpy(maps[:batch]), 4 * images, 0.2, upsampler)
    one = on_device(upsampler, units, bound=bound, threads=threads)
    other = LayerSweep(upsampler, units, 3, bound=bound)
    for tally in (one, other):
        observe(tally, maps, batch)
        tally.raise_bound(lambda kept, lower: raised(kept, images, 4 * images, 0.2, grid**2, lower))
        tally.observe(range(images, 2 * images), torch.from_numpy(maps[::-1].copy()))
    check_same(one, other)


@pytest.mark.parametrize("layout", ["channels last", "units of more", "half", "bfloat16", "double", "with a gradient"])
def test_nothing_depends_on_the_layout(layout: str) -> None:
    maps = torch.randn((5, 20, 6, 7), generator=torch.Generator().manual_seed(0)).bfloat16().float()
    maps[2, 1] = torch.nan
    made = {
        "channels last": maps.contiguous(memory_format=torch.channels_last),
        "units of more": torch.cat([maps, maps + 1], dim=1)[:, :20],
        "half": maps.half(),
        "bfloat16": maps.bfloat16(),
        "double": maps.double(),
        "with a gradient": maps.clone().requires_grad_(),
    }
    one, other = (on_device(Upsampler(6, 7, 16), 20) for _ in range(2))
    one.observe(range(5), maps)
    other.observe(range(5), made[layout])
    check_same(one, other)


def test_nothing_observed_is_nothing_kept() -> None:
    check_same(on_device(Upsampler(3, 4, 5), 2), LayerSweep(Upsampler(3, 4, 5), 2, 3))


def test_an_equal_later_peak_does_not_replace_an_earlier_image() -> None:
    maps = np.zeros((4, 1, 2, 2), dtype=np.float32)
    maps[:, 0, 1, 1] = [1, 2, 2, 1]
    found = on_device(Upsampler(2, 2, 4), 1)
    for image in (2, 3, 0, 1):
        found.observe([image], torch.from_numpy(maps[image : image + 1]))
    assert found.top.images.tolist() == [[1, 2, 0]]
    assert found.top.cells.tolist() == [[3, 3, 3]]


@pytest.mark.parametrize("room", [1, 7, 30, 400])
def test_too_little_memory_makes_smaller_groups(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that has no memory for more than `room` maps at once."""
    maps = activations("strange", (9, 13, 5, 4), np.random.default_rng(0))
    bound = np.full(13, 0.5, dtype=np.float32)
    refused = []

    def limited(given: torch.Tensor) -> torch.Tensor:
        if given.shape[0] * given.shape[1] > room:
            refused.append(given.shape)
            raise torch.OutOfMemoryError
        return bins_of(given)

    monkeypatch.setattr(f"{SWEEP}.bins_of", limited)
    found = on_device(Upsampler(5, 4, 11), 13, bound=bound)
    observe(found, maps, 9)
    check_same(found, swept(maps, Upsampler(5, 4, 11), 9, bound))
    assert bool(refused) == (room < 9 * 13)


def test_a_batch_that_does_not_fit_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = activations("normal", (4, 6, 5, 5), np.random.default_rng(0))
    found, calls = on_device(Upsampler(5, 5, 9), 6, memory=1), []
    observe(found, maps[:2], 2)

    def failing(*given: object) -> object:
        calls.append(given)
        if len(calls) > 3:
            raise torch.OutOfMemoryError
        return strongest(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(f"{SWEEP}.strongest", failing)
    with pytest.raises(torch.OutOfMemoryError):
        found.observe([2, 3], torch.from_numpy(maps[2:]))
    monkeypatch.setattr(f"{SWEEP}.strongest", strongest)
    check_same(found, swept(maps[:2], Upsampler(5, 5, 9), 2))
    found.observe([2, 3], torch.from_numpy(maps[2:]))
    check_same(found, swept(maps, Upsampler(5, 5, 9), 2))


def test_ranges_are_halved_until_they_fit() -> None:
    seen = []

    def work(first: int, last: int) -> range:
        if last - first > 2:
            raise torch.OutOfMemoryError
        seen.append((first, last))
        return range(first, last)

    assert [one for part in memory.divided(work, 7, 100) for one in part] == list(range(7))
    assert max(last - first for first, last in seen) == 1
    assert list(memory.divided(work, 0, 5)) == []
