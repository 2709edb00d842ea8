"""Units as detectors, against every threshold and every pair of images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import ablation as reference

from dissectory.analysis.tally.separation import BINS, Peaks

seeds = st.integers(0, 10**6)


@given(st.integers(2, 25), st.integers(1, 4), st.sampled_from([2, 4, 10**6]), seeds)
def test_detectors_match_the_definition(images: int, units: int, values: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    peaks = (generator.integers(0, values, (images, units)) / 4 - 1).astype(np.float32)  # many are equal
    positives = generator.random(images) < 0.4
    positives[:2] = True, False
    found = Peaks(peaks).separation(positives)
    assert (found.images, found.others) == (positives.sum(), (~positives).sum())
    for unit in range(units):
        own = peaks[:, unit].tolist()
        threshold, taken, right, accuracy = reference.detector(own, positives.tolist())
        assert (found.threshold[unit], found.taken[unit], found.right[unit]) == (threshold, taken, right)
        assert found.balanced_accuracy[unit] == pytest.approx(accuracy)
        assert found.area[unit] == pytest.approx(reference.area(own, positives.tolist()))
        assert (found.low[unit], found.high[unit]) == (min(own), max(own))
        width = max(own) - min(own) or 1
        for which, bins in ((positives, found.image_bins), (~positives, found.other_bins)):
            expected = [0] * BINS
            for peak in peaks[which, unit].tolist():
                expected[min(int((peak - min(own)) / width * BINS), BINS - 1)] += 1
            assert bins[unit].tolist() == expected


def test_a_perfect_detector() -> None:
    positives = np.array([True, False, True, False])
    found = Peaks(np.array([[3.0], [1.0], [4.0], [2.0]], dtype=np.float32)).separation(positives)
    assert (found.threshold[0], found.taken[0], found.right[0]) == (2.0, 2, 2)
    assert found.balanced_accuracy[0] == found.area[0] == 1.0


def test_a_constant_unit_separates_nothing() -> None:
    found = Peaks(np.full((4, 1), 0.5, dtype=np.float32)).separation(np.array([True, False, True, False]))
    assert (found.taken[0], found.balanced_accuracy[0], found.area[0]) == (0, 0.5, 0.5)


@pytest.mark.parametrize("positives", [[True, True], [False, False]])
def test_a_detector_needs_both_kinds(positives: list[bool]) -> None:
    with pytest.raises(ValueError, match="images in the set and others"):
        Peaks(np.zeros((2, 1), dtype=np.float32)).separation(np.array(positives))


@pytest.mark.parametrize("peaks", [np.zeros((0, 2)), np.array([[np.nan]])])
def test_peaks_must_not_be_missing_or_nan(peaks: np.ndarray) -> None:
    with pytest.raises(ValueError, match="at least one image, and no peak may be NaN"):
        Peaks(peaks.astype(np.float32))
