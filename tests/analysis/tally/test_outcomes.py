"""Counts of predictions, and halves of the images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import ablation as reference

from dissectory.analysis.tally.outcomes import count_outcomes, halves

seeds = st.integers(0, 10**6)


@given(st.integers(0, 30), st.integers(1, 5), seeds)
def test_counts_match_the_definition(images: int, outputs: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    classes = generator.integers(-1, outputs, images)
    predicted = generator.integers(0, outputs, (images, 2, 3))
    found = count_outcomes(predicted, classes, outputs)
    part = images // 3
    added = count_outcomes(predicted[:part], classes[:part], outputs) + count_outcomes(
        predicted[part:], classes[part:], outputs
    )
    for variant in np.ndindex(2, 3):
        said = predicted[:, *variant].tolist()
        assert found.correct[variant] == sum(a == b for a, b in zip(said, classes.tolist(), strict=True))
        for output in range(outputs):
            expected = reference.counts(said, classes.tolist(), output)
            for outcomes in (found, added):
                counted = (
                    outcomes.images[output], outcomes.others[output],
                    outcomes.taken[*variant, output], outcomes.right[*variant, output],
                )  # fmt: skip
                assert counted == expected
            accuracy = reference.balanced_accuracy(said, classes.tolist(), output)
            assert found.balanced_accuracy[*variant, output] == pytest.approx(accuracy, nan_ok=True)
    assert found.labelled == (classes >= 0).sum()


@given(st.lists(st.integers(-1, 4), max_size=60), seeds)
def test_halves_contain_half_of_every_class_and_of_images_without_one(classes: list[int], seed: int) -> None:
    numbers = np.array(classes, dtype=np.int64)
    drawn = halves(numbers, seed)
    for number in set(classes):
        images = classes.count(number)
        assert drawn[numbers == number].sum() == (images + 1) // 2
    np.testing.assert_array_equal(drawn, halves(numbers, seed))


def test_the_half_of_a_class_depends_only_on_the_seed() -> None:
    alone = np.full(50, 2)
    among = np.concatenate([np.full(31, 1), alone])
    np.testing.assert_array_equal(halves(alone, 0), halves(among, 0)[31:])
    assert (halves(alone, 0) != halves(alone, 1)).any()
