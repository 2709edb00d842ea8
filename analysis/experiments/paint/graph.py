"""The part of a generator after a layer as an ONNX graph, which generates the same pictures as PyTorch.

    weights, difference = write_graph(rest, references, images.levels, folder / GRAPH)

PyTorch's own exporter makes the graph, so every generator that PyTorch can export can be painted with. The exported
graph then generates every reference picture, and the result must be that of PyTorch.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx_ir as ir
import onnxruntime
import torch

from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.subjects.rest import TracedRest

    Floats = npt.NDArray[np.float32]
    Levels = Callable[[Floats], Floats]

TOLERANCE = 0.25
"""The largest difference between the graph's picture and PyTorch's, in 8-bit levels before rounding."""

OPSET = 20
"""The ONNX operator set of the graph; onnxruntime supports it since version 1.17."""

_MANY = 1000
"""The smallest number of values in a tensor that is stored in half precision."""

_STORED = ("float16", "float32")
"""The types in which weights can be stored. The first with which the graph generates PyTorch's pictures is used."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Inputs of the graph, and the picture that PyTorch generates from them, in 8-bit levels `(3, height, width)`."""

    inputs: tuple[Tensor, ...]
    levels: Floats


def input_names(rest: TracedRest) -> list[str]:
    """Return the names of the graph's inputs: the layer's activation maps, and the values around the layer."""
    return ["layer", *(f"around{place}" for place in range(len(rest.names)))]


def write_graph(rest: TracedRest, references: Sequence[Reference], levels: Levels, path: Path) -> tuple[str, float]:
    """Export the generator after the layer, and compare its pictures with the references.

    Args:
        rest: the generator after the layer.
        references: the pictures of PyTorch.
        levels: converts the values of a picture to 8-bit levels.
        path: the file to write.

    Returns:
        The type in which weights are stored, and the largest difference from a reference in 8-bit levels.

    Raises:
        SubjectError: the rest cannot be exported, or the graph generates other pictures than PyTorch.
    """
    difference = 0.0
    for weights in _STORED:
        model = _export(rest, references[0])
        if weights == "float16":
            _halve(model)
        ir.save(model, path)
        difference = _difference(path, input_names(rest), references, levels)
        if difference <= TOLERANCE:
            return weights, difference
    raise SubjectError(
        f"the generator after the layer '{rest.layer}', exported as ONNX, generates pictures that differ from "
        f"PyTorch's by up to {difference:.3g} of 256 levels, and at most {TOLERANCE} are allowed: name another layer"
    )


def _export(rest: TracedRest, reference: Reference) -> ir.Model:
    """Export the rest without optimization: merged layers would have weights that need more digits."""
    inputs = tuple(value.clone() for value in reference.inputs)  # tensors made in inference mode cannot be exported
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter warns about its own code
        try:
            program = torch.onnx.export(
                rest.after,
                inputs,
                dynamo=True,
                optimize=False,
                verbose=False,
                opset_version=OPSET,
                input_names=input_names(rest),
                output_names=["picture"],
            )
        except Exception as error:
            told = str(error).strip().splitlines() or [""]
            raise SubjectError(
                f"the generator after the layer '{rest.layer}' cannot be exported as ONNX ({type(error).__name__}: "
                f"{told[0]}): name another layer"
            ) from error
    assert program is not None  # noqa: S101 - it is `None` only if the exporter writes a file
    model: ir.Model = program.model
    return model


def _halve(model: ir.Model) -> None:
    """Store large weights in half precision; the graph converts them to single precision when it is loaded."""
    for value in list(model.graph.initializers.values()):
        stored = value.const_value
        if stored is None or stored.dtype != ir.DataType.FLOAT or stored.size < _MANY:
            continue
        with np.errstate(over="ignore"):  # weights that overflow change the pictures, and are found there
            numbers = stored.numpy().astype(np.float16)
        half = ir.Value(name=f"{value.name}_half", const_value=ir.tensor(numbers, name=f"{value.name}_half"))
        model.graph.register_initializer(half)
        cast = ir.node("Cast", [half], {"to": ir.DataType.FLOAT})
        model.graph.insert_before(model.graph[0], cast)
        ir.convenience.replace_all_uses_with(value, cast.outputs[0])
        del model.graph.initializers[str(value.name)]


def _difference(path: Path, names: Sequence[str], references: Sequence[Reference], levels: Levels) -> float:
    """Return the largest difference between the graph's pictures and PyTorch's, in 8-bit levels."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for reference in references:
        inputs = {name: value.cpu().numpy() for name, value in zip(names, reference.inputs, strict=True)}
        (answer,) = session.run(None, inputs)
        apart = float(np.abs(levels(answer[0]) - reference.levels).max())
        largest = max(largest, apart if np.isfinite(apart) else np.inf)
    return largest
