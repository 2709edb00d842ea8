"""A whole study through the tally on a device, with tensors on the CPU, against the compiled tally."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from worlds import drawn_world
from worlds.planted_world import IMAGES, draw, study

from dissectory.analysis.dissection import Dissection, dissect
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.resuming.shards import PROGRESS
from dissectory.analysis.run import Run
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tally.backends import OnDevice
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.study.study import Study

CPU = torch.device("cpu")
NOISE = 5
SUMMED = {"mean", "std", "image_mean", "image_std"}
"""Columns whose last digits depend on the order of a sum."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


def asked(folder: Path, device: str = "cpu") -> Study:
    return study(folder, dissection={"information_ratio": True}, compute={"device": device})


@pytest.fixture(scope="module")
def compiled(folder: Path) -> Run:
    return dissect(asked(folder), folder / "run")


def on_device(values: Study, folder: Path, memory: int = 10**9) -> Run:
    """Dissect with the backend of CUDA devices."""
    run = Run(folder)
    run.prepare()
    setting = replace(open_setting(values), tally=OnDevice(CPU, memory, torch.get_num_threads()))
    Dissection(run, setting, folder / PROGRESS).make(Silent())
    return Run(folder)


def check_same(run: Run, other: Run) -> None:
    for name in all_tables():
        assert run.has(name) == other.has(name)
        if run.has(name):
            one, two = run.table(name), other.table(name)
            rounded = [column for column in one if column in SUMMED]
            pd.testing.assert_frame_equal(one.drop(columns=rounded), two.drop(columns=rounded), check_exact=True)
            pd.testing.assert_frame_equal(one[rounded], two[rounded], rtol=1e-6)


@pytest.mark.parametrize("memory", [1, 50_000, 10**9])
def test_tables_equal_those_of_the_compiled_tally(compiled: Run, folder: Path, tmp_path: Path, memory: int) -> None:
    run = on_device(asked(folder), tmp_path, memory)
    check_same(run, compiled)
    assert (compiled.manifest.model["tally"], run.manifest.model["tally"]) == ("compiled", "device")


def test_a_generator_has_the_same_tables(tmp_path: Path) -> None:
    values = drawn_world.study(tmp_path, compute={"device": "cpu"})
    check_same(on_device(values, tmp_path / "device"), dissect(values, tmp_path / "compiled"))


def test_a_batch_that_does_not_fit_runs_in_halves(
    compiled: Run, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device whose memory holds the network's activations of three images."""
    setting = open_setting(asked(folder))
    module, sizes = setting.model.module, []
    forward = module.forward

    def limited(x: torch.Tensor) -> object:
        sizes.append(len(x))
        answer: object = forward(x)
        if len(x) > 3:
            raise torch.OutOfMemoryError
        return answer

    monkeypatch.setattr(module, "forward", limited)
    run = Run(tmp_path)
    run.prepare()
    Dissection(run, setting, tmp_path / PROGRESS).make(Silent())
    check_same(Run(tmp_path), compiled)
    assert max(sizes) == 7
    assert sum(size for size in sizes if size <= 3) >= IMAGES


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_counts_on_cuda_equal_those_on_the_cpu(compiled: Run, folder: Path, tmp_path: Path) -> None:
    """Activations differ in their last digits, on which only the counts of the unit of noise depend."""
    run = dissect(asked(folder, "cuda"), tmp_path / "run")
    assert run.manifest.model["tally"] == "device"
    for name, counted in (("units", ["concept", "active"]), ("unit_concepts", ["concept", "intersection", "union"])):
        one, two = (table[table.unit != NOISE] for table in (run.table(name), compiled.table(name)))
        pd.testing.assert_frame_equal(one[counted], two[counted], check_exact=True)
