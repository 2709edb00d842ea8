"""Ablation as slow and obvious as its definition: one full pass for each variant, one loop for each count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


def scores_without(module: nn.Module, layer: str, inputs: Tensor, units: Sequence[int]) -> np.ndarray:
    """A full pass in which a hook sets the units to zero everywhere: `(image, output)`."""

    def silence(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        edited = output.clone()
        for unit in units:
            edited[:, unit] = 0
        return edited

    handle = module.get_submodule(layer).register_forward_hook(silence)
    try:
        with torch.no_grad():
            return np.array(module(inputs).tolist(), dtype=np.float32)
    finally:
        handle.remove()


def first_maximum(scores: Sequence[float]) -> int:
    best = 0
    for place, score in enumerate(scores):
        if score > scores[best]:
            best = place
    return best


def predictions_without(module: nn.Module, layer: str, inputs: Tensor, units: Sequence[int]) -> list[int]:
    return [first_maximum(row) for row in scores_without(module, layer, inputs, units).tolist()]


def counts(predicted: Sequence[int], classes: Sequence[int], output: int) -> tuple[int, int, int, int]:
    """Images of a class, other images, images taken for it, and images of it among them."""
    images = others = taken = right = 0
    for said, own in zip(predicted, classes, strict=True):
        images += own == output
        others += own != output
        taken += said == output
        right += said == output and own == output
    return images, others, taken, right


def balanced_accuracy(predicted: Sequence[int], classes: Sequence[int], output: int) -> float:
    images, others, taken, right = counts(predicted, classes, output)
    if not images or not others:
        return float("nan")
    true_positive_rate = right / images
    true_negative_rate = (others - (taken - right)) / others
    return (true_positive_rate + true_negative_rate) / 2


def lead(scores: Sequence[float], output: int) -> float:
    return scores[output] - max(score for place, score in enumerate(scores) if place != output)


def detector(peaks: Sequence[float], positives: Sequence[bool]) -> tuple[float, int, int, float]:
    """The threshold with the best balanced accuracy, of equal ones the highest; taken, right, and that accuracy."""
    found = (float("nan"), 0, 0, -1.0)
    for threshold in sorted(set(peaks)):
        predicted = [int(peak > threshold) for peak in peaks]
        accuracy = balanced_accuracy(predicted, [int(positive) for positive in positives], 1)
        if accuracy > found[3] - 1e-12:
            right = sum(said and positive for said, positive in zip(predicted, positives, strict=True))
            found = (threshold, sum(predicted), right, accuracy)
    return found


def area(peaks: Sequence[float], positives: Sequence[bool]) -> float:
    """How often an image of the set has the higher peak of a pair."""
    wins, pairs = 0.0, 0
    for peak, positive in zip(peaks, positives, strict=True):
        for other, also in zip(peaks, positives, strict=True):
            if positive and not also:
                pairs += 1
                wins += 1 if peak > other else 0.5 if peak == other else 0
    return wins / pairs
