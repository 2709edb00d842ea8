"""The concept source `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`: a segmenter in PyTorch.

The function takes no arguments and returns a module. The module takes pixels `(batch, 3, height, width)` and returns
scores `(batch, classes, rows, columns)` whose cells divide the image evenly. It can also return a tuple of such
tensors; a pixel then has one label of each. The module has these attributes:

    labels      for each output, the (name, category) of its classes in order, such as
                ((("nothing", "background"), ("tree", "object")), (("nothing", "background"), ("trunk", "part")))
    size        the width and height of its input, in pixels; without it, views keep their size
    mean, std   a number, or three for R, G, B; the input is (pixels in 0..1 - mean) / std; without them, 0 and 1

The categories are those of `labels.csv`: a class that is `void` or `background` has no concept. Views are resized, and
scores are sampled on the grid, as for an ONNX segmenter.

The module runs on the study's device, so every tensor that it keeps must be a parameter or a buffer. If a batch does
not fit into the device's memory, it and all further batches run in smaller parts.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from dissectory.analysis.concepts.labels import NOTHING
from dissectory.analysis.concepts.registry import CPU, register
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.analysis.subjects.identity import code_hash, network_hash
from dissectory.analysis.subjects.inputs import NetworkInput
from dissectory.analysis.subjects.sources.python import build_module
from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.analysis.tally.device.memory import divided
from dissectory.errors import ConceptsError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import nn

    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.tables.categories import Category

    Table = tuple[tuple[str, str], ...]

_RANK = 4
_EXPECTED = (
    "expected, for each output, a list of (name, category), where category is one of "
    f"{', '.join(repr(name) for name in (*CATEGORIES, *NOTHING))}"
)


class TorchSegmenter:
    """A segmenter that a function in the user's code builds.

    Raises:
        ConceptsError: if it has no labels, cannot be run, or has outputs that do not match its labels.
    """

    def __init__(
        self, module: nn.Module, argument: str, size: int, grid: int, base: Path, *, device: torch.device = CPU
    ) -> None:
        """Move the segmenter to a device, run it on an empty view of `size` x `size` pixels, and check its outputs."""
        self.name = argument.rpartition(":")[2]
        self._module = module.to(device).float().eval()
        self._device = device
        self._most: int | None = None
        self._code = code_hash(module, f"python:{argument}", base)
        self._grid = grid
        try:
            self._input = NetworkInput.of(module, f"the segmenter {self.name}")
        except SubjectError as error:
            raise ConceptsError(str(error)) from None
        self._side = self._input.size or size
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
            raise ConceptsError(f"the 'labels' of the segmenter {self.name} have no concepts; {_EXPECTED}")
        self.concepts = tuple(concepts)
        self.planes = len(tables)
        scores = self._scores(np.zeros((1, size, size, 3), dtype=np.uint8))
        for place, (score, table) in enumerate(zip(scores, tables, strict=True)):
            if score.shape[1] != len(table):
                raise ConceptsError(
                    f"output {place} of the segmenter {self.name} has {score.shape[1]} classes, but its labels have "
                    f"{len(table)} names; {_EXPECTED}"
                )

    def fingerprint(self, paths: Sequence[str]) -> str:  # noqa: ARG002 - uses only the view
        """Hash the module, its code, and how its input and output are converted."""
        ways = repr((self._side, self._input.mean.tolist(), self._input.std.tolist()))
        tables = b"".join(table.tobytes() for table in self._lookups)
        return hashlib.sha256((network_hash(self._module) + self._code + ways).encode() + tables).hexdigest()

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:  # noqa: ARG002 - uses only the view
        """Segment a batch of views.

        Raises:
            ConceptsError: the segmenter fails, or a single view does not fit on the device.
        """
        views, most = batch.views, self._most or len(batch)
        parts = list(divided(lambda first, last: self._labels(views[first:last]), len(views), most))
        if len(parts) > 1:
            self._most = max(map(len, parts))
        return np.concatenate(parts)

    def _labels(self, views: npt.NDArray[np.uint8]) -> Planes:
        """Return the labels of views `(batch, size, size, 3)`: `(batch, planes, grid, grid)`."""
        size = (self._grid, self._grid)
        planes = []
        for scores, lookup in zip(self._scores(views), self._lookups, strict=True):
            # Bilinear resizing without antialiasing samples its input exactly at the centers of the grid positions.
            fits = scores.shape[2:] == size
            sampled = scores if fits else interpolate(scores, size=size, mode="bilinear", align_corners=False)
            highest, classes = sampled.max(dim=1)  # max returns NaN if any score is NaN
            if highest.isnan().any():
                raise ConceptsError(f"the segmenter {self.name} returned NaN scores; check its weights")
            planes.append(lookup[classes.cpu().numpy()])
        return np.stack(planes, axis=1)

    def _scores(self, views: npt.NDArray[np.uint8]) -> tuple[Tensor, ...]:
        """Return the scores of views `(batch, size, size, 3)`: for each output `(batch, classes, rows, columns)`."""
        pixels = self._input.pixels(views).to(self._device)
        try:
            with torch.inference_mode():
                answer = self._module(pixels)
        except torch.OutOfMemoryError as error:
            if len(views) > 1:
                raise
            raise ConceptsError(
                f"the device has not enough memory for the segmenter {self.name} and one image: use smaller images "
                "(images.size), or set compute.device to 'cpu'"
            ) from error
        except Exception as error:  # the user's module can raise anything
            raise ConceptsError(
                f"the segmenter {self.name} fails on input of shape {tuple(pixels.shape)}: "
                f"{type(error).__name__}: {error}"
            ) from error
        scores = answer if isinstance(answer, tuple) else (answer,)
        fits = [isinstance(score, Tensor) and score.ndim == _RANK and len(score) == len(views) for score in scores]
        if len(scores) != self.planes or not all(fits):
            told = [tuple(score.shape) if isinstance(score, Tensor) else type(score).__name__ for score in scores]
            raise ConceptsError(
                f"the segmenter {self.name} returned {told}; its labels need {self.planes} outputs "
                "(batch, classes, rows, columns)"
            )
        return tuple(score.float() for score in scores)

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
    """Return the concept's number for each class `(classes,)`, starting after `before`; 0 for no concept."""
    counts = np.array([category not in NOTHING for _, category in table])
    return np.where(counts, before + counts.cumsum(), 0).astype(np.uint16)


@register("python")
def open_python(argument: str, context: SourceContext) -> TorchSegmenter:
    """Open the concept source `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`."""
    try:
        module = build_module(argument, context.base, "a concept source")
    except SubjectError as error:
        raise ConceptsError(str(error)) from error
    size = context.geometry.size
    return TorchSegmenter(module, argument, size, context.grid, context.base, device=context.device)
