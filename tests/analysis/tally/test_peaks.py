"""Top images against a stable sort."""

from __future__ import annotations

import numpy as np

from dissectory.analysis.tally.peaks import NO_IMAGE, TopImages


def test_top_images_match_a_stable_sort() -> None:
    random = np.random.default_rng(3)
    maps = random.integers(0, 4, size=(30, 5, 3, 3)).astype(np.float32)
    top = TopImages(5, 7)
    for start in range(0, 30, 4):
        part = maps[start : start + 4].reshape(-1, 5, 9)
        top.observe(range(start, start + len(part)), part.max(axis=2), part.argmax(axis=2))
    for unit in range(5):
        ranked = sorted(range(30), key=lambda image: (-maps[image, unit].max(), image))[:7]
        assert top.images[unit].tolist() == ranked
        for rank, image in enumerate(ranked):
            assert maps[image, unit].ravel()[top.cells[unit, rank]] == maps[image, unit].max() == top.peaks[unit, rank]


def test_fewer_images_than_places() -> None:
    top = TopImages(1, 3)
    top.observe([5], np.array([[-2]], dtype=np.float32), np.array([[0]]))
    assert top.images.tolist() == [[5, NO_IMAGE, NO_IMAGE]]
