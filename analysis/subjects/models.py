"""The network under study: built by its source, loaded with weights, ready for dissection.

model = load_model(study.model, study.base)
model.module(model.preprocessing.tensor(views))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.subjects.sources import find_source, python, timm, torchvision
from dissectory.analysis.subjects.weights import load_weights, sha256
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from dissectory.analysis.study.sections import ModelSection
    from dissectory.analysis.subjects.preprocessing import Preprocessing

BUILT_IN = (torchvision, timm, python)
"""Importing these modules registers the built-in sources."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in evaluation mode on the CPU, in single precision, without gradients for its parameters.

    `preprocessing` is that of the weights; the study's keys are not yet applied. `weights_hash` is the SHA-256 of the
    weights file, empty if there is no such file or it is unknown. `classes` names the outputs in their order, and is
    empty if the names are unknown; their number is not checked against the outputs here. `parameters` is the number of
    trainable parameters.
    """

    module: nn.Module
    preprocessing: Preprocessing
    source: str
    weights_hash: str
    classes: tuple[str, ...]
    parameters: int


def load_model(section: ModelSection, base: Path, *, pretrained: bool = True) -> LoadedModel:
    """Build the network that a study names.

    Args:
        section: the study's `[model]`.
        base: the folder that relative paths start from.
        pretrained: whether the source may download its own weights if the study names none. Without any weights, the
            network's numbers are random, but its layers are the same.

    Raises:
        SubjectError: if the network, its weights or its class names cannot be loaded.
    """
    source, name = find_source(section.source)
    weights = base / section.weights.expanduser() if section.weights else None
    network = source(name, pretrained=pretrained and weights is None, base=base)
    module = network.module.cpu().float()  # views are float32; convert before load_weights, which keeps this dtype
    if weights:
        load_weights(module, weights)
    file = weights or network.weights
    classes = read_classes(base / section.classes.expanduser()) if section.classes else network.classes
    return LoadedModel(
        module=module.eval().requires_grad_(requires_grad=False),
        preprocessing=network.preprocessing,
        source=section.source,
        weights_hash=sha256(file) if file and file.is_file() else "",
        classes=classes,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )


def read_classes(path: Path) -> tuple[str, ...]:
    """Read the names of a network's outputs from a UTF-8 text file, one name per line, in the outputs' order.

    Raises:
        SubjectError: if the file is missing, is not text, or has an empty line before its end.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except UnicodeDecodeError:
        raise SubjectError(f"model.classes names {path}, which is not a UTF-8 text file; save it as UTF-8") from None
    except OSError as error:
        raise SubjectError(f"model.classes names {path}, which cannot be read: {error.strerror}") from None
    names = tuple(line.strip() for line in lines)
    if not all(names):
        empty = "is empty" if len(names) == 1 else f"has an empty line {names.index('') + 1}"
        raise SubjectError(f"model.classes: {path} {empty}; write the name of one class in every line")
    return names
