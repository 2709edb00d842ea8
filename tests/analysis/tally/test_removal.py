"""Scores and predictions without units: sums of columns, against scores computed anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import ablation as reference

from dissectory.analysis.tally.removal import Features, Head, LinearHead, RectifiedHead, leads_of, unchanged


def features_of(head: Head, own: np.ndarray, silent: np.ndarray) -> Features:
    return Features(own, silent, answer(head, own).astype(np.float32))


def answer(head: Head, features: np.ndarray) -> np.ndarray:
    """Compute scores `(image, output)` in float64, from the definition of each head."""
    features = features.astype(np.float64)
    if isinstance(head, LinearHead):
        scores: np.ndarray = np.einsum("iup,upo->io", features, head.weight)
        return scores
    assert isinstance(head, RectifiedHead)
    values = np.einsum("iup,uo->ipo", features, head.weight) + head.bias
    means: np.ndarray = np.where(values > 0, values, head.slope * values).mean(axis=1)
    return means


def without(features: Features, units: list[int]) -> np.ndarray:
    changed = features.own.copy()
    changed[:, units] = np.broadcast_to(features.silent, changed.shape)[:, units]
    return changed


@st.composite
def cases(draw: st.DrawFn) -> tuple[Head, Features, np.random.Generator]:
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    images, units, parts, outputs = (draw(st.integers(1, high)) for high in (4, 9, 13, 20))
    own = generator.normal(size=(images, units, parts)).astype(np.float32)
    own *= generator.random(own.shape) < draw(st.sampled_from([1, 0.5, 0.1]))  # many units are not active
    shared = draw(st.booleans())
    silent = np.zeros((1 if shared else images, units, parts), dtype=np.float32)
    if draw(st.booleans()):
        silent += generator.normal(size=silent.shape).astype(np.float32)
    head: Head
    if draw(st.booleans()):
        head = LinearHead(generator.normal(size=(units, parts, outputs)).astype(np.float32))
    else:
        weight, bias = generator.normal(size=(units, outputs)), generator.normal(size=outputs)
        slope = draw(st.sampled_from([0.0, 0.55, 1.0]))
        head = RectifiedHead(weight.astype(np.float32), bias.astype(np.float32), slope)
    return head, features_of(head, own, silent), generator


def agree(found: np.ndarray, near: np.ndarray, scores: np.ndarray) -> None:
    """Assert that predictions match the scores, or are near and two outputs are almost equal."""
    ordered = np.sort(scores, axis=-1)
    gap = ordered[..., -1] - ordered[..., -2] if scores.shape[-1] > 1 else np.full(near.shape, np.inf)
    np.testing.assert_array_equal(found[~near], scores.argmax(axis=-1)[~near])
    assert (gap[near] <= 1e-3).all()


@settings(max_examples=60, deadline=None)  # the first call compiles
@given(cases())
def test_scores_and_predictions_without_single_units(case: tuple[Head, Features, np.random.Generator]) -> None:
    head, features, generator = case
    units = features.own.shape[1]
    expected = np.stack([answer(head, without(features, [unit])) for unit in range(units)], axis=1)
    np.testing.assert_allclose(
        head.scores_without_units(features), expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max())
    )
    classes = generator.integers(-1, expected.shape[2], len(expected))
    for threads in (1, 2):
        found = head.without_units(features, classes, threads)
        agree(found.outputs, found.near, expected)
        if expected.shape[2] > 1:
            for image, own in enumerate(classes):
                for unit in range(units):
                    lead = reference.lead(expected[image, unit], own) if own >= 0 else 0
                    assert found.leads[image, unit] == pytest.approx(lead, abs=1e-4)


@settings(max_examples=60, deadline=None)  # the first call compiles
@given(cases())
def test_predictions_with_sets_removed_and_with_only_sets_kept(
    case: tuple[Head, Features, np.random.Generator],
) -> None:
    head, features, generator = case
    units = features.own.shape[1]
    orders = np.array([generator.permutation(units) for _ in range(3)])
    sizes = sorted({0, units, *generator.integers(0, units + 1, 3).tolist()})
    found = head.along(features, orders, sizes, 2)
    for place, order in enumerate(orders):
        for step, size in enumerate(sizes):
            for keep, removed in enumerate((order[:size], order[size:])):
                expected = answer(head, without(features, removed.tolist()))
                agree(found.outputs[:, place, keep, step], found.near[:, place, keep, step], expected)


def test_a_unit_without_effect_changes_nothing_even_between_equal_scores() -> None:
    head = LinearHead(np.ones((2, 1, 3), dtype=np.float32))
    features = Features(
        np.array([[[0.0], [1.0]]], dtype=np.float32), np.zeros((1, 2, 1), dtype=np.float32), np.ones((1, 3), np.float32)
    )
    found = head.without_units(features, np.array([1]))
    assert found.outputs.tolist() == [[0, 0]]
    assert found.near.tolist() == [[False, True]]


@pytest.mark.parametrize(
    "head",
    [
        LinearHead(np.ones((2, 1, 3), np.float32)),
        RectifiedHead(np.ones((2, 3), np.float32), np.zeros(3, np.float32), 0),
    ],
)
def test_nan_scores_are_left_to_the_network(head: Head) -> None:
    own = np.array([[[np.nan], [1.0]]], dtype=np.float32)
    features = Features(own, np.zeros((1, 2, 1), dtype=np.float32), np.full((1, 3), np.nan, np.float32))
    assert head.without_units(features, np.array([0])).near.all()
    assert head.along(features, np.array([[0, 1]]), [0, 1]).near.all()


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 10**6))
def test_leads(images: int, outputs: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 3, (images, outputs + 1)).astype(np.float32)
    classes = generator.integers(-1, outputs + 1, images)
    expected = [reference.lead(row, own) if own >= 0 else 0 for row, own in zip(scores.tolist(), classes, strict=True)]
    assert leads_of(scores, classes).tolist() == expected
    found = unchanged(scores, classes, 2)
    assert found.leads.tolist() == [[lead] * 2 for lead in expected]
    assert found.outputs.tolist() == [[reference.first_maximum(row)] * 2 for row in scores.tolist()]
