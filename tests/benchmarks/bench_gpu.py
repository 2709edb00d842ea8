"""The cost of a dissection on whatever device is there, compared with bare forward passes: `nox -s bench -- gpu`.

Both read the same synthetic images with the same loader. A plain baseline computes thresholds and IoUs of a few units
as their definitions say: it stores upsampled activations, and takes `torch.quantile` and sums of boolean masks. The
results are ratios. Nothing here passes or fails.
"""

from __future__ import annotations

import csv
import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from dissectory.analysis.measuring.measurement import Measurement
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.measuring.precision import without_tf32
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.measuring.setting import Setting, open_setting
from dissectory.analysis.run import Run
from dissectory.analysis.study.study import Study
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tally.backends import BACKENDS
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

CUDA = torch.cuda.is_available()
IMAGES = int(os.environ.get("BENCH_IMAGES", "10000" if CUDA else "64"))
BATCH = int(os.environ.get("BENCH_BATCH", "32"))
TALLY = os.environ.get("BENCH_TALLY")
"""The backend of the tally, if it is not that of the device: "compiled" or "device"."""
DISTINCT = 256
"""Number of different images; the other files are links to them, because decoding costs the same."""
SIDE, CONCEPTS, QUANTILE, GRID = 224, 50, 0.01, 56
PLAIN_UNITS, PLAIN_IMAGES = 32, 512
"""The baseline's units of each layer, and its images: it stores 12.5 kB for each unit and image."""


def build_resnet50() -> torch.nn.Module:
    """Make ResNet-50 with torchvision's random initial weights."""
    from torchvision.models import resnet50  # noqa: PLC0415 - seconds

    torch.manual_seed(0)
    network: torch.nn.Module = resnet50(weights=None)
    return network


def build_vgg16() -> torch.nn.Module:
    """Make VGG-16 with torchvision's random initial weights."""
    from torchvision.models import vgg16  # noqa: PLC0415 - seconds

    torch.manual_seed(0)
    network: torch.nn.Module = vgg16(weights=None)
    return network


@dataclass(frozen=True, slots=True)
class Network:
    name: str
    builder: str
    layers: tuple[str, ...]


NETWORKS = [
    Network("ResNet-50, four stages", "build_resnet50", ("layer1", "layer2", "layer3", "layer4")),
    Network("VGG-16, conv5_3", "build_vgg16", ("features.28",)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write synthetic images with label maps: smooth noise, and patches of concepts."""
    folder, random = tmp_path_factory.mktemp("synthetic"), np.random.default_rng(0)
    for name in ("photos", "labels"):
        (folder / name).mkdir()
    for number in range(IMAGES):
        photo, labels = folder / f"photos/{number:05}.jpg", folder / f"labels/{number:05}.png"
        if number < DISTINCT:
            coarse = random.integers(0, 256, (14, 14, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(photo)
            patches = random.integers(0, CONCEPTS + 1, (7, 7), dtype=np.uint8)
            Image.fromarray(patches).resize((SIDE, SIDE), Image.Resampling.NEAREST).save(labels)
        else:
            photo.symlink_to(folder / f"photos/{number % DISTINCT:05}.jpg")
            labels.symlink_to(folder / f"labels/{number % DISTINCT:05}.png")
    with (folder / "labels/labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(number, f"concept {number}", "object") for number in range(1, CONCEPTS + 1)]
        csv.writer(file).writerows([("index", "name", "category"), (0, "nothing", "void"), *rows])
    return folder


def study(folder: Path, network: Network) -> Study:
    return Study.from_dict(
        {
            "model": {"source": f"python:{__file__}:{network.builder}", "layers": list(network.layers)},
            "images": {"folder": str(folder / "photos"), "size": SIDE, "resize": SIDE},
            "concepts": {"sources": [f"masks:{folder / 'labels'}"]},
            "dissection": {"quantile": QUANTILE, "grid": GRID},
            "compute": {"batch": BATCH, "workers": max(2, torch.get_num_threads())},
        }
    )


def opened(folder: Path, network: Network) -> Setting:
    setting = open_setting(study(folder, network))
    if TALLY is None:
        return setting
    memory, threads = int(setting.study.compute.memory_gb * 1e9), torch.get_num_threads()
    return replace(setting, tally=BACKENDS[TALLY](setting.device, memory, threads))


def finish(device: torch.device) -> float:
    """Wait for the device, and return the time in seconds."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def inputs(setting: Setting, images: int) -> Iterator[tuple[Tensor, ...]]:
    """Decode images with the study's own loader, and copy them to the device."""
    groups = batches(len(setting.images), BATCH)[: -(-images // BATCH)]
    for batch in setting.images.batches(groups, setting.study.compute.workers):
        yield setting.inputs(batch)


def bare(setting: Setting) -> float:
    """Measure the seconds of the loader and the network alone."""
    module = setting.model.module
    with torch.inference_mode(), without_tf32():
        for given in inputs(setting, BATCH):  # a first batch, which is not measured
            module(*given)
        start = finish(setting.device)
        for given in inputs(setting, IMAGES):
            module(*given)
        return finish(setting.device) - start


def dissected(setting: Setting, folder: Path) -> tuple[float, Seconds]:
    """Measure the seconds of the dissection, without tables, pictures and pages: in total and by stage."""
    seconds, start = Seconds(), finish(setting.device)
    with without_tf32():
        Measurement(setting, Run(folder), folder / "progress", "network", seconds).make(Silent())
    return finish(setting.device) - start, seconds


def plain(setting: Setting, folder: Path) -> float:
    """Measure the microseconds of the baseline for each unit and image, without the loader and the network."""
    images, device, spent = min(IMAGES, PLAIN_IMAGES), setting.device, 0.0
    order = [number for group in batches(IMAGES, BATCH) for number in group][:images]
    cells = np.arange(GRID) * SIDE // GRID + SIDE // GRID // 2
    pictures = [np.asarray(Image.open(folder / f"labels/{number:05}.png")) for number in order]
    labels = np.stack(pictures)[:, cells[:, None], cells]
    masks = [torch.from_numpy(labels == concept).to(device) for concept in range(1, CONCEPTS + 1)]
    stored: dict[str, list[Tensor]] = {layer.name: [] for layer in setting.layers}

    def store(name: str, maps: Tensor) -> None:
        nonlocal spent
        start = finish(device)
        few = maps[:, :PLAIN_UNITS].float()
        stored[name].append(torch.nn.functional.interpolate(few, size=(GRID, GRID), mode="bilinear"))
        spent += finish(device) - start

    with torch.inference_mode(), without_tf32(), watch(setting.model.module, list(stored), store):
        for given in inputs(setting, images):
            setting.model.module(*given)
    start = finish(device)
    for parts in stored.values():
        up = torch.cat(parts)[:images]
        for unit in range(PLAIN_UNITS):
            active = up[:, unit] > torch.quantile(up[:, unit].flatten(), 1 - QUANTILE)
            for mask in masks:
                (active & mask).sum() / (active | mask).sum()
    spent += finish(device) - start
    return spent / (len(stored) * PLAIN_UNITS * images) * 1e6


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_cost(folder: Path, tmp_path: Path, network: Network) -> None:
    setting = opened(folder, network)
    device = torch.cuda.get_device_name(setting.device) if CUDA else f"CPU, {torch.get_num_threads()} threads"
    if IMAGES <= DISTINCT:
        dissected(setting, tmp_path / "warm")  # compiles the kernels
    before = bare(setting)
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
    total, seconds = dissected(setting, tmp_path / "run")
    memory = torch.cuda.max_memory_allocated() / 1e9 if CUDA else None
    after = bare(setting)
    base, units = (before + after) / 2, sum(layer.units for layer in setting.layers)
    print(
        f"\n{network.name}: {IMAGES} images, {units} units, {CONCEPTS} concepts; {device}; tally: {setting.tally.name}"
    )
    print(f"  bare forward passes {base:.2f} s; the two measurements differ by {abs(before - after) / base:.0%}")
    print(f"  dissection / bare forward passes                {total / base:8.2f}")
    for stage, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"  {stage:<12} {spent / base:6.3f} of the bare forward passes")
    if memory:
        print(f"  largest memory of the device {memory:.1f} GB")
    mine = (total - seconds["forward"] - seconds["decode"]) / (units * IMAGES) * 1e6
    print(f"  for each unit and image, without the network: {mine:.2f} microseconds; ", end="")
    print(f"the plain baseline takes {plain(setting, folder) / mine:.1f} times as long")
