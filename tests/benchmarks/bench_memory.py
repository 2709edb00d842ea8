"""Peak memory of a whole run, including pictures, with few images and with eight times as many: `nox -s bench`.

Peak memory depends on the study, not on the number of images. Nothing here passes or fails.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from networks import squeezenet_places365

if TYPE_CHECKING:
    from pathlib import Path

FEW, MANY = 1_500, 12_000

MEASURED = """
import json, resource, sys
from pathlib import Path

from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.study.study import Study

import torch

study = Study.from_dict(json.loads(sys.argv[1]))
setting = open_setting(study)
with torch.inference_mode():
    for batch in setting.images.batches([range(study.compute.batch)], study.compute.workers):
        setting.model.module(setting.preprocessing.tensor(batch.views))
peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3]
run = dissect(study, Path(sys.argv[2]))
peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
print(json.dumps([*peaks, run.manifest.seconds]))
"""


def photographs(assets: Path, folder: Path, count: int) -> Path:
    """Link `count` files to the photographs, repeatedly and in random order."""
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))
    folder.mkdir()
    copies = files * -(-count // len(files))
    random.Random(0).shuffle(copies)  # noqa: S311 - no secret
    for number, path in enumerate(copies[:count]):
        (folder / f"{number:05}.jpg").symlink_to(path)
    return folder


def peaks(study: dict[str, Any], out: Path) -> tuple[float, float, dict[str, float]]:
    """Measure a process: peak megabytes after one batch, peak megabytes of the whole run, and its seconds."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, json.dumps(study), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    before, after, seconds = json.loads(done.stdout)
    return before, after, seconds


@pytest.mark.parametrize("memory_gb", [4.0, 0.25])
@pytest.mark.parametrize("count", [FEW, MANY])
def test_peak_memory_of_squeezenet(assets: Path, tmp_path: Path, count: int, memory_gb: float) -> None:
    study = {
        "model": {
            "source": f"python:{squeezenet_places365.__file__}:build",
            "weights": str(assets / "classifiers" / "squeezenet_places365" / "weights.safetensors"),
            "layers": ["conv1", "fire9"],
        },
        "images": {
            "folder": str(photographs(assets, tmp_path / "photographs", count)),
            "size": 224,
            "resize": 256,
            "fit": "stretch",
            "std": [1, 1, 1],
        },
        "concepts": {"sources": ["color"]},
        "compute": {"memory_gb": memory_gb},
    }
    before, after, seconds = peaks(study, tmp_path / "run")
    print(f"\n{count} images, memory_gb = {memory_gb}: {after:.0f} MB at most, {after - before:.0f} MB above one batch")
    print("  " + ", ".join(f"{stage} {spent:.0f} s" for stage, spent in seconds.items()))
