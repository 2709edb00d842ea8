"""`torchvision:NAME`: torchvision's classifiers, with the preprocessing and class names of their default weights."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
import torchvision
from torchvision.transforms.functional import InterpolationMode

from dissectory.analysis.subjects.geometry import Geometry, Interpolation
from dissectory.analysis.subjects.preprocessing import Preprocessing
from dissectory.analysis.subjects.sources import Network, model_source
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

_PORTED: Mapping[str, Any] = MappingProxyType({"init_weights": False, "transform_input": True})
"""torchvision sets these two itself when it loads the default weights of a network ported from TensorFlow. A file of
those weights needs them too; otherwise the network silently computes something else."""

_ARGUMENTS: Mapping[str, Mapping[str, Any]] = MappingProxyType({"googlenet": _PORTED, "inception_v3": _PORTED})

_INTERPOLATIONS: Mapping[InterpolationMode, Interpolation] = MappingProxyType(
    {
        InterpolationMode.BILINEAR: "bilinear",
        InterpolationMode.BICUBIC: "bicubic",
        InterpolationMode.NEAREST: "nearest",
    }
)


@model_source("torchvision")
def torchvision_model(name: str, *, pretrained: bool, base: Path) -> Network:  # noqa: ARG001 - the protocol requires it
    """Build a torchvision classifier, with its default weights if `pretrained`.

    Raises:
        SubjectError: if torchvision has no such classifier, or the weights cannot be downloaded.
    """
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise SubjectError(f"torchvision has no classifier '{name}'; {nearest(name, known)}")
    weights = torchvision.models.get_model_weights(name).DEFAULT
    if not pretrained:
        module: nn.Module = torchvision.models.get_model(name, weights=None, **_ARGUMENTS.get(name, {}))
        return Network(module, _preprocessing(weights), tuple(weights.meta.get("categories", ())))
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    return Network(
        _with_default_weights(name), _preprocessing(weights), tuple(weights.meta.get("categories", ())), file
    )


def _with_default_weights(name: str) -> nn.Module:
    try:
        module: nn.Module = torchvision.models.get_model(name, weights="DEFAULT")
    except Exception as error:  # no connection, a wrong hash, or a broken file from an earlier download
        raise SubjectError(
            f"the default weights of torchvision's {name} cannot be downloaded or read ({error}): "
            "check the internet connection, or set model.weights to a weights file"
        ) from error
    return module


def _preprocessing(weights: Any) -> Preprocessing:  # noqa: ANN401 - torchvision has no types
    """Return the preprocessing with which torchvision evaluates these weights."""
    transforms = weights.transforms()
    return Preprocessing(
        Geometry(
            size=transforms.crop_size[0],
            resize=transforms.resize_size[0],
            interpolation=_INTERPOLATIONS[transforms.interpolation],
        ),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
    )
