"""Small networks whose units were removed: the results of a layer, and the files of its switchboard."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
from dissectory.analysis.experiments.class_ablation.classes import ImageClasses
from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.removals import LayerRemovals
from dissectory.analysis.experiments.class_ablation.sets import remove_sets
from dissectory.analysis.experiments.class_ablation.switch_writer import SwitchWriter
from dissectory.analysis.experiments.class_ablation.switches import SWITCHES, Switches
from dissectory.analysis.experiments.class_ablation.units import remove_units
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tally.outcomes import Grouping, halves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from dissectory.analysis.run import Run

IMAGES = 23
MISSING = 3
"""The number of an image that could not be read."""
SIZES = (1, 2, 4)
NAMES = {0: "street", 1: "<b>bed</b>", 2: "field"}
STANDS = (2, 0, 1, 0)
"""The class that each of the first outputs stands for, one class twice; all other outputs stand for none."""


class Skipping(nn.Module):
    """A layer with a skip connection around it, so the features of a removed unit differ between images."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6 * 4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x).relu()
        x = (self.second(x) + x).relu_()
        out: Tensor = self.head(nn.functional.adaptive_avg_pool2d(x, 2).flatten(1))
        return out


def squeezing() -> nn.Module:
    """The end of SqueezeNet, with a leaky rectifier."""
    end = [nn.Conv2d(6, 5, 1), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), *end)


def mixed() -> nn.Module:
    """A convolution mixes the units before they are rectified and pooled."""
    end = [nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)]
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), *end)


@dataclasses.dataclass(frozen=True)
class World:
    """A network, its images, and the results of a layer."""

    module: nn.Module
    layer: str
    inputs: Tensor
    removals: LayerRemovals
    cache: FeatureCache

    @property
    def classes(self) -> np.ndarray:
        return self.cache.images.classes

    @property
    def grouping(self) -> Grouping:
        return self.cache.images.grouping

    @property
    def reporting(self) -> list[int]:
        """The numbers of the readable images in the reporting split."""
        return [image for image in range(IMAGES) if not self.cache.images.ranking[image] and image != MISSING]


def in_batches(inputs: Tensor) -> Iterator[tuple[np.ndarray, Tensor]]:
    numbers = np.setdiff1d(np.arange(IMAGES), MISSING)
    return ((part, inputs[part]) for part in np.array_split(numbers, 5))


def count(build: Callable[[], nn.Module], layer: str, side: int) -> World:
    torch.manual_seed(1)
    module = build().eval().requires_grad_(requires_grad=False)
    inputs = torch.randn(IMAGES, 3, side, side)
    classes = np.random.default_rng(0).choice([-1, *NAMES], IMAGES)
    ranking = halves(classes, 0)
    outputs = module(inputs[:1]).shape[1]
    grouping = Grouping(np.array([*STANDS, *(outputs - len(STANDS)) * [-1]]), len(NAMES))
    plan = plan_removal(find_rest(module, layer, inputs), inputs[:2])
    images = SplitImages(partial(in_batches, inputs), classes, ranking, grouping)
    cache = FeatureCache(plan.tail, images, 2e4)  # some images are cached, and some are not
    units = remove_units(plan, images, cache=cache)
    orders = {number: units.order(number) for number in NAMES}
    removals = LayerRemovals(units, orders, remove_sets(cache, orders, SIZES))
    return World(module, layer, inputs, removals, cache)


def write(
    run: Run, world: World, megabytes: float = 8, removals: LayerRemovals | None = None, layer: str = ""
) -> Switches:
    outputs = [f"output {place}" for place in range(len(world.grouping.class_of))]
    classes = ImageClasses("folders", world.classes, NAMES, list(NAMES.values()), outputs, world.grouping)
    writer = SwitchWriter(run, classes)
    writer.add(layer or world.layer, removals or world.removals, world.cache.batches(), megabytes=megabytes)
    writer.write(lambda image: np.full((120, 120, 3), image, dtype=np.uint8))
    return Switches.read(run.folder / SWITCHES)
