"""The facts that each part of a run's progress depends on. If one of them changes, the part is measured again.

Networks, images and label maps are compared by a hash of their contents, not by name or date. Hashing takes a second
for every one or two gigabytes.

The device and the number of torch's threads are among the facts: they determine in which order a network's sums are
added, and so the last digits of activations (about 2e-6 of them). A run never mixes parts that differ in this way.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch

from dissectory.analysis.software import versions
from dissectory.analysis.subjects.identity import code_hash, network_hash
from dissectory.analysis.subjects.latents import Latents
from dissectory.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.subjects.layers import LayerInfo

FORMAT = "1"
"""Change this whenever the contents of a kind of shard change."""
_SOFTWARE = ("numpy", "pillow", "torch", "torchvision", "timm", "onnxruntime", "onnxruntime-gpu", "scipy")


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that label maps, the network's outputs and the activations of a layer depend on, by name.

    The names are shown to the user when a fact has changed.
    """

    labels: Mapping[str, str]
    outputs: Mapping[str, str]
    _layers: Mapping[str, str]

    @classmethod
    def of(cls, setting: Setting, images: str) -> Facts:
        """Gather the facts of a setting; `images` is the hash of all images."""
        dissection, common = setting.study.dissection, _common(setting, images)
        outputs = {
            **common,
            "mean and std of [images]": json.dumps([setting.preprocessing.mean, setting.preprocessing.std]),
            "the network's weights": network_hash(setting.model.module),
            "compute.autocast": str(setting.study.compute.autocast),
            "model.source": setting.model.source,
            "the network's code": code_hash(setting.model.module, setting.model.source, setting.study.base),
        }
        grid = {"dissection.grid": str(dissection.grid)}
        shown = outputs if isinstance(setting.images, Latents) else common  # a generator's images are its outputs
        return cls(
            labels={**shown, **grid, "the concepts": setting.vocabulary.fingerprint(setting.images.paths)},
            outputs=outputs,
            _layers={
                **outputs,
                **grid,
                "dissection.border": dissection.border,
                "dissection.quantile": repr(dissection.quantile),
                "dissection.top_images": str(dissection.top_images),
            },
        )

    def of_layers(self, layers: Sequence[LayerInfo]) -> Mapping[str, str]:
        """The facts that all measurements depend on."""
        own = {layer.name: json.dumps(dict(self.of_layer(layer)), sort_keys=True) for layer in layers}
        return {**self.labels, **own}

    def of_layer(self, layer: LayerInfo, attempt: int = 0) -> Mapping[str, str]:
        """The facts that the activations of a layer depend on; each attempt to bound them is kept separately."""
        own = {"model.layers": json.dumps([layer.name, layer.units, layer.height, layer.width])}
        return {**self._layers, **own, **({"attempt": str(attempt)} if attempt else {})}

    def of_information(self, layer: LayerInfo) -> Mapping[str, str]:
        """The facts that the second thresholds of a layer depend on."""
        return {**self.labels, **self.of_layer(layer)}


def _common(setting: Setting, images: str) -> dict[str, str]:
    return {
        "the images": images,
        "size and crop of [images]": json.dumps(asdict(setting.preprocessing.geometry)),
        "compute.batch": str(setting.study.compute.batch),
        "the versions of the software": json.dumps([FORMAT, __version__, *versions(_SOFTWARE).items()]),
        "the device": _name_of(setting.device),
        "the number of threads": str(torch.get_num_threads()),
    }


def _name_of(device: torch.device) -> str:
    """Return a device's type; for a GPU, its model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
