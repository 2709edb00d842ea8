"""What each part of a run's progress depends on, fact by fact: where one has changed, the part is made anew.

Networks, images and label maps count by their contents, never by their names and dates: hashing them costs a second for
every one or two gigabytes.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from dissectory import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import nn

    from dissectory.analysis.experiments.setting import Setting
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
            "the colours of [images]": json.dumps([setting.preprocessing.mean, setting.preprocessing.std]),
            "the network": _network(setting.model.module),
            "model.source": setting.model.source,
            "the network's code": _code(setting.model.module, setting.model.source, setting.study.base),
            "compute.device": str(setting.device),
        }
        grid = {"dissection.grid": str(dissection.grid)}
        return cls(
            labels={**common, **grid, "the concepts": setting.vocabulary.fingerprint(setting.images.paths)},
            outputs=outputs,
            _layers={
                **outputs,
                **grid,
                "dissection.border": dissection.border,
                "dissection.quantile": repr(dissection.quantile),
                "dissection.top_images": str(dissection.top_images),
            },
        )

    def of_layer(self, layer: LayerInfo, attempt: int = 0) -> Mapping[str, str]:
        """What the activations of a layer depend on; every attempt to bound them is a thing of its own."""
        own = {"model.layers": json.dumps([layer.name, layer.units, layer.height, layer.width])}
        return {**self._layers, **own, **({"attempt": str(attempt)} if attempt else {})}


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


def _network(module: nn.Module) -> str:
    """Hash the network's structure, parameters and buffers."""
    total = hashlib.sha256(repr(module).encode())
    for name, value in module.state_dict().items():
        total.update(f"\0{name}\0".encode())
        total.update(_bytes(value))
    return total.hexdigest()


def _bytes(value: Any) -> Any:  # noqa: ANN401 - a network may keep anything beside its tensors
    if not isinstance(value, torch.Tensor):
        return repr(value).encode()
    plain = value.detach().cpu().contiguous()
    return f"{plain.dtype}{tuple(plain.shape)}".encode() + plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def _code(module: nn.Module, source: str, base: Path) -> str:
    """Hash the files in which the network's modules, and the function that builds it, are written."""
    files = {_file(type(part).__module__) for part in module.modules()}
    kind, _, name = source.partition(":")
    if kind == "python":
        place = name.rpartition(":")[0]
        files.add(base / Path(place).expanduser() if place.endswith(".py") else _file(place))
    total = hashlib.sha256()
    for content in sorted(hashlib.sha256(file.read_bytes()).digest() for file in files if file and file.is_file()):
        total.update(content)
    return total.hexdigest()


def _file(module: str) -> Path | None:
    """The file of an imported module, where it has one."""
    try:
        found = inspect.getsourcefile(sys.modules[module])
    except (KeyError, TypeError):
        return None
    return Path(found) if found else None
