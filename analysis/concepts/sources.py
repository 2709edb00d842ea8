"""From the sources that a study lists to one vocabulary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

# Imported for what they register.
from dissectory.analysis.concepts import color, masks, onnx, python  # noqa: F401
from dissectory.analysis.concepts.parts import Parts
from dissectory.analysis.concepts.registry import OPENERS, SourceContext
from dissectory.analysis.concepts.vocabulary import Vocabulary
from dissectory.errors import ConceptsError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.concepts.vocabulary import ConceptSource
    from dissectory.analysis.subjects.geometry import Geometry


def open_sources(
    specs: Sequence[str], base: Path, geometry: Geometry, grid: int, threads: int | None = None
) -> Vocabulary:
    """Open the sources of a study and merge them.

    Args:
        specs: `onnx:FILE`, `python:FILE.py:FUNCTION`, `masks:FOLDER`, `color`, `parts`; the last wants every source of
            objects before it.
        base: the folder that relative paths start from.
        geometry: how pictures become views.
        grid: rows and columns of the labels.
        threads: how many threads a segmenter may use; None for as many as it likes.

    Raises:
        ConceptsError: for an unknown, a repeated, an unusable or a misplaced source.
    """
    context = SourceContext(base, geometry, grid, threads)
    opened: list[ConceptSource] = []
    seen: dict[tuple[str, Path], str] = {}
    for spec in specs:
        kind, _, argument = (piece.strip() for piece in spec.partition(":"))
        if kind not in OPENERS:
            raise ConceptsError(f"there is no source of concepts '{spec}'; {nearest(kind, OPENERS)}")
        # Two ways to write one path are one source.
        identity = (kind, (base / Path(argument).expanduser()).resolve())
        if identity in seen:
            raise ConceptsError(f"the source of concepts '{spec}' is listed twice (first as '{seen[identity]}')")
        seen[identity] = spec
        opened.append(OPENERS[kind](argument, replace(context, earlier=tuple(opened))))
        _check_place(spec, opened)
    return Vocabulary(opened)


def _check_place(spec: str, opened: Sequence[ConceptSource]) -> None:
    """Refuse a source of objects, the last one opened, that `parts` would pass over without a word."""
    *earlier, last = opened
    behind = any(isinstance(source, Parts) for source in earlier)
    if behind and any(concept.category == "object" for concept in last.concepts):
        raise ConceptsError(
            f"concepts.sources lists '{spec}' after 'parts', which halves the objects of the sources before it alone: "
            f"move 'parts' behind '{spec}', or to the end"
        )
