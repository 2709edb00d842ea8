"""An interrupted run resumes where it stopped, and ends with the tables of an uninterrupted run."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from networks import planted
from PIL import Image
from worlds.planted_world import draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.passes import Pass
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.resuming.fingerprint import Facts
from dissectory.analysis.run import Run
from dissectory.analysis.tables.catalog import all_tables
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path

    from dissectory.analysis.subjects.images import ViewBatch

Changes = dict[str, Mapping[str, object]]
SMALL: Changes = {"compute": {"memory_gb": 1e-9}}
"""So little memory that there is a shard for every batch."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "world"
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def whole(drawn: Path) -> Run:
    return dissect(study(drawn), drawn / "whole")


@pytest.fixture
def world(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the world that the test may change."""
    return shutil.copytree(drawn, tmp_path / "world", ignore=shutil.ignore_patterns("whole"))


def check_same(run: Run, other: Run) -> None:
    """Check that two runs have the same tables, bit for bit."""
    for name in all_tables():
        assert run.has(name) == other.has(name)
        if run.has(name):
            pd.testing.assert_frame_equal(run.table(name), other.table(name), check_exact=True)


KILLING = """
import os, signal, sys, time
from pathlib import Path

from worlds.planted_world import study

from dissectory.analysis.dissection import dissect

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
small = study(folder, compute={"memory_gb": 1e-9})  # a shard for every batch


def begun():
    child = os.fork()  # a fork loses all other threads: torch and the tally use a single one
    if child == 0:
        dissect(small, folder / "run")
        os._exit(0)
    return child


dissect(small, folder / "first")  # loads and compiles everything once
start = time.monotonic()
dissect(small, folder / "first")
lasted = time.monotonic() - start
killed = 0
for number in range(kills):
    child = begun()
    time.sleep(lasted * (number + 1) / kills * 0.95)
    os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] == signal.SIGKILL
assert os.waitpid(begun(), 0)[1] == 0
print(killed)
"""


def test_a_run_killed_a_dozen_times_ends_with_the_same_tables(world: Path, whole: Run) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLING, str(world), "12"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 6  # the later ones may have been too quick
    check_same(Run(world / "run"), whole)
    assert not (world / "run" / "progress").exists()
    assert not list((world / "run").rglob("*.part"))


class Stopped(BaseException):
    """Interrupts a run; like Ctrl-C, it is not an `Exception`."""


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images that a pass has observed, as a list that grows."""
    seen: list[int] = []
    plain = Pass._observe

    def counted(self: Pass, batch: ViewBatch, labeler: ThreadPoolExecutor) -> None:
        seen.extend(batch.images)
        plain(self, batch, labeler)

    monkeypatch.setattr(Pass, "_observe", counted)
    return seen


class Stopping(Silent):
    """Interrupts the run after some steps of the first stage, and records the lines and stages."""

    def __init__(self, after: int | None = None) -> None:
        self.after = after
        self.lines: list[str] = []
        self.stages: list[tuple[str, int]] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    @contextlib.contextmanager
    def stage(self, name: str, total: int, unit: str, done: int = 0) -> Iterator[Callable[[int], None]]:  # noqa: ARG002
        self.stages.append((name, done))
        left = self.after

        def advance(steps: int) -> None:
            nonlocal left
            if left is not None:
                left -= steps
                if left <= 0:
                    raise Stopped

        yield advance


def stopped(world: Path, after: int = 14, **changes: Mapping[str, object]) -> None:
    """Begin a run and interrupt it after some images."""
    with pytest.raises(Stopped):
        dissect(study(world, **SMALL, **changes), world / "run", Stopping(after))


def test_an_interrupted_run_resumes_and_says_so(world: Path, whole: Run, looked_at: list[int]) -> None:
    stopped(world)
    assert len(looked_at) == 14
    looked_at.clear()
    told = Stopping()
    run = dissect(study(world, **SMALL), world / "run", told)
    assert told.lines == ["Resuming: 14 of 30 images are done."]
    assert told.stages[0] == ("Dissecting", 14)
    assert len(looked_at) == 16
    check_same(run, whole)


def test_wall_time_of_earlier_starts_adds_up(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Pass._forward

    def slow(self: Pass, batch: ViewBatch, wanted: Sequence[str]) -> object:
        self._seconds["forward"] += 1000
        return plain(self, batch, wanted)

    monkeypatch.setattr(Pass, "_forward", slow)
    stopped(world)
    spent = dissect(study(world, **SMALL), world / "run").manifest.seconds
    assert 5000 <= spent["forward"] < 6000  # of five batches, two of them in the first start
    stopped(world)
    spent = dissect(study(world, **SMALL, dissection={"quantile": 0.05}), world / "run").manifest.seconds
    assert 5000 <= spent["forward"] < 6000  # the first start was in vain, and is not counted


def test_shards_are_reused_with_a_different_memory_limit(world: Path, whole: Run, looked_at: list[int]) -> None:
    stopped(world)
    looked_at.clear()
    run = dissect(study(world, compute={"workers": 1}), world / "run")
    assert len(looked_at) == 16
    check_same(run, whole)


@pytest.fixture
def threads() -> Iterator[int]:
    """The number of torch's threads, which is restored after the test."""
    usual = torch.get_num_threads()
    yield usual
    torch.set_num_threads(usual)


def test_nothing_is_reused_with_another_number_of_threads(world: Path, looked_at: list[int], threads: int) -> None:
    stopped(world)
    looked_at.clear()
    torch.set_num_threads(threads + 1)
    told = Stopping()
    run = dissect(study(world, **SMALL), world / "run", told)
    (line,) = told.lines
    assert line == (
        "Changed since the last start: the number of threads. Measured again: activations of detectors, activations of "
        "coarse and label maps. Reused: nothing."
    )
    assert len(looked_at) == 30
    check_same(run, dissect(study(world), world / "fresh"))


def test_nothing_is_reused_on_another_device(world: Path) -> None:
    setting = open_setting(study(world))
    here, there = (Facts.of(replace(setting, device=torch.device(device)), "5f0c") for device in ("cpu", "meta"))
    layer = setting.layers[0]
    for own, other in (
        (here.labels, there.labels),
        (here.outputs, there.outputs),
        (here.of_layer(layer), there.of_layer(layer)),
        (here.of_information(layer), there.of_information(layer)),
    ):
        assert [name for name in own if own[name] != other[name]] == ["the device"]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "half written"])
@pytest.mark.parametrize("part", ["labels/labels", "network/outputs", "network/layer"])
def test_a_damaged_shard_is_measured_again(
    world: Path, whole: Run, looked_at: list[int], damage: str, part: str
) -> None:
    stopped(world, after=21)
    looked_at.clear()
    shard = sorted((world / "run" / "progress").glob(f"{part}-*/*.shard"))[1]
    content = bytearray(shard.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "changed":
        content[-3] ^= 1
    elif damage == "empty":
        content.clear()
    if damage == "half written":
        shard.rename(shard.with_name(f".{shard.name}.part"))
    else:
        shard.write_bytes(content)
    run = dissect(study(world, **SMALL), world / "run")
    assert len(looked_at) == 7 + 9
    check_same(run, whole)


@pytest.mark.parametrize("name", ["readme.shard", "0000000-x.shard", "0000003.shard", ".DS_Store", "folder"])
def test_files_that_are_not_shards_are_removed(world: Path, whole: Run, looked_at: list[int], name: str) -> None:
    stopped(world)
    folder = next((world / "run" / "progress").glob("labels/labels-*"))
    (folder / name).mkdir() if name == "folder" else (folder / name).write_text("not mine")
    looked_at.clear()
    run = dissect(study(world, **SMALL), world / "run")
    assert len(looked_at) == 16
    check_same(run, whole)


def test_progress_is_removed_unless_the_study_keeps_it(world: Path, looked_at: list[int]) -> None:
    dissect(study(world), world / "run")
    assert not (world / "run" / "progress").exists()
    keeping = study(world, compute={"keep_progress": True})
    dissect(keeping, world / "run")
    assert (world / "run" / "progress").is_dir()
    looked_at.clear()
    run = dissect(study(world, dissection={"iou_threshold": 0.5}), world / "run")
    assert looked_at == []
    assert not run.table("units").matched.equals(run.table("units").iou > 0.04)
    assert not (world / "run" / "progress").exists()


def other_quantile(_: Path) -> Changes:
    return {"dissection": {"quantile": 0.05}}


def other_weights(world: Path) -> Changes:
    network = planted.build()
    network.detectors.colors += 0.01
    torch.save(network.state_dict(), world / "weights.pt")
    return {"model": {"weights": "weights.pt"}}


def other_source(_: Path) -> Changes:
    return {"model": {"source": f"python:{planted.__file__}:build_dimmed"}}


def another_layer(_: Path) -> Changes:
    return {"model": {"layers": ["detectors", "coarse", "damage"]}}


def other_pixels(world: Path) -> Changes:
    path = world / "photos" / "odd" / "05.png"
    before = path.stat()
    Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
    with path.open("r+b") as file:
        file.truncate(before.st_size)  # as large as before, and as old
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    return {}


def another_label_map(world: Path) -> Changes:
    path = world / "labels" / "05.png"
    Image.open(path).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(path)
    return {}


def other_colors(_: Path) -> Changes:
    return {"images": {"std": [0.9, 1, 1]}}


def autocast(_: Path) -> Changes:
    return {"compute": {"autocast": True}}


def another_grid(_: Path) -> Changes:
    return {"dissection": {"grid": 8}}


def nothing(_: Path) -> Changes:
    return {"dissection": {"iou_threshold": 0.5}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            other_quantile,
            (
                "dissection.quantile. Measured again: activations of detectors and activations of coarse. "
                "Reused: label maps."
            ),
        ),
        (other_weights, "the network's weights. Measured again: activations of detectors and activations of coarse."),
        (
            autocast,
            (
                "compute.autocast. Measured again: activations of detectors and activations of coarse. "
                "Reused: label maps."
            ),
        ),
        (other_source, "model.source. Measured again: activations of detectors and activations of coarse."),
        (
            another_layer,
            (
                "model.layers. Measured again: activations of damage. "
                "Reused: activations of detectors, activations of coarse and label maps."
            ),
        ),
        (
            other_pixels,
            (
                "the images. Measured again: activations of detectors, activations of coarse and label maps. "
                "Reused: nothing."
            ),
        ),
        (
            another_label_map,
            ("the concepts. Measured again: label maps. Reused: activations of detectors and activations of coarse."),
        ),
        (
            other_colors,
            "mean and std of [images]. Measured again: activations of detectors and activations of coarse.",
        ),
        (
            another_grid,
            "dissection.grid. Measured again: activations of detectors, activations of coarse and label maps.",
        ),
        (nothing, None),
    ],
    ids=lambda value: value.__name__.replace("_", " ") if callable(value) else "",
)
def test_only_parts_that_depend_on_a_change_are_measured_again(
    world: Path, change: Callable[[Path], Changes], told: str | None
) -> None:
    dissect(study(world, compute={"keep_progress": True}), world / "run")
    changes = change(world)
    heard = Stopping()
    run = dissect(study(world, **changes), world / "run", heard)
    assert len(heard.lines) == (told is not None)
    assert (told or "") in "".join(heard.lines)
    check_same(run, dissect(study(world, **changes), world / "fresh"))
