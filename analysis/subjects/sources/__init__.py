"""Where networks come from: one protocol, one registry, a file for every source.

    @model_source("torchvision")
    def torchvision_model(name: str, *, pretrained: bool, base: Path) -> Network: ...

A study names a network as `SOURCE:NAME`; the source is what stands before the first colon.
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
    """What a source builds.

    `weights` is the file that the source itself loaded the parameters from, where it knows it; `classes` names the
    network's outputs, where the source knows them.
    """

    module: nn.Module
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    classes: tuple[str, ...] = ()
    weights: Path | None = None


class ModelSource(Protocol):
    """Anything that builds a network from a name."""

    def __call__(self, name: str, *, pretrained: bool, base: Path) -> Network:
        """Build the network called `name`.

        Args:
            name: what stands after `SOURCE:` in the study.
            pretrained: whether the source should bring its own weights, because the study names no file of them.
            base: the folder that relative paths start from.

        Raises:
            SubjectError: there is no such network, or it cannot be built.
        """
        ...


_SOURCES: dict[str, ModelSource] = {}

Source = TypeVar("Source", bound=ModelSource)


def model_source(name: str) -> Callable[[Source], Source]:
    """Register a source of networks under `name`.

    Raises:
        ValueError: the name is taken.
    """

    def register(source: Source) -> Source:
        if name in _SOURCES:
            raise ValueError(f"there is already a model source '{name}'")
        _SOURCES[name] = source
        return source

    return register


def find_source(text: str) -> tuple[ModelSource, str]:
    """Split `SOURCE:NAME` and find the source.

    Raises:
        SubjectError: the text has no colon or no name, or the source is not known.
    """
    source, colon, name = text.partition(":")
    if not colon or not name.strip():
        known = ", ".join(f"'{option}:...'" for option in _SOURCES)
        raise SubjectError(
            f"model.source is {text!r}; it must be a source, a colon and a name, such as 'torchvision:resnet18' "
            f"(known: {known})"
        )
    if source not in _SOURCES:
        raise SubjectError(f"model.source is {text!r}: there is no source '{source}'; {nearest(source, _SOURCES)}")
    return _SOURCES[source], name.strip()
