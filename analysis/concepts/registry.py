"""The registry of concept sources: `onnx`, `python`, `masks`, `color`, `parts`, and any that a plug-in adds.

    @register("weather")
    def open_weather(argument: str, context: SourceContext) -> ConceptSource: ...

With this code, a study can name the source `weather:ARGUMENT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.concepts.vocabulary import ConceptSource
    from dissectory.analysis.subjects.geometry import Geometry


CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a study passes to every concept source that it opens."""

    base: Path
    """The folder that relative paths start from: the folder of the study file."""
    geometry: Geometry
    grid: int
    """Rows and columns of the common grid, on which sources give labels."""
    threads: int | None = None
    """How many threads a source may use; `None`: the source decides."""
    device: torch.device = CPU
    """The device of the study, on which a neural segmenter runs."""
    earlier: tuple[ConceptSource, ...] = ()
    """The sources that the study lists before this one."""

    def path(self, argument: str, spec: str) -> Path:
        """Resolve the file or folder that a source's argument names.

        Raises:
            ConceptsError: if the argument is empty. The message shows `spec`, the expected form of the source.
        """
        if not argument:
            raise ConceptsError(
                f"a concept source has no file or folder after its name; write it as '{spec}' in [concepts] sources"
            )
        return self.base / Path(argument).expanduser()


class Opener(Protocol):
    """A function that opens concept sources of one kind."""

    def __call__(self, argument: str, context: SourceContext) -> ConceptSource:
        """Open the source that the study names as `kind:argument`; the argument is empty if there is no colon.

        Raises:
            ConceptsError: with what was given, what was expected, and what to do.
        """
        ...


OPENERS: dict[str, Opener] = {}
"""Every known kind of concept source; `register` fills it."""


def register(kind: str) -> Callable[[Opener], Opener]:
    """Register the decorated function as the opener of the sources `kind:...`.

    Raises:
        ValueError: if the kind is already registered.
    """

    def keep(opener: Opener) -> Opener:
        if kind in OPENERS:
            raise ValueError(f"the concept source '{kind}' is already registered; choose another name")
        OPENERS[kind] = opener
        return opener

    return keep


def no_argument(kind: str, argument: str) -> None:
    """Refuse an argument after a concept source that takes none.

    Raises:
        ConceptsError: if the argument is not empty.
    """
    if argument:
        raise ConceptsError(f"the concept source '{kind}' takes no argument; write '{kind}', not '{kind}:{argument}'")


def source_name(path: Path) -> str:
    """Return the name of a source: its file's stem or its folder, or the parent folder if that name is generic.

    >>> source_name(Path("camvid/labels")), source_name(Path("ade20k/model.onnx")), source_name(Path("voc.onnx"))
    ('camvid', 'ade20k', 'voc')
    """
    own = path.name.removesuffix(".onnx")
    above = path.resolve().parent.name
    return above if own.lower() in {"labels", "masks", "model", "", "."} and above else own or path.resolve().name
