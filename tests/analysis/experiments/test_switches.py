"""Switchboards: the numbers that a browser loads, taken by their definition, answer as full passes do."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from reference import ablation as reference
from torch import nn

from dissectory.analysis.demo.networks import random_classifier
from dissectory.analysis.experiments.ablation.held import Holding
from dissectory.analysis.experiments.ablation.sets import remove_sets
from dissectory.analysis.experiments.ablation.units import plan_removal, remove_units
from dissectory.analysis.experiments.switches import COLUMNS, TILE, Counted, SwitchWriter
from dissectory.analysis.run import Run
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.switches import CONTENTS, SWITCHES, Board, LeftOut, Switches
from dissectory.analysis.tally.outcomes import halves
from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import Tensor

    from dissectory.analysis.experiments.ablation.held import Held
    from dissectory.analysis.experiments.ablation.units import Plan

IMAGES = 23
MISSING = 3
"""An image that could not be read."""
SIZES = (1, 2, 4)
NAMES = {0: "street", 2: "<b>bed</b>", 3: "street"}


class Skipping(nn.Module):
    """A layer with a skip connection around it: a removed unit is another one in every image."""

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
    """The end of SqueezeNet, with a rectifier that leaks."""
    end = [nn.Conv2d(6, 5, 1), nn.LeakyReLU(0.1), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()]
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), *end)


def mixed() -> nn.Module:
    """A convolution mixes the units before they are rectified and pooled."""
    end = [nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)]
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), *end)


@dataclasses.dataclass(frozen=True)
class World:
    """A network, its images, and all that was counted of a layer."""

    module: nn.Module
    layer: str
    inputs: Tensor
    classes: np.ndarray
    ranking: np.ndarray
    plan: Plan
    counted: Counted
    holding: Holding

    def batches(self) -> Iterator[tuple[np.ndarray, Tensor]]:
        numbers = np.setdiff1d(np.arange(IMAGES), MISSING)
        return ((part, self.inputs[part]) for part in np.array_split(numbers, 5))

    def held(self) -> Iterator[Held]:
        return self.holding.over(self.batches)


def counted_world(build: Callable[[], nn.Module], layer: str, side: int) -> World:
    torch.manual_seed(1)
    module = build().eval().requires_grad_(requires_grad=False)
    inputs = torch.randn(IMAGES, 3, side, side)
    classes = np.random.default_rng(0).choice([-1, 0, 2, 3], IMAGES)
    ranking = halves(classes, 0)
    plan = plan_removal(find_rest(module, layer, inputs), inputs[:2])
    numbers = np.setdiff1d(np.arange(IMAGES), MISSING)

    def batches() -> Iterator[tuple[np.ndarray, Tensor]]:
        return ((part, inputs[part]) for part in np.array_split(numbers, 5))

    holding = Holding(plan.stem, ~ranking, 2e4)
    found = remove_units(plan, batches, classes, ranking, holding=holding)
    orders = {output: found.order(output) for output in NAMES}
    curves = remove_sets(plan.stem, holding, batches, classes, orders, sizes=SIZES)
    return World(module, layer, inputs, classes, ranking, plan, Counted(found, curves, orders), holding)


def write(run: Run, world: World, megabytes: float = 8, counted: Counted | None = None) -> Switches:
    outputs = [f"output {place}" for place in range(world.module(world.inputs[:1]).shape[1])]
    writer = SwitchWriter(run, world.classes, NAMES, outputs)
    writer.add(world.layer, world.plan, world.held(), counted or world.counted, megabytes=megabytes)
    writer.write(lambda image: np.full((120, 120, 3), image, dtype=np.uint8))
    return Switches.read(run.folder / SWITCHES)


@pytest.fixture(
    params=[(random_classifier, "conv6", 96), (Skipping, "second", 9), (squeezing, "1", 9)],
    ids=["linear", "skip connection", "rectified"],
)
def world(request: pytest.FixtureRequest) -> World:
    return counted_world(*request.param)


def answers(folder: Path, board: Board, kept: list[int]) -> list[int]:
    """What each image is taken for with some units, by the definition of the folder's numbers."""
    content = np.fromfile(folder / board.file, dtype="<f4").astype(np.float64)
    sizes = list(itertools.accumulate(int(np.prod(shape)) for shape in board.shapes))
    base, weight, change = (
        part.reshape(shape) for part, shape in zip(np.split(content, sizes[:-1]), board.shapes, strict=True)
    )
    found = []
    for image in range(board.images):
        scores = []
        for output in range(board.outputs):
            total = 0.0
            for place in range(board.places):
                value = base[image if board.bases > 1 else 0, place, output]
                for unit in kept:
                    for part in range(board.parts) if board.places == 1 else [place]:
                        value += change[image, unit, part] * weight[unit, part if board.places == 1 else 0, output]
                total += value if board.mode == "linear" or value > 0 else board.slope * value
            scores.append(total / board.places)
        found.append(reference.first_maximum(scores))
    return found


def test_a_browser_answers_as_full_passes_do(tmp_path: Path, world: World) -> None:
    switches = write(Run(tmp_path), world)
    (board,) = switches.boards
    reporting = [image for image in range(IMAGES) if not world.ranking[image] and image != MISSING]
    assert list(switches.images) == reporting
    assert (board.layer, board.mode) == (world.layer, world.plan.mode)
    units = np.random.default_rng(2).permutation(board.units)
    for kept in ([*range(board.units)], [], units[:2].tolist(), units[3:].tolist()):
        removed = sorted(set(range(board.units)) - set(kept))
        expected = reference.predictions_without(world.module, world.layer, world.inputs[reporting], removed)
        assert answers(tmp_path / SWITCHES, board, kept) == expected


def test_what_is_written_is_compared_with_the_tables(tmp_path: Path, world: World) -> None:
    """Of the network as it is, without each unit, and along each curve: taken and right, and correct on curves."""
    (board,) = write(Run(tmp_path), world).boards
    of_units = 2 * len(NAMES) * (1 + board.units)
    assert (board.compared, board.differ) == (of_units + 3 * len(NAMES) * len(SIZES) * 2, 0)
    found, curves = world.counted.found, list(world.counted.curves)
    taken = found.without["reporting"].taken.copy()
    taken[1, 2] += 1
    without = {**found.without, "reporting": dataclasses.replace(found.without["reporting"], taken=taken)}
    correct = curves[1].correct.copy()
    correct[0] += 1
    curves[1] = dataclasses.replace(curves[1], correct=correct)
    wrong = dataclasses.replace(world.counted, found=dataclasses.replace(found, without=without), curves=curves)
    (board,) = write(Run(tmp_path / "wrong"), world, counted=wrong).boards
    assert board.differ == 1 + len(SIZES)


def test_only_images_with_an_own_base_have_one_each(tmp_path: Path, world: World) -> None:
    (board,) = write(Run(tmp_path), world).boards
    assert board.bases == (board.images if isinstance(world.module, Skipping) else 1)


def test_classes_and_their_pictures(tmp_path: Path, world: World) -> None:
    switches = write(Run(tmp_path), world)
    assert switches.classes == tuple(NAMES.values())
    assert [switches.stands[output] for output in range(4)] == [0, -1, 1, 2]
    outputs = [*NAMES, -1]
    assert [outputs[own] for own in switches.own] == world.classes[list(switches.images)].tolist()
    for number, output in enumerate(NAMES):
        shown = switches.shown(number)
        assert [world.classes[switches.images[place]] for place in shown] == [output] * len(shown) != []
        with Image.open(tmp_path / SWITCHES / Switches.sprite(number)) as sprite:
            assert sprite.size == (COLUMNS * TILE, TILE)
            pixels = np.asarray(sprite.convert("RGB")).astype(int)
        for place, image in enumerate(shown):
            assert abs(pixels[TILE // 2, place * TILE + TILE // 2] - switches.images[image]).max() <= 2


def test_what_is_too_large_is_left_out_and_it_is_said_how_large_it_is(tmp_path: Path) -> None:
    world = counted_world(squeezing, "1", 9)
    (board,) = write(Run(tmp_path), world).boards
    size = board.bytes * 4 / 3 / 1e6
    switches = write(Run(tmp_path / "small"), world, megabytes=0.9 * size)
    assert switches.boards == ()
    (left_out,) = switches.left_out
    assert left_out.reason.startswith(f"the page would have to load {size:.1f} MB, and may load ")
    assert [path.name for path in (tmp_path / "small" / SWITCHES).glob("*.f32")] == []
    assert len(write(Run(tmp_path / "large"), world, megabytes=1.1 * size).boards) == 1


def test_where_more_follows_than_a_sum_there_is_none(tmp_path: Path) -> None:
    world = counted_world(mixed, "1", 9)
    assert world.plan.mode == "exact"
    switches = write(Run(tmp_path), world)
    assert switches.boards == ()
    assert switches.left_out == (LeftOut("1", switches.left_out[0].reason),)
    assert "more of the network follows" in switches.left_out[0].reason


def test_a_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    write(Run(tmp_path), counted_world(squeezing, "1", 9))
    folder = tmp_path / SWITCHES
    (folder / "0.f32").write_bytes((folder / "0.f32").read_bytes()[:-4])
    with pytest.raises(RunError, match=r"0\.f32 is missing or cut short: run the study again"):
        Switches.read(folder)
    (folder / CONTENTS).write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="not of version 1"):
        Switches.read(folder)
