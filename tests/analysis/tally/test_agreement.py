"""Active positions in pairs of images, counted one by one."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.tally.agreement import Agreement, count_agreement
from dissectory.analysis.tally.kept import Kept

PAIRS, UNITS, POSITIONS = 5, 3, 40


def kept_of(active: np.ndarray) -> Kept:
    """Return the kept activations of positions `(pair, unit, position)` that are active or not."""
    rows = [(unit, pair, active[pair, unit].nonzero()[0]) for unit in range(UNITS) for pair in range(PAIRS)]
    rows = [row for row in rows if len(row[2])]
    positions = np.concatenate([row[2] for row in rows] or [np.empty(0, int)])
    return Kept(
        np.searchsorted([unit for unit, *_ in rows], np.arange(UNITS + 1)).astype(np.int64),
        np.array([pair for _, pair, _ in rows], dtype=np.int32),
        np.cumsum([0, *(len(row[2]) for row in rows)]).astype(np.int64),
        np.ones(len(positions), dtype=np.float32),
        positions.astype(np.uint16),
    )


@pytest.fixture
def active() -> tuple[np.ndarray, np.ndarray]:
    one, other = np.random.default_rng(5).random((2, PAIRS, UNITS, POSITIONS)) < 0.3
    one[2, 1] = other[3, 1] = False
    return one, other


def counted(one: np.ndarray, other: np.ndarray) -> Agreement:
    return count_agreement(kept_of(one), kept_of(other), PAIRS, POSITIONS)


def test_counts_cover_every_position(active: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = active
    found = counted(one, other)
    for unit in range(UNITS):
        for pair in range(PAIRS):
            assert found.one[pair, unit] == one[pair, unit].sum()
            assert found.other[pair, unit] == other[pair, unit].sum()
            assert found.both[pair, unit] == (one[pair, unit] & other[pair, unit]).sum()
        both = sum((one[pair, unit] & other[pair, unit]).sum() for pair in range(PAIRS))
        either = sum((one[pair, unit] | other[pair, unit]).sum() for pair in range(PAIRS))
        assert found.agreement[unit] == pytest.approx(both / either)


def test_chance_covers_all_images_that_are_not_a_pair(active: tuple[np.ndarray, np.ndarray]) -> None:
    one, other = active
    found = counted(one, other)
    for unit in range(UNITS):
        met = [(one[i, unit] & other[j, unit]).sum() for i in range(PAIRS) for j in range(PAIRS) if i != j]
        mean = sum(met) / (PAIRS - 1)
        assert found.chance[unit] == pytest.approx(mean / (one[:, unit].sum() + other[:, unit].sum() - mean))


def test_equal_images_agree_and_others_do_not(active: tuple[np.ndarray, np.ndarray]) -> None:
    one, _ = active
    assert counted(one, one).agreement.tolist() == [1] * UNITS
    assert counted(one, ~one).agreement.tolist() == [0] * UNITS


def test_a_unit_that_is_never_active_has_neither(active: tuple[np.ndarray, np.ndarray]) -> None:
    nothing = np.zeros_like(active[0])
    found = counted(nothing, nothing)
    assert np.isnan(found.agreement).all()
    assert np.isnan(found.chance).all()
    assert counted(nothing, active[0]).agreement.tolist() == [0] * UNITS
