"""Histograms for display; the counting of activations is tested with the sweep."""

from __future__ import annotations

import numpy as np
from fakes.maps import swept

from dissectory.analysis.tally.upsampling import Upsampler


def test_display_bins_split_no_fine_bin() -> None:
    maps = np.random.default_rng(0).normal(size=(20, 1, 9, 9)).astype(np.float32).clip(0)
    bins = swept(maps, Upsampler(9, 9, 2), 7).histograms.bins(0, wanted=30)
    assert bins.counts.sum() == maps.size
    assert 15 <= len(bins.counts) <= 30
    np.testing.assert_array_equal(bins.counts, np.histogram(maps.ravel().astype(np.float64), bins.edges)[0])
