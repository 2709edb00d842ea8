"""The source `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`: a neural segmenter as a PyTorch module.

The function takes no arguments. What it returns is called on pictures `(batch, 3, height, width)` and answers with
scores `(batch, classes, rows, columns)` whose cells tile the picture evenly, or with a tuple of several such tensors: a
pixel carries a label of each. Beside that it has the attributes

    labels      for each output the (name, category) of its classes in order, such as
                ((("nothing", "background"), ("tree", "object")), (("nothing", "background"), ("trunk", "part")))
    size        pixels across what it takes; without it, views come as they are
    mean, std   a number, or three for R, G, B: it takes pixels 0..1, less the mean, by the deviation; 0 and 1 without

Categories are those of `labels.csv`: what is `void` or `background` counts for nothing. Views are resized and scores
are read as those of an ONNX segmenter are.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from dissectory.analysis.concepts.labels import NOTHING
from dissectory.analysis.concepts.onnx import resized
from dissectory.analysis.concepts.registry import register
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.analysis.schema import CATEGORIES
from dissectory.analysis.subjects.identity import code_hash, network_hash
from dissectory.analysis.subjects.sources.python import build_module
from dissectory.errors import ConceptsError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import nn

    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.schema import Category
    from dissectory.analysis.subjects.images import ViewBatch

    Table = tuple[tuple[str, str], ...]

_RANK = 4
_EXPECTED = (
    "expected, for each output, a list of (name, category), the category one of "
    f"{', '.join(repr(name) for name in (*CATEGORIES, *NOTHING))}"
)


class TorchSegmenter:
    """A segmenter that a function of the user's builds.

    Raises:
        ConceptsError: it lacks labels, cannot be run, or its outputs do not fit its labels.
    """

    def __init__(self, module: nn.Module, argument: str, size: int, grid: int, base: Path) -> None:
        """Try it on an empty view of `size` x `size` pixels."""
        self.name = argument.rpartition(":")[2]
        self._module = module.cpu().float().eval()
        self._code = code_hash(module, f"python:{argument}", base)
        self._grid = grid
        self._side = self._number("size", size)
        self._mean, self._std = self._color("mean", 0), self._color("std", 1)
        tables = self._tables()
        self._lookups = []
        concepts: list[Concept] = []
        for table in tables:
            self._lookups.append(_lookup(table, len(concepts)))
            concepts += [
                Concept(name, cast("Category", category), self.name)
                for name, category in table
                if category not in NOTHING
            ]
        if not concepts:
            raise ConceptsError(f"the segmenter {self.name} names nothing that counts in its 'labels'; {_EXPECTED}")
        self.concepts = tuple(concepts)
        self.planes = len(tables)
        scores = self._scores(np.zeros((1, size, size, 3), dtype=np.uint8))
        for place, (score, table) in enumerate(zip(scores, tables, strict=True)):
            if score.shape[1] != len(table):
                raise ConceptsError(
                    f"the output {place} of the segmenter {self.name} has {score.shape[1]} classes, and its labels "
                    f"{len(table)} names; {_EXPECTED}"
                )

    def fingerprint(self, paths: Sequence[str]) -> str:  # noqa: ARG002 - it looks at the view alone
        """Hash the module, its code, and what goes in and comes out."""
        ways = repr((self._side, self._mean.tolist(), self._std.tolist()))
        tables = b"".join(table.tobytes() for table in self._lookups)
        return hashlib.sha256((network_hash(self._module) + self._code + ways).encode() + tables).hexdigest()

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:  # noqa: ARG002 - it looks at the view alone
        """Segment a batch of views."""
        size = (self._grid, self._grid)
        planes = []
        for scores, lookup in zip(self._scores(batch.views), self._lookups, strict=True):
            # Bilinear resizing without antialiasing reads its input at exactly the centers of the grid's cells.
            fits = scores.shape[2:] == size
            sampled = scores if fits else interpolate(scores, size=size, mode="bilinear", align_corners=False)
            highest, classes = sampled.max(dim=1)  # NaN is the highest
            if highest.isnan().any():
                raise ConceptsError(
                    f"the segmenter {self.name} gives scores that are not numbers: are its weights whole?"
                )
            planes.append(lookup[classes.numpy()])
        return np.stack(planes, axis=1)

    def _scores(self, views: npt.NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Scores of views `(batch, size, size, 3)`: for each output `(batch, classes, rows, columns)`."""
        side = (self._side, self._side)
        pixels = torch.cat([torch.from_numpy(resized(view, side)) for view in views])
        try:
            with torch.inference_mode():
                answer = self._module((pixels - self._mean) / self._std)
        except Exception as error:  # whatever the module raises
            raise ConceptsError(
                f"the segmenter {self.name} fails on pictures {tuple(pixels.shape)}: {type(error).__name__}: {error}"
            ) from error
        scores = answer if isinstance(answer, tuple) else (answer,)
        fits = [isinstance(one, Tensor) and one.ndim == _RANK and len(one) == len(views) for one in scores]
        if len(scores) != self.planes or not all(fits):
            told = [tuple(one.shape) if isinstance(one, Tensor) else type(one).__name__ for one in scores]
            raise ConceptsError(
                f"the segmenter {self.name} answers with {told}; its labels are of {self.planes} outputs "
                "(batch, classes, rows, columns)"
            )
        return tuple(one.float() for one in scores)

    def _number(self, name: str, default: int) -> int:
        value = getattr(self._module, name, default)
        if not isinstance(value, int) or value < 1:
            raise ConceptsError(f"the segmenter {self.name} has {name} = {value!r}; it must be a whole number above 0")
        return value

    def _color(self, name: str, default: float) -> Tensor:
        value: Any = getattr(self._module, name, default)
        try:
            column = torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1, 1)
        except (TypeError, ValueError, RuntimeError):
            column = torch.empty(0, 1, 1)
        if len(column) not in {1, 3} or not column.isfinite().all() or (name == "std" and (column <= 0).any()):
            raise ConceptsError(f"the segmenter {self.name} has {name} = {value!r}; it must be a number, or three")
        return column

    def _tables(self) -> tuple[Table, ...]:
        labels: Any = getattr(self._module, "labels", None)
        if labels is None:
            raise ConceptsError(f"the segmenter {self.name} has no attribute 'labels'; {_EXPECTED}")
        try:
            tables = tuple(tuple((name, category) for name, category in table) for table in labels)
        except (TypeError, ValueError):
            raise ConceptsError(f"the 'labels' of the segmenter {self.name} cannot be read; {_EXPECTED}") from None
        for name, category in (row for table in tables for row in table):
            if not isinstance(name, str) or category not in (*CATEGORIES, *NOTHING):
                raise ConceptsError(f"the segmenter {self.name} has the label {(name, category)!r}; {_EXPECTED}")
        return tables


def _lookup(table: Table, before: int) -> npt.NDArray[np.uint16]:
    """From class to the concept's number `(classes,)`, which counts on from `before`; 0 for nothing."""
    counts = np.array([category not in NOTHING for _, category in table])
    return np.where(counts, before + counts.cumsum(), 0).astype(np.uint16)


@register("python")
def open_python(argument: str, context: SourceContext) -> TorchSegmenter:
    """Open the source `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`."""
    try:
        module = build_module(argument, context.base, "a source of concepts")
    except SubjectError as error:
        raise ConceptsError(str(error)) from error
    return TorchSegmenter(module, argument, context.geometry.size, context.grid, context.base)
