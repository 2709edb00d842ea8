"""The network under study: built by its source, filled with weights, ready to be looked at.

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

    from dissectory.analysis.study import ModelSection
    from dissectory.analysis.subjects.preprocessing import Preprocessing

BUILT_IN = (torchvision, timm, python)
"""The modules whose import registers the sources that come with the project."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network in evaluation mode on the CPU, in single precision, whose parameters take no gradient.

    `preprocessing` is the weights' own, before the study's keys are laid over it. `weights_hash` is the SHA-256 of
    the file of weights, empty where there is none or it is not known. `classes` names the outputs in their order,
    empty where nobody says; whether there are as many as outputs is not checked here. `parameters` counts numbers
    that training sets.
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
        pretrained: whether the source may fetch its own weights where the study names none; without any, the network's
            numbers are random, and its layers the same.

    Raises:
        SubjectError: the network, its weights or its class names cannot be had as asked.
    """
    source, name = find_source(section.source)
    weights = base / section.weights.expanduser() if section.weights else None
    network = source(name, pretrained=pretrained and weights is None, base=base)
    module = network.module.cpu().float()  # views are float32; and before the weights, which take the network's type
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
    """Read the names of a network's outputs: a UTF-8 text file, one name a line, in the outputs' order.

    Raises:
        SubjectError: the file is missing, is not text, or has an empty line before its end.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().split("\n")
    except UnicodeDecodeError:
        raise SubjectError(f"model.classes names {path}, which is not a UTF-8 text file") from None
    except OSError as error:
        raise SubjectError(f"model.classes names {path}, which cannot be read: {error.strerror}") from None
    names = tuple(line.strip() for line in lines)
    if not all(names):
        empty = "is empty" if len(names) == 1 else f"has nothing in line {names.index('') + 1}"
        raise SubjectError(f"{path} {empty}; it must have the name of one class in every line")
    return names
