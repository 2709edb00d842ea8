"""Kept activations: selected, joined and filtered."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.maps import networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.upsampling import Upsampler

Entries = list[list[tuple[int, int, float]]]


def listed(kept: Kept) -> Entries:
    """Return the entries of each unit: image, position, value."""
    entries: Entries = []
    for unit in range(kept.count):
        mine: list[tuple[int, int, float]] = []
        for pair in range(kept.first[unit], kept.first[unit + 1]):
            here = slice(kept.starts[pair], kept.starts[pair + 1])
            assert here.start < here.stop, "a pair without entries"
            values = zip(kept.positions[here].tolist(), kept.values[here].tolist(), strict=True)
            mine += [(int(kept.images[pair]), *entry) for entry in values]
        entries.append(mine)
    return entries


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 12), st.floats(-1, 1), st.floats(-1, 1))
def test_kept_activations_can_be_selected_joined_and_filtered(
    maps: np.ndarray, cut: int, low: float, high: float
) -> None:
    units = maps.shape[1]
    upsampler = Upsampler(maps.shape[2], maps.shape[3], 6)
    bounds = np.full(units, min(low, high), dtype=np.float32)
    whole = swept(maps, upsampler, 4, bounds).kept
    parts = [LayerSweep(upsampler, units, 1, bound=bounds) for _ in range(2)]
    for image, one in enumerate(maps):
        parts[image >= cut].observe([image], torch.from_numpy(one[None]))
    entries = listed(whole)
    assert listed(Kept.joined([part.kept for part in parts])) == entries
    assert listed(Kept.joined([Kept.nothing(units), whole, Kept.nothing(units)])) == entries
    blocks = [[whole.units(0, 1)], [whole.units(1, units)]]
    assert listed(Kept.stacked(blocks, threads=2)) == entries
    assert len(whole) == sum(map(len, entries))
    assert whole.sizes.tolist() == [len(mine) for mine in entries]
    assert [whole.of(unit).tolist() for unit in range(units)] == [[value for *_, value in mine] for mine in entries]
    higher = np.linspace(min(low, high), max(low, high), units).astype(np.float32)
    thinned = [
        [entry for entry in mine if entry[2] > bound] for mine, bound in zip(entries, higher.tolist(), strict=True)
    ]
    assert listed(whole.above(higher)) == thinned
    places = np.where(np.arange(36) % 3 == 1, np.arange(36) // 3, -1).astype(np.int32)
    renumbered = [[(image, place // 3, value) for image, place, value in mine if place % 3 == 1] for mine in thinned]
    assert listed(whole.above(higher, places)) == renumbered


def test_positions_must_be_in_the_grid() -> None:
    kept = swept(np.ones((1, 1, 3, 3), dtype=np.float32), Upsampler(3, 3, 4), 1).kept
    with pytest.raises(ValueError, match="position 15 is outside the grid of 15 positions"):
        kept.above(np.zeros(1, dtype=np.float32), np.zeros(15, dtype=np.int32))


def test_selected_units_are_views() -> None:
    kept = swept(np.ones((2, 5, 3, 3), dtype=np.float32), Upsampler(3, 3, 4), 2).kept
    part = kept.units(1, 3)
    assert np.shares_memory(part.values, kept.values)
    assert listed(part) == listed(kept)[1:3]


def test_arrays_cannot_be_written() -> None:
    kept = Kept.nothing(3)
    with pytest.raises(ValueError, match="read-only"):
        kept.first[0] = 1
