"""The ablation of a classifier, compared with full forward passes without single units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from networks import dependent, squeezenet_places365
from reference import ablation as reference
from torch import nn

from dissectory.analysis.demo.networks import random_classifier
from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
from dissectory.analysis.experiments.class_ablation.estimate import estimate_lead_drops
from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.sets import (
    MODES,
    SIZES,
    remove_random_sets,
    remove_sets,
    sizes_below,
)
from dissectory.analysis.experiments.class_ablation.units import SPLITS, remove_units
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tally.outcomes import Grouping, halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from dissectory.analysis.experiments.class_ablation.images import Batches
    from dissectory.analysis.experiments.class_ablation.plan import Plan

BATCH = 5


def in_batches(inputs: Tensor, missing: tuple[int, ...] = ()) -> Batches:
    """Make batches of all images except the missing ones."""
    numbers = np.setdiff1d(np.arange(len(inputs)), missing)
    return lambda: ((part, inputs[part]) for part in np.array_split(numbers, -(-len(numbers) // BATCH)))


class Mixed(nn.Module):
    """A layer whose units are mixed at once, by a convolution with a skip connection around it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        x = self.second(x).relu_() + x
        out: Tensor = self.head(x.amax(dim=(2, 3)))
        return out


class Skipping(nn.Module):
    """A layer with a skip connection around it; a norm and a rectifier follow before its units are mixed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.norm.running_mean, self.norm.running_var = torch.rand(6) - 0.5, torch.rand(6) + 0.5
        self.head = nn.Linear(6 * 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        x = self.norm(self.second(x) + x).relu_()
        out: Tensor = self.head(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))
        return out


def squeezing() -> nn.Module:
    """The end of torchvision's SqueezeNet, with few units."""
    end = [nn.Conv2d(6, 5, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(), *end)


NETWORKS: list[tuple[str, Callable[[], nn.Module], str, int, str]] = [
    ("demo's last layer", random_classifier, "conv6", 96, "linear"),
    ("skip connection", Skipping, "second", 9, "linear"),
    ("squeezenet's end", squeezing, "1", 9, "rectified"),
    ("before its rectifier", squeezing, "0", 9, "rectified"),
    ("convolution after", Mixed, "first", 9, "exact"),
    ("skip around", Mixed, "second", 9, "exact"),
]
every_network = pytest.mark.parametrize(
    ("build", "layer", "side", "mode"), [case[1:] for case in NETWORKS], ids=[case[0] for case in NETWORKS]
)


def opened(build: Callable[[], nn.Module], layer: str, side: int, images: int) -> tuple[nn.Module, Tensor, Plan]:
    torch.manual_seed(1)
    module = build().eval().requires_grad_(requires_grad=False)
    inputs = torch.randn(images, 3, side, side)
    return module, inputs, plan_removal(find_rest(module, layer, inputs), inputs[:2])


@every_network
def test_removed_units_are_those_of_full_passes(
    build: Callable[[], nn.Module], layer: str, side: int, mode: str
) -> None:
    module, inputs, plan = opened(build, layer, side, 17)
    assert plan.mode == mode
    outputs = module(inputs).shape[1]
    classes = np.random.default_rng(0).integers(-1, outputs, 17)
    ranking = halves(classes, 0)
    given = SplitImages(in_batches(inputs, (3,)), classes, ranking, Grouping.alike(outputs))
    found = remove_units(plan, given)
    seen = np.setdiff1d(np.arange(17), 3)
    before = np.array(module(inputs).tolist())
    assert np.isnan(found.peaks[3]).all()
    for unit in range(0, plan.tail.units, max(1, plan.tail.units // 8)):
        after = reference.scores_without(module, layer, inputs, [unit])
        predicted = [reference.first_maximum(row) for row in after.tolist()]
        for split, of in zip(SPLITS, (ranking, ~ranking), strict=True):
            images = [image for image in seen if of[image]]
            said, own = [predicted[image] for image in images], [int(classes[image]) for image in images]
            for output in range(outputs):
                outcome = found.without[split]
                counted = (
                    outcome.images[output], outcome.others[output],
                    outcome.taken[unit, output], outcome.right[unit, output],
                )  # fmt: skip
                assert counted == reference.counts(said, own, output)
                now = reference.balanced_accuracy(said, own, output)
                then = reference.balanced_accuracy(
                    [reference.first_maximum(before[image]) for image in images], own, output
                )
                assert found.drop(split)[unit, output] == pytest.approx(then - now, nan_ok=True)
                falls = [
                    reference.lead(before[image], output) - reference.lead(after[image], output)
                    for image in images
                    if classes[image] == output
                ]
                expected = np.mean(falls) if falls else np.nan
                assert found.lead_drops[split][unit, output] == pytest.approx(expected, abs=1e-5, nan_ok=True)


@every_network
def test_scores_without_a_unit_are_those_of_full_passes(
    build: Callable[[], nn.Module], layer: str, side: int, mode: str
) -> None:
    module, inputs, plan = opened(build, layer, side, 3)
    with torch.no_grad():
        point, answer = plan.tail.rest.run(inputs)
        cut, silent = plan.tail.split(point)
        removed = np.eye(plan.tail.units, dtype=np.bool_)
        run_on = [
            plan.tail.without(cut, silent, np.full(len(removed), image), removed).numpy()
            for image in range(len(inputs))
        ]
    ways = [np.array(run_on)]
    if mode != "exact":
        assert plan.tail.head is not None
        ways.append(plan.tail.head.scores_without_units(plan.tail.features(cut, silent, answer)))
    for unit in range(0, plan.tail.units, max(1, plan.tail.units // 8)):
        expected = reference.scores_without(module, layer, inputs, [unit])
        for scores in ways:
            np.testing.assert_allclose(scores[:, unit], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@every_network
def test_removed_sets_are_those_of_full_passes(
    build: Callable[[], nn.Module], layer: str, side: int, mode: str
) -> None:
    del mode
    module, inputs, plan = opened(build, layer, side, 13)
    outputs = module(inputs).shape[1]
    generator = np.random.default_rng(0)
    classes = generator.integers(-1, outputs, 13)
    wanted = np.arange(13) % 3 > 0
    orders = {output: generator.permutation(plan.tail.units) for output in (0, 2)}
    sizes = (0, 1, 2, 5, plan.tail.units)
    given = SplitImages(in_batches(inputs), classes, ~wanted, Grouping.alike(outputs))
    curves = remove_sets(FeatureCache(plan.tail, given, 0), orders, sizes)
    own = [int(value) for value in classes[wanted]]
    for curve in curves:
        for mode_place, name in enumerate(MODES):
            for place, size in enumerate(sizes):
                first = set(orders[curve.output][:size].tolist())
                removed = [unit for unit in range(plan.tail.units) if (unit in first) == (name == "remove")]
                said = reference.predictions_without(module, layer, inputs[wanted], removed)
                images, others, taken, right = reference.counts(said, own, curve.output)
                assert (curve.images, curve.others) == (images, others)
                assert (curve.taken[mode_place, place], curve.right[mode_place, place]) == (taken, right)
                assert curve.labelled == sum(value >= 0 for value in own)
                assert curve.correct[mode_place, place] == sum(a == b for a, b in zip(said, own, strict=True))
                assert curve.balanced_accuracy[mode_place, place] == pytest.approx(
                    reference.balanced_accuracy(said, own, curve.output), nan_ok=True
                )


@pytest.mark.parametrize("end", ["linear", "rectified", "smooth", "ranked"])
def test_planted_units_rank_first(end: str) -> None:
    module = dependent.build("smooth" if end == "ranked" else end)
    classes = np.arange(40) % dependent.CLASSES
    classes[-2:] = -1
    inputs = dependent.pictures(torch.from_numpy(classes))
    rest = find_rest(module, "units", inputs)
    plan = plan_removal(rest, inputs[:2], 0 if end == "ranked" else 64)
    assert plan.mode == {"smooth": "exact"}.get(end, end)
    ranking = halves(classes, 0)
    images = SplitImages(in_batches(inputs), classes, ranking, Grouping.alike(module(inputs).shape[1]))
    cache = FeatureCache(plan.tail, images, 1e9)
    found = remove_units(plan, images, best=3, cache=cache)
    orders = {output: found.order(output) for output in range(dependent.CLASSES)}
    for output, order in orders.items():
        planted = dependent.units_of(output)
        assert set(order[:3].tolist()) == planted
        for unit in range(dependent.UNITS):
            if found.removed[unit]:
                expected = 0.5 if unit in planted else 0
                assert found.drop("ranking")[unit, output] == pytest.approx(expected)
                assert found.drop("reporting")[unit, output] == pytest.approx(expected)
    assert found.removed.sum() == (12 if end == "ranked" else 20)
    curves = remove_sets(cache, orders, sizes_below(dependent.UNITS))
    for curve in curves:
        assert curve.sizes == (1, 2, 3, 4, 5)
        remove, keep = curve.balanced_accuracy
        assert remove[curve.sizes.index(3)] == 0.5
        assert keep[curve.sizes.index(3)] == pytest.approx(found.original["reporting"].balanced_accuracy[curve.output])
        assert keep[0] == keep[1] == 0.5
    random = remove_random_sets(cache, (1, 20), seed=0, draws=30)
    mean, low, high = random.interval(0)
    assert low[0, 0] == 0.5 < mean[0, 0] <= high[0, 0] == 1.0  # three of the twenty units decide
    assert mean[0, 1] == mean[1, 0] == 0.5
    assert mean[1, 1] == 1.0


def test_equal_scores_are_decided_as_the_network_decides() -> None:
    """Without the only unit, all scores of an image are equal: the first class is predicted, despite rounding."""
    torch.manual_seed(0)
    end = nn.Linear(7, 6)
    end.load_state_dict({"weight": torch.randn(6, 7), "bias": torch.full((6,), 0.1)})
    module = nn.Sequential(nn.Identity(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), end).eval()
    module.requires_grad_(requires_grad=False)
    inputs = torch.eye(7)[:, :, None, None] * torch.rand(1, 1, 3, 3)
    plan = plan_removal(find_rest(module, "0", inputs), inputs)
    assert plan.mode == "linear"
    classes, ranking = np.zeros(7, dtype=np.int64), np.ones(7, dtype=np.bool_)
    found = remove_units(plan, SplitImages(in_batches(inputs), classes, ranking, Grouping.alike(6)))
    assert found.recomputed == 7
    unchanged = np.array(reference.predictions_without(module, "0", inputs, []))
    expected = (unchanged == 0).sum() + (unchanged != 0)
    np.testing.assert_array_equal(found.without["ranking"].taken[:, 0], expected)


def test_cached_images_and_others_have_the_same_results() -> None:
    module, inputs, plan = opened(random_classifier, "conv6", 96, 20)
    outputs, classes = module(inputs).shape[1], np.arange(20) % 10
    ranking = halves(classes, 1)
    orders = {0: np.arange(128), 7: np.arange(128)[::-1]}
    results = []
    for budget in (0, 3_000, 1e9):
        passes = 0

        def counting() -> Iterable[tuple[np.ndarray, Tensor]]:
            nonlocal passes
            passes += 1
            return in_batches(inputs)()

        images = SplitImages(counting, classes, ranking, Grouping.alike(outputs))
        cache = FeatureCache(plan.tail, images, budget)
        remove_units(plan, images, cache=cache)
        curves = remove_sets(cache, orders, SIZES[:6])
        results.append([(curve.taken.tolist(), curve.right.tolist(), curve.correct.tolist()) for curve in curves])
        assert passes == (2 if budget < 1e9 else 1)
    assert results[0] == results[1] == results[2]


def test_a_network_that_cannot_be_traced_runs_in_full_and_the_plan_says_why() -> None:
    class Wilful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            x = x.relu() if x.sum() != 0 else x
            out: Tensor = self.head(x.mean(dim=(2, 3)))
            return out

    module, inputs, plan = opened(Wilful, "conv", 8, 9)
    assert plan.mode == "exact"
    assert "cannot be traced" in plan.why
    classes = np.arange(9) % 3
    ranking = np.ones(9, dtype=np.bool_)
    found = remove_units(plan, SplitImages(in_batches(inputs), classes, ranking, Grouping.alike(3)))
    for unit in range(4):
        said = reference.predictions_without(module, "conv", inputs, [unit])
        for output in range(3):
            counted = found.without["ranking"].taken[unit, output], found.without["ranking"].right[unit, output]
            assert counted == reference.counts(said, classes.tolist(), output)[2:]


def of_torchvision(name: str) -> Callable[[], nn.Module]:
    return lambda: torchvision.models.get_model(name, weights=None)


@pytest.mark.parametrize(
    ("build", "layer", "side", "mode"),
    [
        (squeezenet_places365.build, "fire9", 64, "rectified"),
        (squeezenet_places365.build, "fire8", 64, "ranked"),
        (of_torchvision("squeezenet1_1"), "features.12", 64, "rectified"),
        (of_torchvision("resnet18"), "layer4", 64, "linear"),
        (of_torchvision("resnet18"), "layer4.1.conv2", 64, "linear"),
        (of_torchvision("mobilenet_v3_small"), "features.12", 128, "exact"),  # two linear layers behind
    ],
)
def test_networks_get_the_mode_that_fits(build: Callable[[], nn.Module], layer: str, side: int, mode: str) -> None:
    torch.manual_seed(0)
    module = build().eval().requires_grad_(requires_grad=False)
    inputs = torch.randn(2, 3, side, side)
    plan = plan_removal(find_rest(module, layer, inputs), inputs)
    assert plan.mode == mode
    assert plan.why


def test_the_first_order_estimate_is_that_of_small_changes() -> None:
    """For a network that is linear on these images, the estimate is the drop itself."""
    module = dependent.build("linear")
    classes = np.arange(12) % dependent.CLASSES
    inputs = dependent.pictures(torch.from_numpy(classes))
    plan = plan_removal(find_rest(module, "units", inputs), inputs)
    ranking, grouping = np.ones(12, dtype=np.bool_), Grouping.alike(module(inputs).shape[1])
    estimate = estimate_lead_drops(plan.tail, SplitImages(in_batches(inputs), classes, ranking, grouping))
    for output in range(dependent.CLASSES):
        for unit in range(dependent.UNITS):
            assert estimate[unit, output] == pytest.approx(0.5 if unit in dependent.units_of(output) else 0, abs=1e-6)
