"""`timm:NAME`: networks of the timm library, with the preprocessing that timm gives for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dissectory.analysis.subjects.geometry import Geometry, Interpolation
from dissectory.analysis.subjects.preprocessing import Preprocessing
from dissectory.analysis.subjects.sources import Network, model_source
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from torch import nn

_COLORS = 3


@model_source("timm")
def timm_model(name: str, *, pretrained: bool, base: Path) -> Network:  # noqa: ARG001 - the protocol requires it
    """Build a network of timm, with its default weights if `pretrained`.

    `name` may contain a weights tag, such as `resnet18.a1_in1k`.

    Raises:
        SubjectError: if timm is not installed, has no such network, or cannot download its weights.
    """
    timm = _timm()
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise SubjectError(f"timm has no network '{architecture}'; {nearest(architecture, timm.list_models())}")
    tagged = timm.list_pretrained(f"{architecture}.*")
    if tag and name not in tagged:
        raise SubjectError(f"timm has no weights '{tag}' for {architecture}; {nearest(name, tagged)}")
    module = _with_default_weights(timm, name) if pretrained else timm.create_model(name, pretrained=False)
    return Network(module, _preprocessing(name, timm.data.resolve_model_data_config(module)))


def _timm() -> ModuleType:
    try:
        import timm  # noqa: PLC0415 - an extra: the other sources work without it
        import timm.data  # noqa: PLC0415
    except ImportError as error:
        raise SubjectError(
            f"model.source needs timm, which cannot be imported ({error}): run pip install 'dissectory[timm]'"
        ) from error
    return timm


def _with_default_weights(timm: ModuleType, name: str) -> nn.Module:
    try:
        module: nn.Module = timm.create_model(name, pretrained=True)
    except Exception as error:  # the hub's client can raise many kinds of errors
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SubjectError(
            f"the default weights of timm's {name} cannot be downloaded ({first}): "
            "check the internet connection, or set model.weights to a weights file"
        ) from error
    return module


def _preprocessing(name: str, stated: dict[str, Any]) -> Preprocessing:
    """Return the preprocessing with which timm evaluates the network.

    Two settings have no equivalent here and are approximated: a `border` around the image (cropped instead), and rare
    resampling filters (bicubic instead).
    """
    channels, height, width = stated["input_size"]
    if channels != _COLORS or height != width:
        raise SubjectError(
            f"timm's {name} takes {channels} channels of {width} x {height} pixels; "
            "choose a network that takes square RGB images"
        )
    plain: dict[str, Interpolation] = {"bilinear": "bilinear", "nearest": "nearest"}
    geometry = Geometry(
        size=width,
        resize=max(width, math.floor(width / stated["crop_pct"])),
        fit="stretch" if stated["crop_mode"] == "squash" else "crop",
        interpolation=plain.get(stated["interpolation"], "bicubic"),
    )
    return Preprocessing(geometry, tuple(stated["mean"]), tuple(stated["std"]))
