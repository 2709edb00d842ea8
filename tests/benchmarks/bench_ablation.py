"""The cost of removing every unit, compared with the bare forward passes over the same images: `nox -s bench`.

The results are ratios, not seconds, so that machines can be compared. Ratios of processor time are in parentheses after
those of wall time, because other work on the machine affects them less. Nothing here passes or fails.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from networks import squeezenet_places365
from PIL import Image
from safetensors.torch import load_file

from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.sets import remove_random_sets, remove_sets, sizes_below
from dissectory.analysis.experiments.class_ablation.units import remove_units
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tally.outcomes import Grouping, halves

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor, nn

    from dissectory.analysis.experiments.class_ablation.images import Batches

BATCH = 32
ROUNDS = 3
CLASSES = 10
"""Classes whose sets of units are removed."""


def photographs(assets: Path, count: int) -> Tensor:
    """Read scene photographs, roughly normalized for both networks: `(count, 3, 224, 224)`."""
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))
    views = [np.asarray(Image.open(path).convert("RGB").resize((224, 224))) for path in files[:: len(files) // count]]
    x = torch.from_numpy(np.stack(views[:count])).permute(0, 3, 1, 2).float() / 255
    return x - torch.tensor([0.4575, 0.4412, 0.4080])[:, None, None]


def squeezenet(assets: Path) -> nn.Module:
    module = squeezenet_places365.build()
    module.load_state_dict(load_file(assets / "classifiers/squeezenet_places365/weights.safetensors"))
    return module


def resnet(_assets: Path) -> nn.Module:
    torch.manual_seed(0)
    module: nn.Module = torchvision.models.resnet18(weights=None)
    return module


def in_batches(inputs: Tensor) -> Batches:
    return lambda: ((part, inputs[part]) for part in np.array_split(np.arange(len(inputs)), -(-len(inputs) // BATCH)))


def seconds(run: Callable[[], object]) -> np.ndarray:
    """Measure wall time and processor time."""
    start = np.array([time.perf_counter(), time.process_time()])
    run()
    spent: np.ndarray = np.array([time.perf_counter(), time.process_time()]) - start
    return spent


def told(ratio: np.ndarray) -> str:
    wall, processor = ratio
    return f"{wall:.2f} ({processor:.2f})"


def bare(module: nn.Module, batches: Batches) -> None:
    with torch.inference_mode():
        for _, inputs in batches():
            module(inputs)


@pytest.mark.parametrize(
    ("build", "layer", "images"),
    [
        pytest.param(squeezenet, "fire9", 128, id="SqueezeNet, fire9"),
        pytest.param(resnet, "layer4", 64, id="ResNet-18, layer4"),
        pytest.param(squeezenet, "fire8", 32, id="SqueezeNet, fire8"),
    ],
)
def test_cost_of_removing_every_unit(
    assets: Path, build: Callable[[Path], nn.Module], layer: str, images: int, request: pytest.FixtureRequest
) -> None:
    module = build(assets).eval().requires_grad_(requires_grad=False)
    inputs = photographs(assets, images)
    batches = in_batches(inputs)
    with torch.inference_mode():
        classes = torch.cat([module(part) for _, part in batches()]).argmax(dim=1).numpy()
    ranking = halves(classes, 0)
    plan = plan_removal(find_rest(module, layer, inputs), inputs[:2])
    split = SplitImages(batches, classes, ranking, Grouping.alike(module(inputs[:1]).shape[1]))
    remove_units(plan, dataclasses.replace(split, batches=in_batches(inputs[:BATCH])))  # compiles the kernels
    times = [
        (seconds(lambda: bare(module, batches)), seconds(lambda: remove_units(plan, split))) for _ in range(ROUNDS)
    ]
    cache = FeatureCache(plan.tail, split, 2e9)
    found = remove_units(plan, split, cache=cache)
    print(f"\n{request.node.callspec.id}: {images} images, {plan.tail.units} units, mode {plan.mode}: {plan.why}")
    print("  all units / bare forward passes      " + ", ".join(told(own / alone) for alone, own in times))
    print(f"  predictions by running on            {found.recomputed} of {images * plan.tail.units}")
    if plan.mode == "ranked":
        return
    orders = {int(output): found.order(output) for output in np.unique(classes)[:CLASSES]}
    sizes = sizes_below(plan.tail.units)
    alone = np.min([own for own, _ in times], axis=0)
    sets = seconds(lambda: remove_sets(cache, orders, sizes))
    drawn = seconds(lambda: remove_random_sets(cache, sizes, seed=0))
    print(f"  sets of {len(orders)} classes / bare             {told(sets / alone)}")
    print(f"  sets of 20 random orders / bare      {told(drawn / alone)}")
