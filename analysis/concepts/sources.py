"""Open the concept sources that a study lists, and merge them into one vocabulary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

# Importing these modules registers their sources.
from dissectory.analysis.concepts import color, masks, onnx, python  # noqa: F401
from dissectory.analysis.concepts.parts import Parts
from dissectory.analysis.concepts.registry import CPU, OPENERS, SourceContext
from dissectory.analysis.concepts.vocabulary import Vocabulary
from dissectory.errors import ConceptsError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from dissectory.analysis.concepts.vocabulary import ConceptSource
    from dissectory.analysis.subjects.geometry import Geometry


def open_sources(
    specs: Sequence[str],
    base: Path,
    geometry: Geometry,
    grid: int,
    threads: int | None = None,
    *,
    device: torch.device = CPU,
) -> Vocabulary:
    """Open the concept sources of a study and merge them.

    Args:
        specs: `onnx:FILE`, `python:FILE.py:FUNCTION`, `masks:FOLDER`, `color` or `parts`; every source with objects
            must precede `parts`.
        base: the folder that relative paths start from.
        geometry: how images are resized and cropped to views.
        grid: rows and columns of the common grid.
        threads: how many threads a segmenter may use; `None` for no limit.
        device: the device on which neural segmenters run.

    Raises:
        ConceptsError: if a source is unknown, repeated, unusable or in the wrong place.
    """
    context = SourceContext(base, geometry, grid, threads, device)
    opened: list[ConceptSource] = []
    seen: dict[tuple[str, Path], str] = {}
    for spec in specs:
        kind, _, argument = (piece.strip() for piece in spec.partition(":"))
        if kind not in OPENERS:
            raise ConceptsError(f"unknown concept source '{spec}'; {nearest(kind, OPENERS)}")
        # Compare resolved paths: two spellings of one path are the same source.
        identity = (kind, (base / Path(argument).expanduser()).resolve())
        if identity in seen:
            raise ConceptsError(
                f"the concept source '{spec}' is listed twice (first as '{seen[identity]}'); remove one of the two"
            )
        seen[identity] = spec
        opened.append(OPENERS[kind](argument, replace(context, earlier=tuple(opened))))
        _check_place(spec, opened)
    return Vocabulary(opened)


def _check_place(spec: str, opened: Sequence[ConceptSource]) -> None:
    """Refuse the last opened source if it has objects and follows `parts`, which would silently ignore them."""
    *earlier, last = opened
    behind = any(isinstance(source, Parts) for source in earlier)
    if behind and any(concept.category == "object" for concept in last.concepts):
        raise ConceptsError(
            f"concepts.sources lists '{spec}' after 'parts', which halves only the objects of the sources before it: "
            f"move 'parts' after '{spec}', or to the end"
        )
