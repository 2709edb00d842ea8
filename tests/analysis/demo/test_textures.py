from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.demo.dice import Dice
from dissectory.analysis.demo.textures import TILE, choice, tiles
from dissectory.analysis.demo.vocabulary import MATERIALS


def test_tiles_are_balanced_and_differ() -> None:
    bank = tiles()
    assert bank.shape == (len(bank), TILE, TILE)
    assert len(bank) > len(MATERIALS)
    assert np.abs(bank).max() <= 1
    assert np.abs(bank.mean(axis=(1, 2))).max() < 0.12
    alike = np.corrcoef(bank.reshape(len(bank), -1)) - np.eye(len(bank))
    assert alike.max() < 0.6


@pytest.mark.parametrize("axis", [0, 1])
def test_tiles_repeat_without_a_seam(axis: int) -> None:
    """The step from the last line to the first is no greater than some step inside."""
    for tile in tiles():
        steps = np.abs(np.roll(tile, -1, axis) - tile).mean(axis=1 - axis)
        assert steps[-1] <= steps[:-1].max() * 1.2 + 1e-6


def test_natural_surfaces_leave_colors_alone() -> None:
    chosen, strengths, mixes = choice(0)
    assert chosen.tolist() == [0, *range(len(MATERIALS))]
    assert strengths[0] == 0
    assert np.array_equal(mixes, np.tile(np.eye(3), (len(MATERIALS) + 1, 1, 1)))


@pytest.mark.parametrize("textures", [1, 2, 77])
def test_other_surfaces_only_swap_colors(textures: int) -> None:
    chosen, _, mixes = choice(textures)
    assert len(set(chosen[1:].tolist())) == len(MATERIALS)
    assert np.array_equal(np.sort(mixes, axis=2)[..., 2], np.ones((len(MATERIALS) + 1, 3)))
    assert np.array_equal(mixes.sum(axis=1), np.ones((len(MATERIALS) + 1, 3)))
    assert np.array_equal(choice(textures)[0], chosen)


def test_dice_stay_within_their_bounds() -> None:
    dice = Dice(3, 1)
    assert {dice.count(2, 4) for _ in range(200)} == {2, 3, 4}
    assert {dice.pick("abc") for _ in range(200)} == set("abc")
    assert {dice.way() for _ in range(50)} == {-1, 1}
    assert all(5 <= dice.between(5, 6) < 6 for _ in range(5000))
    assert 0.2 < np.mean([dice.chance(0.3) for _ in range(2000)]) < 0.4
    places = dice.spread(8, -1, 1)
    assert places == sorted(places)
    assert min(places) > -1
    assert max(places) < 1
