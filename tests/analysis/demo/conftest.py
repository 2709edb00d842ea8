"""What tests of the embedded world share."""

from __future__ import annotations

import pytest

from dissectory.analysis.demo.scene import Scene, draw_scene
from dissectory.analysis.demo.vocabulary import SCENES

COUNT = 300


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """Scenes of all classes in turn, small ones: what stands in them does not depend on their size."""
    return [draw_scene(seed, SCENES[seed % len(SCENES)], 64) for seed in range(COUNT)]
