"""Counts of 100,000 images on the largest grid, 256 x 256: made up, and compared with Python's unbounded integers."""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest

from dissectory.analysis.study.sections import LARGEST_GRID
from dissectory.analysis.tally.agreement import Agreement, count_agreement
from dissectory.analysis.tally.chance import Bootstrap
from dissectory.analysis.tally.changes import Sample, change_of, mean_of
from dissectory.analysis.tally.importance import classes_led
from dissectory.analysis.tally.information import LEVELS, LevelCounts
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.outcomes import Outcomes, count_outcomes
from dissectory.analysis.tally.overlap import Overlaps
from dissectory.analysis.tally.separation import Peaks
from dissectory.analysis.tally.thresholds import count_above
from dissectory.analysis.tally.upsampling import Upsampler

IMAGES, POSITIONS = 100_000, LARGEST_GRID**2
TOTAL = IMAGES * POSITIONS


def interval(weights: np.ndarray, both: np.ndarray, either: np.ndarray) -> list[float]:
    """Compute the BCa interval of sum(both) / sum(either) from exact sums; no resampled set is empty."""
    normal, images = NormalDist(), list(zip(both.tolist(), either.tolist(), strict=True))
    totals = [
        [sum(int(weight) * image[part] for weight, image in zip(column, images, strict=True)) for part in (0, 1)]
        for column in weights.T.tolist()
    ]
    ratios = sorted(intersection / union for intersection, union in totals)
    intersection, union = (sum(image[part] for image in images) for part in (0, 1))
    share = sum((ratio < intersection / union) + (ratio <= intersection / union) for ratio in ratios) / 2 / len(ratios)
    z0 = normal.inv_cdf(min(max(share, 1 / (len(ratios) + 1)), len(ratios) / (len(ratios) + 1)))
    influence = [one * union - intersection * all_ for one, all_ in images]  # times the sum of unions
    squares, cubes = (sum(part**power for part in influence) for power in (2, 3))
    a = float(Fraction(cubes, union**3)) / float(Fraction(squares, union**2)) ** 1.5 / 6
    ends = []
    for z in (normal.inv_cdf(0.025), normal.inv_cdf(0.975)):
        below, part = divmod(normal.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))) * (len(ratios) - 1), 1)
        ends.append(ratios[int(below)] + part * (ratios[min(int(below) + 1, len(ratios) - 1)] - ratios[int(below)]))
    return ends


def test_intervals() -> None:
    """Most images have unions of nearly the whole grid, and their cubes have more than 63 bits."""
    random = np.random.default_rng(0)
    active, areas = random.integers(POSITIONS // 2, POSITIONS + 1, (2, IMAGES, 2))
    active[:, 1] //= np.where(random.random(IMAGES) < 0.05, 1, 500)  # few images have most of the active positions
    both = np.maximum(active + areas - POSITIONS, (np.minimum(active, areas) * random.random((IMAGES, 2))).astype(int))
    either = active + areas - both
    assert sum(count**3 for count in either[:, 0].tolist()) > 2**63
    weights = random.poisson(1, (IMAGES, 12)).astype(np.float64)
    expected = [interval(weights, both[:, unit], either[:, unit]) for unit in range(2)]
    for at_once in (256, IMAGES):
        bootstrap = Bootstrap(2, 12)
        for first in range(0, IMAGES, at_once):
            some = slice(first, first + at_once)
            bootstrap.observe(weights[some], both[some], active[some], areas[some])
        np.testing.assert_allclose(np.transpose(bootstrap.interval()), expected, rtol=1e-9)


def test_overlaps() -> None:
    overlaps = Overlaps(np.array([[TOTAL // 3, TOTAL]]), np.array([TOTAL]), np.array([TOTAL // 2, TOTAL]))
    assert overlaps.union.tolist() == [[TOTAL + TOTAL // 2 - TOTAL // 3, TOTAL]]
    doubled = overlaps + overlaps
    assert doubled.union.tolist() == [[2 * (TOTAL + TOTAL // 2 - TOTAL // 3), 2 * TOTAL]]
    assert doubled.iou[0, 0] == (TOTAL // 3) / (TOTAL + TOTAL // 2 - TOTAL // 3)
    assert count_above(0.01, TOTAL) == TOTAL // 100


def test_information_ratios() -> None:
    """A unit is above half of its levels at a tenth of all positions, most of which carry the concept."""
    counts = LevelCounts(Upsampler(1, 1, LARGEST_GRID), np.arange(LEVELS, dtype=np.float32)[None], 1)
    above, carried, both = TOTAL // 10, TOTAL // 7, TOTAL // 11
    counts._active[0, [0, LEVELS // 2]] = TOTAL - above, above
    counts._met[0, [0, LEVELS // 2], 1] = carried - both, both
    found = counts.best(TOTAL, np.array([carried]))

    def entropy(*parts: int) -> float:
        assert sum(parts) == TOTAL
        return -sum(part / TOTAL * math.log(part / TOTAL) for part in parts)

    joint = entropy(both, above - both, carried - both, TOTAL - above - carried + both)
    expected = (entropy(above, TOTAL - above) + entropy(carried, TOTAL - carried) - joint) / joint
    assert found.ratio[0, 0] == pytest.approx(expected, rel=1e-9)
    assert found.threshold[0, 0] == 0  # the lowest of equal levels


def test_agreement() -> None:
    """Both images of every pair are active at the last two positions, so any two images are."""
    last = np.tile(np.array([POSITIONS - 2, POSITIONS - 1], dtype=np.uint16), IMAGES)
    pairs, starts = np.arange(IMAGES, dtype=np.int32), np.arange(0, 2 * IMAGES + 1, 2)
    kept = Kept(np.array([0, IMAGES]), pairs, starts, np.ones(2 * IMAGES, dtype=np.float32), last)
    found = count_agreement(kept, kept, IMAGES, POSITIONS)
    assert found.both.sum() == 2 * IMAGES
    assert found.any_two.tolist() == [2 * IMAGES**2]
    whole = np.full((IMAGES, 1), POSITIONS)
    found = Agreement(whole, whole, whole // 2, np.array([IMAGES**2 * POSITIONS // 4]))
    assert found.agreement[0] == pytest.approx(1 / 3)
    apart = Fraction(IMAGES**2 * POSITIONS // 4 - TOTAL // 2, IMAGES - 1)
    assert found.chance[0] == pytest.approx(float(apart / (2 * TOTAL - apart)), rel=1e-12)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_changes(kind: type[np.signedinteger]) -> None:
    random = np.random.default_rng(2)
    before = random.integers(POSITIONS // 2, POSITIONS + 1, (IMAGES, 1)).astype(kind)
    after = (before * random.random((IMAGES, 1))).astype(kind)
    found = change_of(Sample(before, after))
    exact = Fraction(sum(after[:, 0].tolist()), sum(before[:, 0].tolist())) - 1
    assert (found.before[0], found.after[0]) == (sum(before[:, 0].tolist()), sum(after[:, 0].tolist()))
    assert found.share[0] == pytest.approx(float(exact), rel=1e-12)
    apart = [
        float(new - (1 + exact) * old) for old, new in zip(before[:, 0].tolist(), after[:, 0].tolist(), strict=True)
    ]
    error = math.sqrt(math.fsum(value**2 for value in apart) / (IMAGES - 1) * IMAGES) / found.before[0]
    assert found.high[0] - found.share[0] == pytest.approx(2.575829 * error, rel=1e-4)
    mean, low, high = mean_of(before[:, 0])
    assert mean == pytest.approx(float(Fraction(sum(before[:, 0].tolist()), IMAGES)), rel=1e-12)
    assert low < mean < high


def test_detectors() -> None:
    """Of two units, the peaks of one are in the order of the images, and those of the other all differ in disorder."""
    random = np.random.default_rng(3)
    peaks = np.stack([np.arange(IMAGES), random.permutation(IMAGES)], axis=1).astype(np.float32)
    positives = np.arange(IMAGES) >= IMAGES // 2
    found = Peaks(peaks).separation(positives)
    assert (found.taken[0], found.right[0], found.area[0]) == (IMAGES // 2, IMAGES // 2, 1)
    ranks = np.sort(peaks[positives, 1].astype(int)).tolist()
    pairs = sum(rank - place for place, rank in enumerate(ranks))
    assert found.area[1] == pairs / (IMAGES // 2) ** 2


def test_outcomes() -> None:
    random = np.random.default_rng(4)
    predicted, classes = random.integers(0, 1000, (IMAGES, 9)), random.integers(-1, 1000, IMAGES)
    found = count_outcomes(predicted, classes, 1000)
    total = sum([found] * 10, start=Outcomes(0, *(0 * part for part in (found.images, found.taken, found.right))))
    assert total.taken.sum() == 10 * 9 * IMAGES
    right = sum(int((predicted[classes == 7, 0] == 7).sum()) for _ in range(10))
    assert total.right[0, 7] == right
    taken, images = int(total.taken[0, 7]), int(total.images[7])
    exact = (Fraction(right, images) + 1 - Fraction(taken - right, 10 * IMAGES - images)) / 2
    assert total.balanced_accuracy[0, 7] == pytest.approx(float(exact), rel=1e-12)
    assert classes_led(np.zeros((IMAGES, 4), dtype=np.intp), 3).tolist() == [4 * IMAGES, 0, 0]
