"""What each part of a run's progress depends on, fact by fact: where one has changed, the part is made anew.

Networks, images and label maps count by their contents, never by their names and dates: hashing them costs a second for
every one or two gigabytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from dissectory.analysis.subjects.identity import code_hash, network_hash
from dissectory.analysis.subjects.latents import Latents
from dissectory.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.subjects.layers import LayerInfo

FORMAT = "1"
"""To be changed whenever a shard of the same name comes to hold something else."""
_SOFTWARE = ("numpy", "pillow", "torch", "torchvision", "timm", "onnxruntime", "scipy")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the label maps, the network's outputs and the activations of any layer depend on, name by name."""

    labels: Mapping[str, str]
    outputs: Mapping[str, str]
    _layers: Mapping[str, str]

    @classmethod
    def of(cls, setting: Setting, images: str) -> Facts:
        """Gather them; `images` is the hash of all images."""
        dissection, common = setting.study.dissection, _common(setting, images)
        outputs = {
            **common,
            "the colors of [images]": json.dumps([setting.preprocessing.mean, setting.preprocessing.std]),
            "the network": network_hash(setting.model.module),
            "model.source": setting.model.source,
            "the network's code": code_hash(setting.model.module, setting.model.source, setting.study.base),
            "compute.device": str(setting.device),
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
        """What everything that is measured depends on."""
        own = {layer.name: json.dumps(dict(self.of_layer(layer)), sort_keys=True) for layer in layers}
        return {**self.labels, **own}

    def of_layer(self, layer: LayerInfo, attempt: int = 0) -> Mapping[str, str]:
        """What the activations of a layer depend on; every attempt to bound them is a thing of its own."""
        own = {"model.layers": json.dumps([layer.name, layer.units, layer.height, layer.width])}
        return {**self._layers, **own, **({"attempt": str(attempt)} if attempt else {})}

    def of_information(self, layer: LayerInfo) -> Mapping[str, str]:
        """What the information that a layer's units have about concepts depends on."""
        return {**self.labels, **self.of_layer(layer)}


def _common(setting: Setting, images: str) -> dict[str, str]:
    return {
        "the images": images,
        "the geometry of [images]": json.dumps(asdict(setting.preprocessing.geometry)),
        "compute.batch": str(setting.study.compute.batch),
        "the software": json.dumps([FORMAT, __version__, *_versions()]),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _SOFTWARE:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
