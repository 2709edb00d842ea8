"""The part of a generator behind a layer as an ONNX graph, which generates the same pictures as PyTorch.

    weights, difference = write_graph(rest, references, images.levels, folder / GRAPH)

torch's own exporter writes the graph, so any generator that PyTorch can export can be painted with. The exported graph
then generates every reference picture once more, and must generate what PyTorch generated.
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
"""Levels of 8 bits by which a value of the exported graph's picture may differ from PyTorch's, before rounding."""

OPSET = 20
"""Of the exported graph: onnxruntime reads it since 1.17."""

_MANY = 1000
"""A tensor of so many numbers is worth storing in half the bytes."""

_STORED = ("float16", "float32")
"""How weights are stored, the smaller first: the first one with which the graph draws what PyTorch draws is kept."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Inputs of the graph, and the picture that PyTorch generates from them, as levels `(3, height, width)`."""

    inputs: tuple[Tensor, ...]
    levels: Floats


def input_names(rest: TracedRest) -> list[str]:
    """Name the inputs of the graph: the layer's maps, and the values around the layer."""
    return ["layer", *(f"around{place}" for place in range(len(rest.names)))]


def write_graph(rest: TracedRest, references: Sequence[Reference], levels: Levels, path: Path) -> tuple[str, float]:
    """Export the rest, and check it; returns how weights are stored, and the largest difference in levels.

    Raises:
        SubjectError: the rest cannot be exported, or the graph draws something else than PyTorch.
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
        f"the generator behind '{rest.layer}', exported as ONNX, draws pictures that are {difference:.3g} levels of 8 "
        f"bits away from PyTorch's; at most {TOLERANCE} are allowed. Choose another layer"
    )


def _export(rest: TracedRest, reference: Reference) -> ir.Model:
    """Export the rest as it is: an exporter that folds layers would make weights that have more digits."""
    inputs = tuple(value.clone() for value in reference.inputs)  # what inference made cannot be exported
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter, about itself
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
                f"the generator behind '{rest.layer}' cannot be exported as ONNX ({type(error).__name__}: {told[0]}): "
                "choose another layer"
            ) from error
    assert program is not None  # noqa: S101 - only where it is told to write a file
    model: ir.Model = program.model
    return model


def _halve(model: ir.Model) -> None:
    """Store large weights in half precision; they are made whole again when the graph is loaded."""
    for value in list(model.graph.initializers.values()):
        stored = value.const_value
        if stored is None or stored.dtype != ir.DataType.FLOAT or stored.size < _MANY:
            continue
        with np.errstate(over="ignore"):  # what is too large for it shows in the pictures
            numbers = stored.numpy().astype(np.float16)
        half = ir.Value(name=f"{value.name}_half", const_value=ir.tensor(numbers, name=f"{value.name}_half"))
        model.graph.register_initializer(half)
        cast = ir.node("Cast", [half], {"to": ir.DataType.FLOAT})
        model.graph.insert_before(model.graph[0], cast)
        ir.convenience.replace_all_uses_with(value, cast.outputs[0])
        del model.graph.initializers[str(value.name)]


def _difference(path: Path, names: Sequence[str], references: Sequence[Reference], levels: Levels) -> float:
    """The largest difference of the graph's pictures from PyTorch's, in levels."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for reference in references:
        inputs = {name: value.cpu().numpy() for name, value in zip(names, reference.inputs, strict=True)}
        (answer,) = session.run(None, inputs)
        apart = float(np.abs(levels(answer[0]) - reference.levels).max())
        largest = max(largest, apart if np.isfinite(apart) else np.inf)
    return largest
