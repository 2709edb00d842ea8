"""Intervals and tests against their definitions, and against simulated data with a known truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectory.analysis.tally.chance import Bootstrap, p_values, poisson_weights, q_values, shifts

PAIRINGS = 49
SIDE = 12
CONCEPTS = 12


def counts(images: int, units: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw intersection, active and areas `(image, unit)`; most images have neither the unit nor the concept."""
    random = np.random.default_rng(seed)
    active = random.integers(1, 60, (images, units)) * (random.random((images, units)) < 0.4)
    areas = random.integers(1, 200, (images, units)) * (random.random((images, units)) < 0.3)
    return np.floor(random.random((images, units)) * np.minimum(active, areas)).astype(int), active, areas


def slow_interval(weights: np.ndarray, both: list[int], either: list[int]) -> list[float]:
    """Compute the BCa interval of sum(both) / sum(either) in Efron's notation: bias z0, acceleration a."""
    normal = NormalDist()
    ratios = []
    for replicate in weights.T.tolist():
        unions = sum(weight * count for weight, count in zip(replicate, either, strict=True))
        if unions > 0:
            ratios.append(sum(weight * count for weight, count in zip(replicate, both, strict=True)) / unions)
    ratios.sort()
    iou = sum(both) / sum(either)
    share = sum((ratio < iou) + (ratio == iou) / 2 for ratio in ratios) / len(ratios)
    z0 = normal.inv_cdf(min(max(share, 1 / (len(ratios) + 1)), len(ratios) / (len(ratios) + 1)))
    influence = [one - iou * all_ for one, all_ in zip(both, either, strict=True)]
    squares = sum(part**2 for part in influence)
    a = sum(part**3 for part in influence) / (6 * squares**1.5) if squares else 0
    ends = []
    for z in (normal.inv_cdf(0.025), normal.inv_cdf(0.975)):
        below, part = divmod(normal.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))) * (len(ratios) - 1), 1)
        ends.append(ratios[int(below)] + part * (ratios[min(int(below) + 1, len(ratios) - 1)] - ratios[int(below)]))
    return ends


def test_weights_are_poisson_with_mean_1() -> None:
    weights = poisson_weights(range(100), 5000, seed=1)
    for k in range(5):
        expected = math.exp(-1) / math.factorial(k)
        assert abs((weights == k).mean() - expected) < 4 * math.sqrt(expected / weights.size)
    assert weights.mean() == pytest.approx(1, abs=4 / math.sqrt(weights.size))
    assert np.abs(np.asarray(np.corrcoef(weights[:4])) - np.eye(4)).max() < 5 / math.sqrt(5000)
    assert (weights != poisson_weights(range(100), 5000, seed=2)).any(axis=1).all()


def test_intervals_match_the_definition() -> None:
    both, active, areas = counts(15, 6)
    weights = poisson_weights(range(15), 300, seed=3)
    bootstrap = Bootstrap(6, 300)
    bootstrap.observe(weights, both, active, areas)
    either: np.ndarray = active + areas - both
    slow = [slow_interval(weights, both[:, unit].tolist(), either[:, unit].tolist()) for unit in range(6)]
    np.testing.assert_allclose(np.transpose(bootstrap.interval()), slow, rtol=1e-9)


def test_neither_order_nor_grouping_of_images_matters() -> None:
    images = np.random.default_rng(0).permutation(1000)[:50]
    counted = counts(50, 7)
    whole = Bootstrap(7)
    whole.observe(poisson_weights(images.tolist(), 1000, seed=5), *counted)
    parts = Bootstrap(7)
    for some in np.array_split(np.random.default_rng(1).permutation(50), 6):
        parts.observe(poisson_weights(images[some].tolist(), 1000, seed=5), *(part[some] for part in counted))
    np.testing.assert_array_equal(whole.interval(), parts.interval())


@pytest.mark.parametrize(("images", "least"), [(75, 0.90), (500, 0.935)])
def test_an_interval_covers_the_population_19_times_in_20(images: int, least: float) -> None:
    """Each unit is a separate sample in which an eighth of the images counts; so few images cost some of the 95 %."""
    both, active, areas = (part[:, 0] for part in counts(5000, 1))
    truth = both.sum() / (active + areas - both).sum()
    drawn = np.random.default_rng(7).integers(0, 5000, (images, 2000))
    bootstrap = Bootstrap(2000)
    bootstrap.observe(poisson_weights(range(images), 1000, seed=0), both[drawn], active[drawn], areas[drawn])
    low, high = bootstrap.interval()
    too_high, too_low = (truth < low).mean(), (high < truth).mean()
    assert least < 1 - too_high - too_low < 0.965
    assert max(too_high, too_low) < 0.07


def test_one_image_has_an_interval_of_width_0_and_no_image_has_none() -> None:
    bootstrap = Bootstrap(3)
    weights = poisson_weights([4], 1000, seed=0)
    bootstrap.observe(weights, np.array([[3, 0, 0]]), np.array([[5, 0, 2]]), np.array([[7, 0, 0]]))
    low, high = bootstrap.interval()
    np.testing.assert_array_equal(low, [1 / 3, np.nan, 0])
    np.testing.assert_array_equal(high, low)
    assert np.isnan(Bootstrap(2).interval()).all()


def test_shifts_are_different_and_none_is_0() -> None:
    drawn = shifts(500, 99, seed=1)
    assert len(set(drawn)) == 99
    assert min(drawn) > 0
    assert max(drawn) < 500
    assert drawn == shifts(500, 99, seed=1) != shifts(500, 99, seed=2)
    assert sorted(shifts(5, 99, seed=0)) == [1, 2, 3, 4]
    assert shifts(1, 99, seed=0) == shifts(0, 99, seed=0) == []


def slow_p_values(observed: list[float], null: list[list[float]]) -> list[float]:
    """Compute p-values unit by unit; `null` has one row for each unit."""

    def lead(top: float, others: list[float]) -> float:
        ahead, reach = top - max(others), max(others) - float(np.median(others))
        if reach == 0:
            return math.inf if ahead > 0 else 0.0
        return ahead / reach

    leads = [lead(max(values), sorted(values)[:-1]) for values in null]
    found = []
    for top, values in zip(observed, null, strict=True):
        p = (1 + sum(value >= top for value in values)) / (1 + len(values))
        if max(values) < top:
            p *= (1 + sum(other >= lead(top, values) for other in leads)) / (1 + len(leads))
        found.append(p)
    return found


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 8), st.booleans())
def test_p_values_match_the_definition(seed: int, pairings: int, units: int, rough: bool) -> None:
    random = np.random.default_rng(seed)
    values = (
        random.gamma(1, 1, (pairings + 1, units)) + 2 * random.random(units) * (np.arange(pairings + 1) == 0)[:, None]
    )
    values = np.floor(values) if rough else values  # many ties
    p = p_values(values[0], values[1:])
    np.testing.assert_allclose(p, slow_p_values(values[0].tolist(), values[1:].T.tolist()), rtol=1e-12)
    assert (p > 0).all()
    assert (p <= 1).all()


def test_higher_values_have_lower_p_values() -> None:
    null = np.repeat(np.random.default_rng(0).gamma(2, 1, (20, 1)), 200, axis=1)
    null[:, 100:] *= np.random.default_rng(1).gamma(2, 1, (20, 100))
    p = p_values(np.concatenate([np.linspace(0, 60, 100), null[3, 100:]]), null)[:100]
    assert (np.diff(p) <= 0).all()
    assert p[0] == 1
    assert p[-1] < 1 / 21


def test_a_unit_that_does_not_vary_is_not_significant() -> None:
    observed, null = np.array([0.3, 0.0, np.nan, 0.2]), np.array([[0.3, 0, 0.1, 0], [0.3, 0, 0.1, 0]])
    p = p_values(observed, null)
    np.testing.assert_array_equal(p[:3], [1, 1, np.nan])
    assert p[3] == 1 / 3 / 4  # no other unit has a lead
    assert np.isnan(p_values(observed, null[:0])).all()
    np.testing.assert_array_equal(p_values(observed, null[:1]), [1, 1, np.nan, 0.5])
    assert p_values(observed[:0], null[:, :0]).shape == (0,)


def test_q_values_match_the_definition() -> None:
    p = np.array([0.01, 0.02, 0.02, np.nan, 0.5, 0.9, 1, 0.0004])
    known = sorted(p[~np.isnan(p)])
    slow = [
        np.nan if math.isnan(value)
        else min(other * len(known) / sum(at_most <= other for at_most in known) for other in known if other >= value)
        for value in p
    ]  # fmt: skip
    np.testing.assert_allclose(q_values(p), slow, rtol=1e-12)
    assert np.isnan(q_values(np.array([np.nan, np.nan]))).all()
    assert q_values(np.zeros(0)).shape == (0,)
    np.testing.assert_array_equal(q_values(np.ones(5)), np.ones(5))


@dataclass(frozen=True)
class World:
    labels: np.ndarray
    """(image, position): concept number, 0 for none"""
    active: np.ndarray
    """(unit, image, position)"""

    def p_values(self) -> np.ndarray:
        where = np.nonzero(self.active)
        null = np.array([self.best_iou(where, shift) for shift in shifts(len(self.labels), PAIRINGS, seed=0)])
        return p_values(self.best_iou(where, 0), null)

    def best_iou(self, where: tuple[np.ndarray, ...], shift: int) -> np.ndarray:
        """Compute each unit's highest IoU with the labels of the image `shift` places ahead `(unit,)`."""
        units, images, positions = where
        met = self.labels[(images + shift) % len(self.labels), positions]
        both = np.bincount(units * (CONCEPTS + 1) + met, minlength=len(self.active) * (CONCEPTS + 1))
        intersection = both.reshape(-1, CONCEPTS + 1)[:, 1:]
        areas = np.bincount(self.labels.ravel(), minlength=CONCEPTS + 1)[1:]
        either = np.bincount(units, minlength=len(self.active))[:, None] + areas - intersection
        return np.asarray((intersection / np.maximum(either, 1)).max(axis=1))


def boxes(random: np.random.Generator, count: int, most: int) -> np.ndarray:
    """Draw maps `(count, position)` of one box each, at random places, with sides up to `most`."""
    first = random.integers(0, SIDE, (count, 2))
    last = first + random.integers(1, most + 1, (count, 2))
    place = np.arange(SIDE)
    rows, columns = ((first[:, i, None] <= place) & (place < last[:, i, None]) for i in range(2))
    return (rows[:, :, None] & columns[:, None, :]).reshape(count, -1)


def world(units: int, images: int = 150, seed: int = 0) -> World:
    """Draw boxes of common and rare concepts; half of the units are active in a few images, half a little in all."""
    random = np.random.default_rng(seed)
    labels = np.zeros((images, SIDE * SIDE), dtype=int)
    for concept in range(1, CONCEPTS + 1):
        shown = random.random(images) < 0.8 / concept
        labels[boxes(random, images, 9) & shown[:, None]] = concept
    active = np.zeros((units, images, SIDE * SIDE), dtype=bool)
    for unit in range(units):
        sparse = unit < units // 2
        chosen = np.sort(random.choice(images, 5 if sparse else images, replace=False))
        active[unit, chosen] = boxes(random, len(chosen), 9 if sparse else 2)
    return World(labels, active)


def test_p_values_of_noise_are_uniform_for_sparse_and_dense_units() -> None:
    """Of 2400 units of each kind, the nominal share is significant: within 30 % of 0.05, and within 50 % of 0.01."""
    p = np.concatenate([world(400, seed=seed).p_values().reshape(2, -1) for seed in range(12)], axis=1)
    for kind in p:
        assert 0.035 < (kind <= 0.05).mean() < 0.065
        assert 0.005 < (kind <= 0.01).mean() < 0.015
        assert (kind <= 0.001).mean() < 0.003
        assert 0.45 < np.median(kind) < 0.55


def test_noise_is_rarely_a_discovery() -> None:
    """95 of 100 layers have no discovery, so at most 6 of 40 have one (binomial, 99 %)."""
    found = sum((q_values(world(60, 100, seed).p_values()) <= 0.05).any() for seed in range(40))
    assert found <= 6


def test_planted_concepts_are_found() -> None:
    scene = world(200)
    planted = np.arange(0, 200, 9)
    concept = np.resize(np.arange(1, 7), len(planted))
    scene.active[planted] = (scene.labels == concept[:, None, None]) & (
        np.random.default_rng(0).random((len(planted), *scene.labels.shape)) < 0.3
    )
    found = np.flatnonzero(q_values(scene.p_values()) <= 0.05)
    assert set(planted) <= set(found)
    assert len(found) <= len(planted) * 1.2
