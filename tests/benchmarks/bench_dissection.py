"""The cost of a dissection, compared with the bare forward passes over the same images: `nox -s bench`.

The results are ratios, not seconds, so that machines can be compared. Pictures and pages are not included. Nothing here
passes or fails.
"""

from __future__ import annotations

import csv
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from networks import squeezenet_places365
from PIL import Image

from dissectory.analysis.concepts.color import Color, color_table
from dissectory.analysis.measuring.measurement import Measurement
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.measuring.setting import Setting, open_setting
from dissectory.analysis.run import Run
from dissectory.analysis.study.study import Study
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = int(os.environ.get("BENCH_IMAGES", "512"))
FIRES = [f"fire{number}" for number in range(2, 10)]
RESNET_STAGES = ["layer1", "layer2", "layer3", "layer4"]


@pytest.fixture(scope="module")
def photographs(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Link every third scene photograph."""
    folder = tmp_path_factory.mktemp("photographs")
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))
    for number, path in enumerate(files[:: len(files) // IMAGES][:IMAGES]):
        (folder / f"{number:04}.jpg").symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def label_maps(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the photographs' color names to disk as label maps."""
    folder = tmp_path_factory.mktemp("maps")
    for path in photographs.iterdir():
        red, green, blue = np.moveaxis(np.asarray(Image.open(path).convert("RGB")) // 4, -1, 0)
        Image.fromarray(color_table()[red, green, blue].astype(np.uint8)).save(folder / f"{path.stem}.png")
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(number, concept.name, "color") for number, concept in enumerate(Color.concepts, start=1)]
        csv.writer(file).writerows([("index", "name", "category"), *rows])
    return folder


def study(
    assets: Path, folder: Path, network: str, layers: list[str], sources: list[str], *, information: bool = False
) -> Study:
    squeezenet = {
        "source": f"python:{squeezenet_places365.__file__}:build",
        "weights": str(assets / "classifiers" / "squeezenet_places365" / "weights.safetensors"),
    }
    resnet = {"source": f"python:{__file__}:build_resnet18"}
    return Study.from_dict(
        {
            "model": {**(squeezenet if network == "squeezenet" else resnet), "layers": layers},
            "images": {"folder": str(folder), "size": 224, "resize": 256, "fit": "stretch", "std": [1, 1, 1]},
            "concepts": {"sources": sources},
            "dissection": {"information_ratio": information},
        }
    )


def build_resnet18() -> torch.nn.Module:
    """Make ResNet-18 with torchvision's random initial weights."""
    from torchvision.models import resnet18  # noqa: PLC0415 - seconds

    torch.manual_seed(0)
    network: torch.nn.Module = resnet18(weights=None)
    return network


def bare(setting: Setting) -> dict[str, float]:
    """Measure the seconds of the network and of the concept sources alone, on decoded images, after a first batch."""
    seconds = {"network": 0.0, "concepts": 0.0}
    compute = setting.study.compute
    groups = batches(len(setting.images), compute.batch)
    for number, batch in enumerate([*setting.images.batches([*groups[:1], *groups], compute.workers)]):
        x = setting.preprocessing.tensor(batch.views)
        start = time.perf_counter()
        with torch.inference_mode():
            setting.model.module(x)
        between = time.perf_counter()
        setting.vocabulary.label(batch)
        if number:
            seconds["network"] += between - start
            seconds["concepts"] += time.perf_counter() - between
    return seconds


def measured(setting: Setting, folder: Path) -> tuple[float, dict[str, float]]:
    """Measure the seconds of the dissection, without tables, pictures and pages: in total and by stage."""
    seconds = Seconds()
    start = time.perf_counter()
    Measurement(setting, Run(folder), folder / "progress", "network", seconds).make(Silent())
    return time.perf_counter() - start, seconds


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    network: str
    layers: list[str]
    sources: list[str]
    information: bool = False


NETWORKS = (
    ("SqueezeNet fire9", "squeezenet", ["fire9"]),
    ("SqueezeNet all layers", "squeezenet", ["conv1", *FIRES]),
    ("ResNet-18 layer4", "resnet18", ["layer4"]),
    ("ResNet-18 all stages", "resnet18", RESNET_STAGES),
)
CASES = [
    *(Case(f"{name}, label maps", network, layers, ["masks"]) for name, network, layers in NETWORKS),
    *(Case(f"{name}, colors", network, layers, ["color"]) for name, network, layers in NETWORKS),
    Case("SqueezeNet all layers, segmenter", "squeezenet", ["conv1", *FIRES], ["onnx", "color", "parts"]),
    Case("SqueezeNet all layers, label maps, information", "squeezenet", ["conv1", *FIRES], ["masks"], True),
    Case("ResNet-18 layer4, label maps, information", "resnet18", ["layer4"], ["masks"], True),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_cost(assets: Path, photographs: Path, label_maps: Path, tmp_path: Path, case: Case) -> None:
    files = {"onnx": f"onnx:{assets / 'segmenters/mosaic_ade20k31/model.onnx'}", "masks": f"masks:{label_maps}"}
    sources = [files.get(name, name) for name in case.sources]
    setting = open_setting(study(assets, photographs, case.network, case.layers, sources, information=case.information))
    before = bare(setting)
    total, seconds = measured(setting, tmp_path / "run")
    after = bare(setting)
    alone = {name: (before[name] + after[name]) / 2 for name in before}
    base, units = alone["network"], sum(layer.units for layer in setting.layers)
    noise = abs(before["network"] - after["network"]) / base
    print(f"\n{case.name}: {IMAGES} images, {units} units, {torch.get_num_threads()} threads")
    print(f"  bare forward passes {base:.1f} s; the two measurements differ by {noise:.0%}")
    print(f"  dissection / bare forward passes of the network          {total / base:6.2f}")
    print(f"  dissection / network and concept sources                 {total / sum(alone.values()):6.2f}")
    print(f"  dissection / its own forward passes                      {total / seconds['forward']:6.2f}")
    for stage, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"  {stage:<10} {spent / base:6.3f} of the bare forward passes")
