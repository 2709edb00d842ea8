"""Importance of units against loops over classes, and correlations against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectory.analysis.tally.importance import Correlation, classes_led, importance_groups

seeds = st.integers(0, 10**6)


@given(st.integers(3, 30), st.sampled_from([0, 1e4]), seeds)
def test_correlations_are_pearsons(images: int, offset: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    peaks, scores = generator.normal(size=(images, 4)) + offset, generator.random((images, 3))
    scores[:, 0] += peaks[:, 1] - offset
    found = Correlation(4, 3)
    for part in np.array_split(np.arange(images), 3):
        found.observe(peaks[part], scores[part])
    expected = np.corrcoef(peaks.T, scores.T)[:4, 4:]
    np.testing.assert_allclose(found.value, expected, atol=1e-9)


def test_constants_have_no_correlation() -> None:
    found = Correlation(2, 1)
    found.observe(np.array([[5.0, 1.0], [5.0, 2.0]]), np.array([[0.1], [0.3]]))
    assert np.isnan(found.value[0, 0])
    assert found.value[1, 0] == pytest.approx(1)


@given(st.integers(1, 6), st.integers(1, 9), seeds)
def test_classes_led_are_counted_class_by_class(classes: int, units: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    orders = np.array([generator.permutation(units) for _ in range(classes)])
    expected = [sum(unit in order[:4].tolist() for order in orders) for unit in range(units)]
    assert classes_led(orders, units).tolist() == expected


def test_groups_contain_units_of_similar_importance() -> None:
    importance = np.array([0.1, np.nan, 0.5, 0.3, 0.3, 0.0])
    iou = np.array([0.01, 0.99, 0.20, 0.10, 0.30, 0.04])
    groups = importance_groups(importance, iou, size=2)
    assert [group.units for group in groups] == [2, 2, 1]
    assert [group.importance for group in groups] == pytest.approx([0.4, 0.2, 0.0])
    assert [group.iou for group in groups] == pytest.approx([0.15, 0.155, 0.04])
