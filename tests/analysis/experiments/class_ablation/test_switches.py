"""Switchboards: the numbers that a browser loads give, by definition, the predictions of full forward passes."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from reference import ablation as reference
from worlds import removed_units

from dissectory.analysis.demo.networks import random_classifier
from dissectory.analysis.experiments.class_ablation.switch_writer import COLUMNS, TILE
from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, SWITCHES, Board, LeftOut, Switches
from dissectory.analysis.run import Run
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(
    params=[(random_classifier, "conv6", 96), (removed_units.Skipping, "second", 9), (removed_units.squeezing, "1", 9)],
    ids=["linear", "skip connection", "rectified"],
)
def world(request: pytest.FixtureRequest) -> removed_units.World:
    return removed_units.count(*request.param)


def answers(folder: Path, board: Board, kept: list[int]) -> list[int]:
    """Predict each image with only some units kept, by the definition of the folder's numbers."""
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


def test_a_browser_predicts_as_full_passes_do(tmp_path: Path, world: removed_units.World) -> None:
    switches = removed_units.write(Run(tmp_path), world)
    (board,) = switches.boards
    reporting = world.reporting
    assert list(switches.images) == reporting
    assert (board.layer, board.mode) == (world.layer, world.removals.units.plan.mode)
    assert board.orders == tuple(tuple(world.removals.orders[number].tolist()) for number in removed_units.NAMES)
    units = np.random.default_rng(2).permutation(board.units)
    for kept in ([*range(board.units)], [], units[:2].tolist(), units[3:].tolist()):
        removed = sorted(set(range(board.units)) - set(kept))
        expected = reference.predictions_without(world.module, world.layer, world.inputs[reporting], removed)
        assert answers(tmp_path / SWITCHES, board, kept) == expected


def test_the_numbers_are_compared_with_the_tables(tmp_path: Path, world: removed_units.World) -> None:
    """Counts of the unchanged network, without each unit, and along each curve: taken, right, and correct on curves."""
    (board,) = removed_units.write(Run(tmp_path), world).boards
    of_units = 2 * len(removed_units.NAMES) * (1 + board.units)
    assert (board.compared, board.differ) == (of_units + 3 * len(removed_units.NAMES) * len(removed_units.SIZES) * 2, 0)
    units, curves = world.removals.units, list(world.removals.curves)
    taken = units.without["reporting"].taken.copy()
    taken[1, 2] += 1
    without = {**units.without, "reporting": dataclasses.replace(units.without["reporting"], taken=taken)}
    correct = curves[1].correct.copy()
    correct[0] += 1
    curves[1] = dataclasses.replace(curves[1], correct=correct)
    wrong = dataclasses.replace(world.removals, units=dataclasses.replace(units, without=without), curves=curves)
    (board,) = removed_units.write(Run(tmp_path / "wrong"), world, removals=wrong).boards
    assert board.differ == 1 + len(removed_units.SIZES)


def test_images_share_a_base_if_it_is_the_same(tmp_path: Path, world: removed_units.World) -> None:
    (board,) = removed_units.write(Run(tmp_path), world).boards
    assert board.bases == (board.images if isinstance(world.module, removed_units.Skipping) else 1)


def test_classes_and_their_pictures(tmp_path: Path, world: removed_units.World) -> None:
    switches = removed_units.write(Run(tmp_path), world)
    assert switches.classes == tuple(removed_units.NAMES.values())
    assert switches.stands[: len(removed_units.STANDS)] == removed_units.STANDS
    assert set(switches.stands[len(removed_units.STANDS) :]) <= {-1}
    assert list(switches.own) == world.classes[list(switches.images)].tolist()
    for number in removed_units.NAMES:
        shown = switches.shown(number)
        assert [world.classes[switches.images[place]] for place in shown] == [number] * len(shown) != []
        with Image.open(tmp_path / SWITCHES / Switches.sprite(number)) as sprite:
            assert sprite.size == (COLUMNS * TILE, TILE)
            pixels = np.asarray(sprite.convert("RGB")).astype(int)
        for place, image in enumerate(shown):
            assert abs(pixels[TILE // 2, place * TILE + TILE // 2] - switches.images[image]).max() <= 2


def test_a_layer_with_too_many_numbers_is_left_out_with_its_size(tmp_path: Path) -> None:
    world = removed_units.count(removed_units.squeezing, "1", 9)
    (board,) = removed_units.write(Run(tmp_path), world).boards
    size = board.bytes * 4 / 3 / 1e6
    switches = removed_units.write(Run(tmp_path / "small"), world, megabytes=0.9 * size)
    assert switches.boards == ()
    (left_out,) = switches.left_out
    assert left_out.reason.startswith(f"the page would have to load {size:.1f} MB, and at most ")
    assert [path.name for path in (tmp_path / "small" / SWITCHES).iterdir()] == [CONTENTS]
    assert len(removed_units.write(Run(tmp_path / "large"), world, megabytes=1.1 * size).boards) == 1


def test_a_layer_that_needs_more_than_a_sum_is_left_out(tmp_path: Path) -> None:
    world = removed_units.count(removed_units.mixed, "1", 9)
    assert world.removals.units.plan.mode == "exact"
    switches = removed_units.write(Run(tmp_path), world)
    assert switches.boards == ()
    assert switches.left_out == (LeftOut("1", switches.left_out[0].reason),)
    assert "is more than a sum over its units" in switches.left_out[0].reason


def test_a_file_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    removed_units.write(Run(tmp_path), removed_units.count(removed_units.squeezing, "1", 9))
    contents = tmp_path / SWITCHES / CONTENTS
    contents.write_text(contents.read_text(encoding="utf-8").replace("0.f32", "../0.f32"), encoding="utf-8")
    with pytest.raises(RunError, match=r"names the file \.\./0\.f32, which is not in its folder"):
        Switches.read(tmp_path / SWITCHES)


def test_a_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    removed_units.write(Run(tmp_path), removed_units.count(removed_units.squeezing, "1", 9))
    folder = tmp_path / SWITCHES
    (folder / "0.f32").write_bytes((folder / "0.f32").read_bytes()[:-4])
    with pytest.raises(RunError, match=r"0\.f32 is missing or cut short: run the study again"):
        Switches.read(folder)
    (folder / CONTENTS).write_text("{}", encoding="utf-8")
    with pytest.raises(RunError, match="not of version 1"):
        Switches.read(folder)
