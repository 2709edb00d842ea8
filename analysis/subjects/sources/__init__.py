"""Model sources: one protocol, one registry, and a file for every built-in source.

    @model_source("torchvision")
    def torchvision_model(name: str, *, pretrained: bool, base: Path) -> Network: ...

A study names a network as `SOURCE:NAME`; the source is the text before the first colon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from dissectory.analysis.subjects.preprocessing import Preprocessing
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn


@dataclass(frozen=True, slots=True)
class Network:
    """The network that a source built.

    `weights` is the file from which the source loaded the parameters, if it knows it. `classes` names the network's
    outputs, if the source knows them.
    """

    module: nn.Module
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    classes: tuple[str, ...] = ()
    weights: Path | None = None


class ModelSource(Protocol):
    """A function that builds a network from a name."""

    def __call__(self, name: str, *, pretrained: bool, base: Path) -> Network:
        """Build the network called `name`.

        Args:
            name: the text after `SOURCE:` in the study.
            pretrained: whether the source should load its own weights, because the study names no weights file.
            base: the folder that relative paths start from.

        Raises:
            SubjectError: if there is no such network, or it cannot be built.
        """
        ...


_SOURCES: dict[str, ModelSource] = {}

Source = TypeVar("Source", bound=ModelSource)


def model_source(name: str) -> Callable[[Source], Source]:
    """Register the decorated function as the model source `name`.

    Raises:
        ValueError: if the name is already registered.
    """

    def register(source: Source) -> Source:
        if name in _SOURCES:
            raise ValueError(f"the model source '{name}' is already registered; choose another name")
        _SOURCES[name] = source
        return source

    return register


def find_source(text: str) -> tuple[ModelSource, str]:
    """Split `SOURCE:NAME` and find the source.

    Raises:
        SubjectError: if the text has no colon or no name, or the source is unknown.
    """
    source, colon, name = text.partition(":")
    if not colon or not name.strip():
        known = ", ".join(f"'{option}:...'" for option in _SOURCES)
        raise SubjectError(
            f"model.source is {text!r}; it must be a source, a colon and a name, such as 'torchvision:resnet18' "
            f"(known: {known})"
        )
    if source not in _SOURCES:
        raise SubjectError(f"model.source is {text!r}: unknown source '{source}'; {nearest(source, _SOURCES)}")
    return _SOURCES[source], name.strip()
