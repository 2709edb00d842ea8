"""Real weights on photographs: sums give the same predictions as full forward passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import timm
import torch
from networks import squeezenet_places365
from PIL import Image
from reference import ablation as reference
from safetensors.torch import load_file

from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.units import remove_units
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tally.outcomes import Grouping

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

UNITS = [0, 17, 255, 502]
"""The units that are removed in full forward passes."""


def photographs(assets: Path) -> torch.Tensor:
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))[::250]
    views = np.stack([np.asarray(Image.open(path).convert("RGB").resize((224, 224))) for path in files])
    return torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255 - 0.45


def squeezenet(assets: Path) -> nn.Module:
    module = squeezenet_places365.build()
    module.load_state_dict(load_file(assets / "classifiers/squeezenet_places365/weights.safetensors"))
    return module


def efficientnet(assets: Path) -> nn.Module:
    module: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    module.load_state_dict(load_file(assets / "classifiers/efficientnet_lite0_imagenet/weights.safetensors"))
    return module


@pytest.mark.parametrize(
    ("build", "layer", "mode"), [(squeezenet, "fire9", "rectified"), (efficientnet, "conv_head", "linear")]
)
def test_units_of_real_networks(assets: Path, build: type, layer: str, mode: str) -> None:
    module = build(assets).eval().requires_grad_(requires_grad=False)
    inputs = photographs(assets)
    plan = plan_removal(find_rest(module, layer, inputs), inputs[:1])
    assert plan.mode == mode
    with torch.no_grad():
        point, answer = plan.tail.rest.run(inputs)
        cut, silent = plan.tail.split(point)
    assert plan.tail.head is not None
    scores = plan.tail.head.scores_without_units(plan.tail.features(cut, silent, answer))
    everything = np.ones(len(inputs), dtype=np.bool_)
    classes = answer.argmax(dim=1).numpy()
    grouping = Grouping.alike(answer.shape[1])
    images = SplitImages(lambda: [(np.arange(len(inputs)), inputs)], classes, everything, grouping)
    found = remove_units(plan, images).without["ranking"]
    for unit in UNITS:
        expected = reference.scores_without(module, layer, inputs, [unit])
        np.testing.assert_allclose(scores[:, unit], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
        said = [reference.first_maximum(row) for row in expected.tolist()]
        for output in set(said) | set(classes.tolist()):
            counted = reference.counts(said, classes.tolist(), output)[2:]
            assert (found.taken[unit, output], found.right[unit, output]) == counted
