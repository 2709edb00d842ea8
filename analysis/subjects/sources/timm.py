"""`timm:NAME`: the networks of the timm library, with the preprocessing that it states for them."""

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
def timm_model(name: str, *, pretrained: bool, base: Path) -> Network:  # noqa: ARG001 - the protocol's
    """Build a network of timm, with its default weights if `pretrained`.

    `name` may carry a tag of weights, such as `resnet18.a1_in1k`.

    Raises:
        SubjectError: timm is not installed, has no such network, or cannot fetch its weights.
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
            f"model.source asks for timm, which cannot be imported ({error}): pip install 'dissectory[timm]'"
        ) from error
    return timm


def _with_default_weights(timm: ModuleType, name: str) -> nn.Module:
    try:
        module: nn.Module = timm.create_model(name, pretrained=True)
    except Exception as error:  # whatever the hub's client raises this year
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SubjectError(
            f"the default weights of timm's {name} cannot be fetched ({first}): "
            "try again with a connection, or name a file of weights you have with model.weights"
        ) from error
    return module


def _preprocessing(name: str, stated: dict[str, Any]) -> Preprocessing:
    """The preprocessing that timm evaluates the network with.

    Two things it can state have no equal here and take the nearest: a `border` around the picture (cropped
    instead) and rare resampling filters (bicubic instead).
    """
    channels, height, width = stated["input_size"]
    if channels != _COLORS or height != width:
        raise SubjectError(
            f"timm's {name} takes {channels} channels of {width} x {height} pixels; "
            "only networks that take square RGB pictures can be dissected"
        )
    plain: dict[str, Interpolation] = {"bilinear": "bilinear", "nearest": "nearest"}
    geometry = Geometry(
        size=width,
        resize=max(width, math.floor(width / stated["crop_pct"])),
        fit="stretch" if stated["crop_mode"] == "squash" else "crop",
        interpolation=plain.get(stated["interpolation"], "bicubic"),
    )
    return Preprocessing(geometry, tuple(stated["mean"]), tuple(stated["std"]))
