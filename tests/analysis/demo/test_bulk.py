"""Scenes in bulk: the right seeds, the right classes, whatever the number of processes."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.demo.bulk import HELD_OUT, TRAINING, draw, views
from dissectory.analysis.demo.scene import draw_scene


def test_scenes_are_those_of_their_seeds() -> None:
    drawn = draw(30, 12, 32, 1)
    alone = draw_scene(31, "city-street", 32)
    assert np.array_equal(drawn.pictures[1].transpose(1, 2, 0), alone.picture)
    assert np.array_equal(drawn.objects[1], alone.objects)
    assert np.array_equal(drawn.parts[1], alone.parts)
    assert drawn.classes.tolist() == [*range(10), 0, 1]


def test_processes_change_nothing() -> None:
    one, two = (draw(0, 10, 24, workers) for workers in (1, 2))
    assert np.array_equal(one.pictures, two.pictures)
    assert np.array_equal(one.parts, two.parts)


def test_training_and_test_scenes_share_no_seed() -> None:
    with pytest.raises(ValueError, match="must be a multiple of 10"):
        draw(TRAINING + 1, 1, 32, 1)
    assert HELD_OUT - TRAINING > 500_000


def test_networks_see_values_around_zero() -> None:
    seen = views(np.array([0, 255], dtype=np.uint8).reshape(2, 1, 1, 1).repeat(3, axis=1))
    assert seen[:, 0, 0, 0].tolist() == [-2, 2]
