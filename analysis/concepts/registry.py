"""Kinds of concept sources by name: `onnx`, `python`, `masks`, `color`, `parts`, and what others add.

    @register("weather")
    def open_weather(argument: str, context: SourceContext) -> ConceptSource: ...

makes `weather:ARGUMENT` a source that a study can name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.concepts.vocabulary import ConceptSource
    from dissectory.analysis.subjects.geometry import Geometry


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a study tells every source that it opens."""

    base: Path
    """The folder that relative paths start from."""
    geometry: Geometry
    grid: int
    """Rows and columns of the labels."""
    threads: int | None = None
    """How many threads a source may use; None leaves it to the source."""
    earlier: tuple[ConceptSource, ...] = ()
    """The sources before this one, as the study lists them."""

    def path(self, argument: str, spec: str) -> Path:
        """Resolve the file or folder that a source's argument names.

        Raises:
            ConceptsError: if the argument is empty; `spec` says what it should look like.
        """
        if not argument:
            raise ConceptsError(f"a source of concepts names nothing after its colon; expected '{spec}'")
        return self.base / Path(argument).expanduser()


class Opener(Protocol):
    """Opens a source of one kind."""

    def __call__(self, argument: str, context: SourceContext) -> ConceptSource:
        """Open the source that `kind:argument` names in a study; the argument is empty where there is no colon.

        Raises:
            ConceptsError: saying what was given, what was expected and what to do.
        """
        ...


OPENERS: dict[str, Opener] = {}
"""Every known kind of source; filled by `register`."""


def register(kind: str) -> Callable[[Opener], Opener]:
    """Make a function the opener of the sources called `kind:...`.

    Raises:
        ValueError: if the kind is taken.
    """

    def keep(opener: Opener) -> Opener:
        if kind in OPENERS:
            raise ValueError(f"the kind of source '{kind}' is registered already")
        OPENERS[kind] = opener
        return opener

    return keep


def no_argument(kind: str, argument: str) -> None:
    """Refuse an argument for a kind of source that takes none.

    Raises:
        ConceptsError: naming the argument.
    """
    if argument:
        raise ConceptsError(
            f"the source '{kind}' takes nothing after its name; write '{kind}', not '{kind}:{argument}'"
        )


def source_name(path: Path) -> str:
    """Name a source after its file's stem or folder, or the folder above where the name says nothing.

    >>> source_name(Path("camvid/labels")), source_name(Path("ade20k/model.onnx")), source_name(Path("voc.onnx"))
    ('camvid', 'ade20k', 'voc')
    """
    own = path.name.removesuffix(".onnx")
    above = path.resolve().parent.name
    return above if own.lower() in {"labels", "masks", "model", "", "."} and above else own or path.resolve().name
