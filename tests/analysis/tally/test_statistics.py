"""Top images and histograms for people."""

from __future__ import annotations

import numpy as np
from fakes.maps import swept

from dissectory.analysis.tally.peaks import NO_IMAGE, TopImages
from dissectory.analysis.tally.upsampling import Upsampler


def test_top_images_are_a_stable_sort() -> None:
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


def test_bins_for_people_split_no_count() -> None:
    maps = np.random.default_rng(0).normal(size=(20, 1, 9, 9)).astype(np.float32).clip(0)
    bins = swept(maps, Upsampler(9, 9, 2), 7).histograms.bins(0, wanted=30)
    assert bins.counts.sum() == maps.size
    assert 15 <= len(bins.counts) <= 30
    np.testing.assert_array_equal(bins.counts, np.histogram(maps.ravel().astype(np.float64), bins.edges)[0])
