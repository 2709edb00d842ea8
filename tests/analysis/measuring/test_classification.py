"""Scores of classes, compared with their definitions, image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dissectory.analysis.measuring.classification import NO_PREDICTION, class_scores, output_of
from dissectory.analysis.measuring.parts import OutputPart
from dissectory.analysis.measuring.record import ImagePredictions
from dissectory.analysis.resuming.shards import Shelf
from dissectory.analysis.run import Run

if TYPE_CHECKING:
    from pathlib import Path

OUTPUTS = ["attic", "barn", "canyon", "desert"]
NAMES = ["barn", "desert", "elsewhere"]
images = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40)


@given(images)
def test_scores_match_their_definitions(pairs: list[tuple[int, int]]) -> None:
    classes, predicted = (np.array(part, dtype=np.intp) for part in zip(*pairs, strict=True))
    scores = class_scores(NAMES, classes, predicted, OUTPUTS)
    for place, output in ((0, 1), (1, 3)):
        score = scores[place]
        true_positive = sum(belongs == place and said == output for belongs, said in pairs)
        false_positive = sum(belongs != place and said == output for belongs, said in pairs)
        false_negative = sum(belongs == place and said != output for belongs, said in pairs)
        true_negative = len(pairs) - true_positive - false_positive - false_negative
        assert (score.images, score.taken, score.right) == (
            true_positive + false_negative,
            true_positive + false_positive,
            true_positive,
        )
        assert score.accuracy == pytest.approx((true_positive + true_negative) / len(pairs))
        if true_positive + false_positive:
            assert score.precision == pytest.approx(true_positive / (true_positive + false_positive))
        else:
            assert score.precision is None
        if true_positive + false_negative and true_negative + false_positive:
            recall = true_positive / (true_positive + false_negative)
            specificity = true_negative / (true_negative + false_positive)
            assert score.recall == pytest.approx(recall)
            assert score.balanced_accuracy == pytest.approx((recall + specificity) / 2)
        else:
            assert score.balanced_accuracy is None
    assert scores[2].accuracy is None  # the network has no such output


def test_a_network_that_predicts_nothing_scores_nothing() -> None:
    (score,) = class_scores(["barn"], np.zeros(3, dtype=np.intp), np.full(3, NO_PREDICTION), OUTPUTS)
    assert (score.images, score.taken, score.accuracy) == (3, None, None)


@pytest.mark.parametrize(
    ("name", "outputs", "expected"),
    [
        ("barn", OUTPUTS, 1),
        ("n01440764", ["n01440764 tench, Tinca tinca", "n01443537 goldfish"], 0),
        ("street", ["street sign", "streetcar"], None),  # the first word of another class
        ("crane", ["crane", "crane"], None),  # ImageNet has two classes of this name: the output is ambiguous
        ("barn", [], None),
    ],
)
def test_a_class_finds_its_own_output_or_none(name: str, outputs: list[str], expected: int | None) -> None:
    assert output_of(name, outputs) == expected


def test_an_image_with_a_score_of_nan_has_no_prediction(tmp_path: Path) -> None:
    part = OutputPart(Shelf(Run(tmp_path), tmp_path).open("outputs", {}))
    part.observe([5, 2, 3, 0], torch.tensor([[0, 1, 2], [torch.nan] * 3, [torch.nan, 0, 1], [torch.inf, 0, 1]]))
    part.write(0, 1)
    found = ImagePredictions.read(part.shards, 6)
    assert found.strongest.tolist() == [0, -1, -1, -1, -1, 2]
    assert found.outputs == 3
