"""Counts above many levels on a device, against the compiled counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.maps import borders, finite, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.tally.device.levels import DeviceLevelCounts
from dissectory.analysis.tally.information import LEVELS, LevelCounts, candidate_levels
from dissectory.analysis.tally.overlap import distinct
from dissectory.analysis.tally.upsampling import Border, Upsampler

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
CONCEPTS = 3


@settings(max_examples=60, deadline=None)
@given(networks_maps(exact=False), st.integers(1, 7), st.integers(1, 5), st.sampled_from([1, 200_000, 10**9]), borders)
def test_ratios_and_thresholds_equal_the_compiled_ones(
    maps: np.ndarray, grid: int, batch: int, memory: int, border: Border
) -> None:
    images, _, height, width = maps.shape
    random = np.random.default_rng(images)
    labels = distinct(random.integers(0, CONCEPTS + 1, (images, grid**2, 2)).astype(np.uint16))
    upsampler = Upsampler(height, width, grid, border)
    thresholds = np.quantile(finite(maps), 0.9, axis=(0, 2, 3)).astype(np.float32)
    levels = candidate_levels(swept(maps, upsampler, images).histograms, thresholds)
    both = (
        DeviceLevelCounts(upsampler, levels, CONCEPTS, device=DEVICE, memory=memory),
        LevelCounts(upsampler, levels, CONCEPTS),
    )
    for start in range(0, images, batch):
        part = slice(start, start + batch)
        for counts in both:
            counts.observe(torch.from_numpy(maps[part]), labels[part])
    pixels = np.array([(labels == number).sum() for number in range(1, CONCEPTS + 1)])
    one, other = (counts.best(images * upsampler.positions, pixels) for counts in both)
    np.testing.assert_array_equal(one.ratio, other.ratio)
    np.testing.assert_array_equal(one.threshold, other.threshold)


@pytest.mark.parametrize("wrong", ["concept", "positions", "images"])
def test_labels_that_do_not_fit_are_refused(wrong: str) -> None:
    shape = {"positions": (2, 3, 1), "images": (1, 4, 1)}.get(wrong, (2, 4, 1))
    labels = np.full(shape, CONCEPTS + (wrong == "concept"), dtype=np.uint16)
    maps, levels = torch.zeros((2, 1, 2, 2)), np.zeros((1, LEVELS), dtype=np.float32)
    counts = DeviceLevelCounts(Upsampler(2, 2, 2), levels, CONCEPTS, device=DEVICE, memory=1000)
    with pytest.raises(ValueError, match=r"labels contain the concept|do not match"):
        counts.observe(maps, labels)
