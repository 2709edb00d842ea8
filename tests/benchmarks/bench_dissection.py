"""What a dissection costs beside the bare forward passes over the same images, in one run: `nox -s bench`.

Ratios, not seconds: they hold from machine to machine. Nothing here passes or fails.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
from networks import squeezenet_places365

from dissectory.analysis.experiments.order import batches
from dissectory.analysis.experiments.passes import Passes, Record
from dissectory.analysis.experiments.setting import Setting, open_setting
from dissectory.analysis.study import Study

if TYPE_CHECKING:
    from pathlib import Path

IMAGES = 512
FIRES = [f"fire{number}" for number in range(2, 10)]


def study(assets: Path, folder: Path, layers: list[str], sources: list[str]) -> Study:
    network = assets / "classifiers" / "squeezenet_places365"
    return Study.from_dict(
        {
            "model": {
                "source": f"python:{squeezenet_places365.__file__}:build",
                "weights": str(network / "weights.safetensors"),
                "layers": layers,
            },
            "images": {"folder": str(folder), "size": 224, "resize": 256, "fit": "stretch", "std": [1, 1, 1]},
            "concepts": {"sources": sources},
        }
    )


@pytest.fixture(scope="module")
def photographs(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every third scene photograph."""
    folder = tmp_path_factory.mktemp("photographs")
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))
    for number, path in enumerate(files[:: len(files) // IMAGES][:IMAGES]):
        (folder / f"{number:04}.jpg").symlink_to(path)
    return folder


def bare(setting: Setting) -> dict[str, float]:
    """Seconds of nothing but network and sources of concepts, on decoded views."""
    seconds = {"network": 0.0, "concepts": 0.0}
    for batch in setting.images.batches(batches(IMAGES, setting.study.compute.batch), 2):
        x = setting.preprocessing.tensor(batch.views)
        start = time.perf_counter()
        with torch.inference_mode():
            setting.model.module(x)
        between = time.perf_counter()
        setting.vocabulary.label(batch)
        seconds["network"] += between - start
        seconds["concepts"] += time.perf_counter() - between
    return seconds


def measured(setting: Setting) -> tuple[float, Record]:
    """Seconds of the dissection itself: everything up to the counts, without pictures and pages."""
    passes = Passes(setting)
    start = time.perf_counter()
    guesses = passes.pilot()
    (blocks,) = passes.plan()
    for tally in passes.run(blocks, guesses, first=True, advance=lambda _steps: None):
        for unit in range(tally.tail.units):
            threshold = tally.tail.threshold(unit, passes.above)
            passes.record.labels.overlap(tally.tail.active(unit, threshold))
    return time.perf_counter() - start, passes.record


CASES: list[Any] = [
    pytest.param(["fire9"], ["color"], id="one late layer, colours"),
    pytest.param(["conv1", *FIRES], ["color"], id="all layers, colours"),
    pytest.param(["conv1", *FIRES], ["onnx", "color", "parts"], id="all layers, segmenter"),
]


@pytest.mark.parametrize(("layers", "sources"), CASES)
def test_cost_of_squeezenet(
    assets: Path, photographs: Path, layers: list[str], sources: list[str], request: pytest.FixtureRequest
) -> None:
    onnx = f"onnx:{assets / 'segmenters/mosaic_ade20k31/model.onnx'}"
    setting = open_setting(study(assets, photographs, layers, [onnx if name == "onnx" else name for name in sources]))
    alone = bare(setting)
    total, record = measured(setting)
    network = alone["network"]
    print(f"\n{request.node.callspec.id}: {IMAGES} images, {sum(layer.units for layer in setting.layers)} units")
    print(f"  dissection / bare forward passes of the network          {total / network:6.2f}")
    print(f"  dissection / network and sources of concepts             {total / sum(alone.values()):6.2f}")
    for stage, seconds in sorted(record.seconds.items(), key=lambda item: -item[1]):
        print(f"  {stage:<10} {seconds / network:6.2f} of the bare forward passes")
