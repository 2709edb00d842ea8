"""Relative changes of areas: intervals against repeated sampling, and samples that represent more images."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dissectory.analysis.tally.changes import FEWEST, Sample, change_of, mean_of

Z = stats.t.ppf(0.995, 399)


def pairs(random: np.random.Generator, images: int) -> tuple[np.ndarray, np.ndarray]:
    before = random.integers(0, 200, size=(images, 1))
    return before, (before * random.uniform(0.2, 0.6, size=before.shape)).astype(int)


def test_an_interval_matches_that_of_a_ratio_of_sums() -> None:
    random = np.random.default_rng(3)
    before, after = pairs(random, 400)
    found = change_of(Sample(before, after))
    drawn = random.integers(400, size=(3000, 400))
    replicates = after[drawn, 0].sum(axis=1) / before[drawn, 0].sum(axis=1) - 1
    assert found.share[0] == pytest.approx(after.sum() / before.sum() - 1)
    assert (found.before[0], found.after[0]) == (before.sum(), after.sum())
    assert (found.high - found.low)[0] == pytest.approx(2 * Z * replicates.std(), rel=0.06)


def test_samples_of_two_kinds_estimate_the_whole() -> None:
    """A tenth of 600 images shows a concept; 40 of each kind are edited, and their estimate is right on average."""
    random = np.random.default_rng(5)
    errors, spans = [], []
    for _ in range(800):
        shows = random.random(600) < 0.1
        before = np.where(shows, random.integers(50, 200, size=600), 0)
        after = np.where(shows, before // 2, np.where(random.random(600) < 0.3, random.integers(1, 20, size=600), 0))
        kinds = [np.flatnonzero(shows), np.flatnonzero(~shows)]
        found = change_of(
            *(Sample(before[kind[:40], None], after[kind[:40], None], len(kind)) for kind in kinds if len(kind))
        )
        expected = (0.1 * 62 + 0.9 * 0.3 * 10) / (0.1 * 124.5)
        errors.append(found.share[0] + 1 - expected)
        spans.append((found.high - found.low)[0])
    assert abs(np.mean(errors)) < 0.02
    assert np.mean(spans) == pytest.approx(2 * stats.t.ppf(0.995, 39) * np.std(errors), rel=0.1)


def test_complete_kinds_equal_one_sample() -> None:
    random = np.random.default_rng(6)
    before, after = pairs(random, 400)
    whole = change_of(Sample(before, after))
    parts = change_of(Sample(before[:150], after[:150], 150), Sample(before[150:], after[150:], 250))
    for name in ("before", "after", "share"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))
    for name in ("low", "high"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), abs=2e-3)


def test_there_is_no_interval_of_few_images() -> None:
    before, after = pairs(np.random.default_rng(7), FEWEST)
    before += 1
    assert np.isfinite(change_of(Sample(before, after)).low).all()
    assert np.isnan(change_of(Sample(before[1:], after[1:])).low).all()
    others = np.zeros((FEWEST - 1, 1), dtype=int)
    assert np.isfinite(change_of(Sample(before, after), Sample(others, others)).low).all()
    assert np.isnan(change_of(Sample(before, after), Sample(others, others, 50)).low).all()
    before[0] = 0
    assert np.isnan(change_of(Sample(before, after)).low).all()


def test_a_concept_without_area_has_no_share() -> None:
    found = change_of(Sample(np.zeros((20, 1), dtype=int), np.ones((20, 1), dtype=int)))
    assert np.isnan([found.share, found.low, found.high]).all()
    assert found.after[0] == 20
    nothing = change_of(Sample(np.zeros((0, 2), dtype=int), np.zeros((0, 2), dtype=int), 9))
    assert np.isnan(nothing.share).all()
    assert (nothing.before == 0).all()


def test_an_area_cannot_shrink_by_more_than_all_of_it() -> None:
    before = np.full((FEWEST, 1), 9)
    after = before * np.arange(FEWEST)[:, None] // 100
    after[0] = 30
    assert change_of(Sample(before, after)).low[0] == -1


def test_a_mean_has_the_interval_of_students_distribution() -> None:
    values = np.arange(30) % 7
    mean, low, high = mean_of(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.99)
    assert (low, high) == pytest.approx((expected.low, expected.high))
    assert mean == pytest.approx(values.mean())
