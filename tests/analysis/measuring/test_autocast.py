"""A study with `compute.autocast`, on the CPU: the units are measured on activations in bfloat16."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
import torch
from networks.planted import Planted
from torch import nn
from worlds.planted_world import CONCEPTS, draw, study

from dissectory.analysis.dissection import Dissection, dissect
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.resuming.shards import PROGRESS
from dissectory.analysis.run import Run
from dissectory.analysis.tally.backends import OnDevice
from dissectory.errors import StudyError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.study.study import Study

COUNTED = ["concept", "threshold", "active", "iou"]


def build() -> nn.Module:
    """Make the planted network, whose detectors end with a convolution that changes nothing in float32."""
    network = Planted()
    same = nn.Conv2d(8, 8, 1, bias=False)
    nn.init.dirac_(same.weight)
    network.detectors = nn.Sequential(network.detectors, same)  # type: ignore[assignment]
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


def asked(folder: Path, **compute: object) -> Study:
    model = {"source": f"python:{__file__}:build"}
    compute = {"device": "cpu", **compute}
    return study(folder, model=model, dissection={"information_ratio": True}, compute=compute)


@pytest.fixture(scope="module")
def lower(folder: Path) -> Run:
    return dissect(asked(folder, autocast=True), folder / "lower")


def test_units_are_measured_on_activations_in_bfloat16(folder: Path, lower: Run) -> None:
    full = dissect(asked(folder), folder / "full")
    one, two = (run.table("units").query("layer == 'detectors' and unit < 5") for run in (full, lower))
    assert one.concept.tolist() == two.concept.tolist() == CONCEPTS
    assert (one.threshold - two.threshold).abs().between(1e-6, 0.01).all()
    peaks = torch.tensor(two.peak.to_numpy())
    assert torch.equal(peaks.bfloat16().to(peaks.dtype), peaks)
    assert (full.manifest.study["compute"]["autocast"], lower.manifest.study["compute"]["autocast"]) == (False, True)


def test_the_tally_on_a_device_counts_the_same(folder: Path, lower: Run, tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.prepare()
    tally = OnDevice(torch.device("cpu"), 10**9, torch.get_num_threads())
    setting = replace(open_setting(asked(folder, autocast=True)), tally=tally)
    Dissection(run, setting, tmp_path / PROGRESS).make(Silent())
    for name, columns in (("units", COUNTED), ("unit_concepts", ["intersection", "union"])):
        one, two = Run(tmp_path).table(name), lower.table(name)
        pd.testing.assert_frame_equal(one[columns], two[columns], check_exact=True)


def test_a_device_without_autocast_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda _device: False)
    with pytest.raises(StudyError, match=r"compute\.autocast is true, but torch has no autocast for the device 'cpu'"):
        open_setting(asked(folder, autocast=True))
