"""The concept source `onnx:FILE`: a neural segmenter in an ONNX file, run by onnxruntime.

The model has one input, float32 `(n, 3, height, width)`, RGB in 0..1. Its output `logits`, or its only output, is
float32 `(n, classes, rows, columns)`, and its cells divide the image evenly. `MODEL.labels.csv` beside `MODEL.onnx`,
or else `labels.csv` in the same folder, lists the concepts of the classes.

The segmenter sees the same view as the network. The view is resized bilinearly to the input size of the model (with
half-pixel centers; with antialiasing if a side shrinks, as Pillow does). The logits are interpolated bilinearly, also
with half-pixel centers, at the center of each grid position. The class with the highest logit is the label.

If the study's device is a CUDA device, the segmenter runs on it, provided that onnxruntime has a CUDA provider (the
package onnxruntime-gpu has one). Otherwise it runs on the CPU; on a CUDA device, the manifest then has a note.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import torch
from torch.nn.functional import interpolate

from dissectory.analysis.concepts.labels import find_labels, read_labels
from dissectory.analysis.concepts.registry import CPU, register, source_name
from dissectory.analysis.subjects.weights import sha256
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.concepts.labels import Labels
    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.subjects.images import ViewBatch

    Logits = npt.NDArray[np.float32]

_RANK = 4
_LOGITS = "logits"
_OUTSIDE = re.compile(rb"\x0a\x08location\x12([\x00-\x7f])", re.DOTALL)
"""What precedes the name of an external data file in an ONNX file: the key, and the length of the name."""
_EXPECTED = "expected one input float32 (n, 3, height, width) and an output float32 (n, classes, rows, columns)"


ON_CUDA, ON_CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
"""The names of onnxruntime's providers."""


class OnnxSegmenter:
    """A neural segmenter.

    It runs on one image at a time. On a CPU this is as fast as a batch and needs less memory, and no label depends on
    the other images of its batch.
    """

    planes = 1

    def __init__(
        self,
        path: Path,
        labels: Labels,
        size: int,
        grid: int,
        threads: int | None = None,
        *,
        device: torch.device = CPU,
    ) -> None:
        """Load the model, and run it on an empty view of `size` x `size` pixels.

        Raises:
            ConceptsError: if the file is not such a model, or the labels list an index that it has no class for.
        """
        self.name = source_name(path)
        self.concepts = labels.concepts
        self._path = path
        self._grid = grid
        self._device = device
        self._session = _session(path, threads, providers_for(device))
        self._input, self._copies, self._side = self._interface(size)
        self._output = self._logits_name()
        classes = self._logits(np.zeros((size, size, 3), dtype=np.uint8)).shape[0]
        self._lookup = self._class_table(labels, classes)

    @property
    def provider(self) -> str:
        """The provider of onnxruntime that runs the model: its first, which is the CPU's if another cannot start."""
        first: str = self._session.get_providers()[0]
        return first

    @property
    def notes(self) -> tuple[str, ...]:
        """Say that the segmenter did not run on the study's CUDA device."""
        if self._device.type != "cuda" or self.provider == ON_CUDA:
            return ()
        note = (
            f"The segmenter {self.name} ran on the CPU, because onnxruntime has no CUDA provider that works here; the "
            "package onnxruntime-gpu, installed instead of onnxruntime, has one."
        )
        return (note,)

    def fingerprint(self, paths: Sequence[str]) -> str:  # noqa: ARG002 - uses only the view
        """Hash the model's file, its external data files, the table of its classes, and what runs it."""
        content = self._path.read_bytes()
        total = hashlib.sha256(content + self._lookup.tobytes() + self.provider.encode())
        for place in _OUTSIDE.finditer(content):
            name = content[place.end() : place.end() + place[1][0]]
            if (file := self._path.parent / os.fsdecode(name)).is_file():
                total.update(sha256(file).encode())
        return total.hexdigest()

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:  # noqa: ARG002 - uses only the view
        """Segment a batch of views."""
        classes = np.stack([self._sampled(view).argmax(axis=0) for view in batch.views])
        labels: Planes = self._lookup[classes]
        return labels[:, None]

    def _sampled(self, view: npt.NDArray[np.uint8]) -> Logits:
        """Return the logits of one view at the centers of the grid positions `(classes, grid, grid)`."""
        logits = torch.from_numpy(self._logits(view))[None]
        # Bilinear resizing without antialiasing samples its input exactly at these centers.
        sampled = interpolate(logits, size=(self._grid, self._grid), mode="bilinear", align_corners=False)
        if sampled.isnan().any():
            raise ConceptsError(
                f"the segmenter {self._path} returned NaN logits; the file may be damaged: get it again"
            )
        return sampled[0].numpy()

    def _logits(self, view: npt.NDArray[np.uint8]) -> Logits:
        """Run one view `(size, size, 3)` through the model: `(classes, rows, columns)`."""
        pixels = resized(view, self._side)
        feed = {self._input: np.repeat(pixels, self._copies, axis=0) if self._copies > 1 else pixels}
        try:
            logits = self._session.run([self._output], feed)[0]
        except Exception as error:  # noqa: BLE001 - onnxruntime has no common base for its errors
            raise ConceptsError(f"the segmenter {self._path} cannot be run ({_line(error)}); {_EXPECTED}") from None
        if logits.ndim != _RANK or logits.dtype != np.float32:
            raise ConceptsError(f"the segmenter {self._path} returned {logits.dtype} {logits.shape}; {_EXPECTED}")
        first: Logits = logits[0]
        return first

    def _interface(self, size: int) -> tuple[str, int, tuple[int, int]]:
        """Return the input's name, its fixed batch size or 1, and its height and width or else those of the view."""
        inputs = self._session.get_inputs()
        taken = ", ".join(f"{item.name} {item.type} {item.shape}" for item in inputs)
        fits = len(inputs) == 1 and inputs[0].type == "tensor(float)" and len(inputs[0].shape) == _RANK
        if not fits or (isinstance(inputs[0].shape[1], int) and inputs[0].shape[1] != 3):  # noqa: PLR2004 - RGB
            raise ConceptsError(f"the input of the segmenter {self._path} is {taken or 'missing'}; {_EXPECTED}")
        batch, _, height, width = inputs[0].shape
        side = (height if isinstance(height, int) else size, width if isinstance(width, int) else size)
        return inputs[0].name, batch if isinstance(batch, int) else 1, side

    def _logits_name(self) -> str:
        names = [item.name for item in self._session.get_outputs()]
        if len(names) > 1 and _LOGITS not in names:
            raise ConceptsError(
                f"the segmenter {self._path} has the outputs {names}; rename the output to use to '{_LOGITS}'"
            )
        return _LOGITS if _LOGITS in names else names[0]

    def _class_table(self, labels: Labels, classes: int) -> npt.NDArray[np.uint16]:
        """Return the concept's number for each class `(classes,)`; 0 for no concept."""
        for concept, index in zip(labels.concepts, labels.indices, strict=True):
            if index >= classes:
                raise ConceptsError(
                    f"the labels of {self._path} give {concept.name!r} the index {index}, but the segmenter has "
                    f"{classes} classes, 0 to {classes - 1}: correct the index in labels.csv"
                )
        return labels.lookup()[:classes]


def resized(view: npt.NDArray[np.uint8], side: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Convert a view `(size, size, 3)`, 0..255, to a model's input `(1, 3, height, width)`, 0..1."""
    writable = np.require(view, requirements=["C", "W"])  # torch warns about memory that is not writable
    pixels = torch.from_numpy(writable).permute(2, 0, 1)[None].to(torch.float32) / 255.0
    if side != tuple(pixels.shape[-2:]):
        shrinks = side[0] < pixels.shape[-2] or side[1] < pixels.shape[-1]
        pixels = interpolate(pixels, size=side, mode="bilinear", align_corners=False, antialias=shrinks)
    return pixels.contiguous().numpy()


def providers_for(device: torch.device) -> list[str | tuple[str, dict[str, str]]]:
    """Return the providers that onnxruntime tries in turn on a device: for CUDA devices the CUDA provider first.

    Products keep all digits of float32 (no TF32), and the algorithm of a convolution does not depend on timings.
    """
    if device.type != "cuda" or ON_CUDA not in onnxruntime.get_available_providers():
        return [ON_CPU]
    options = {"device_id": str(device.index or 0), "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
    return [(ON_CUDA, options), ON_CPU]


def _session(path: Path, threads: int | None, providers: Sequence[object]) -> Any:  # noqa: ANN401 - onnxruntime has no types
    options = onnxruntime.SessionOptions()
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # the error below reports what onnxruntime would print
    # Spinning threads would take CPU time from torch, which computes in turns with the segmenter.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # noqa: BLE001 - onnxruntime has no common base for its errors
        raise ConceptsError(
            f"{path} cannot be loaded as an ONNX model ({_line(error)}); the file may be damaged: get it again"
        ) from None


def _line(error: Exception) -> str:
    """Return the first line of an error's text, up to 200 characters."""
    return str(error).strip().split("\n")[0][:200]


@register("onnx")
def open_onnx(argument: str, context: SourceContext) -> OnnxSegmenter:
    """Open the concept source `onnx:FILE`."""
    path = context.path(argument, "onnx:FILE")
    if not path.is_file():
        raise ConceptsError(f"the segmenter {path} does not exist; 'onnx:FILE' needs an ONNX file")
    file = find_labels([path.with_suffix(".labels.csv"), path.parent / "labels.csv"], f"'onnx:{argument}'")
    labels = read_labels(file, source_name(path))
    return OnnxSegmenter(path, labels, context.geometry.size, context.grid, context.threads, device=context.device)
