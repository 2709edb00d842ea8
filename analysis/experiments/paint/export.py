"""Painting with a generator's units in a browser: what the page needs is written here, and checked.

    prepare_painting(generator, "layer3", (latents,), [Paint("tree", units, levels)], run.folder / "paint", seeds=seeds)

The part of the network behind the layer is exported as ONNX, with torch's own exporter: any generator that PyTorch can
export can be painted with, not just ours. The exported file then draws every picture once more, as it is and painted,
and must draw what PyTorch draws. The module `painting` describes what the folder holds.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import torch
from PIL import Image

from dissectory.analysis.experiments.paint.painting import (
    CONTENTS,
    GRAPH,
    MAPS,
    STRONGEST,
    GraphAgreement,
    Input,
    Paint,
    Painting,
)
from dissectory.analysis.subjects.rest import Point, TracedRest, find_rest
from dissectory.errors import RunError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor, nn

    Floats = npt.NDArray[np.float32]

TOLERANCE = 0.25
"""Levels of 8 bits by which a value of the exported graph's picture may differ from PyTorch's, before rounding."""

OPSET = 20
"""Of the exported graph: onnxruntime reads it since 1.17."""

_MANY = 1000
"""A tensor of so many numbers is worth storing in half the bytes."""

_STORED = ("float16", "float32")
"""How weights are stored, the smaller first: the first one with which the graph draws what PyTorch draws is kept."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The values of a picture that are black and white."""

    low: float
    high: float

    def levels(self, values: Floats) -> Floats:
        """From a generator's values to levels of 8 bits, neither rounded nor kept in 0..255."""
        return (values - np.float32(self.low)) * np.float32(255 / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Inputs of the rest, and the picture that PyTorch makes of them, as levels `(3, height, width)`."""

    inputs: tuple[Tensor, ...]
    levels: Floats


def prepare_painting(
    module: nn.Module,
    layer: str,
    inputs: Sequence[Tensor],
    paints: Sequence[Paint],
    out: Path,
    *,
    seeds: Sequence[int],
    low: float = -1.0,
    high: float = 1.0,
) -> Painting:
    """Write the folder that the page to paint on is made of; it takes the place of an older one when all went well.

    Args:
        module: a generator in evaluation mode; its answer is a picture `(batch, 3, height, width)`.
        layer: whose maps are painted on.
        inputs: all that the generator makes the images to choose from of, each `(images, ...)`, on its device.
        paints: what can be painted, each concept once.
        out: the folder, `paint` in a run.
        seeds: of the images, each once: they name the images.
        low: the value of a picture that is black.
        high: the one that is white.

    Raises:
        SubjectError: the layer is unknown, its output is no map, the network behind it cannot be cut off or exported,
            it needs whole numbers, its answer is no picture, the exported graph draws something else than PyTorch,
            or inputs, seeds, paints and range do not fit together.
        RunError: the folder cannot be written.
    """
    _check_asked(inputs, paints, seeds, low, high)
    rest = find_rest(module, layer, *inputs)
    if not isinstance(rest, TracedRest):
        raise SubjectError(
            f"the generator cannot be painted with at '{layer}': what comes behind the layer cannot be cut off "
            f"({rest.reason}). Choose another layer"
        )
    with torch.inference_mode():
        points = [_halved_point(rest, [value[[place]] for value in inputs]) for place in range(len(seeds))]
        _check_maps(layer, points[0], paints)
        scale = _Range(low, high)
        pictures = [_draw(rest, point, scale) for point in points]
        tried = [*pictures, *(_draw(rest, point, scale) for paint in paints for point in _painted(points[0], paint))]
    with _replacing(out) as folder:
        weights, difference = _write_graph(rest, tried, scale, folder / GRAPH)
        numbers = [value.half().cpu().numpy().astype("<f2").tobytes() for one in pictures for value in one.inputs]
        (folder / MAPS).write_bytes(b"".join(numbers))
        for place, one in enumerate(pictures):
            Image.fromarray(_pixels(one.levels)).save(folder / f"{place}.png", optimize=True)
        names = _names(rest)
        painting = Painting(
            layer=layer,
            inputs=tuple(
                Input(name, tuple(value.shape[1:])) for name, value in zip(names, pictures[0].inputs, strict=True)
            ),
            height=pictures[0].levels.shape[1],
            width=pictures[0].levels.shape[2],
            low=float(low),
            high=float(high),
            seeds=tuple(int(seed) for seed in seeds),
            paints=tuple(paints),
            opset=OPSET,
            weights=weights,
            agreement=GraphAgreement(len(tried), difference, TOLERANCE),
        )
        (folder / CONTENTS).write_text(painting.to_json(), encoding="utf-8")
    return painting


def _check_asked(
    inputs: Sequence[Tensor], paints: Sequence[Paint], seeds: Sequence[int], low: float, high: float
) -> None:
    rows = [len(value) for value in inputs]
    if not rows or not seeds or set(rows) != {len(seeds)} or len(set(seeds)) != len(seeds):
        raise SubjectError(f"inputs of {rows} images need as many seeds, each another one; got {list(seeds)}")
    if not low < high:
        raise SubjectError(f"black ({low}) must be below white ({high})")
    names = [paint.concept for paint in paints]
    if not paints or len(set(names)) != len(names):
        raise SubjectError(f"paints must be of one or more concepts, each once; got {names}")
    for paint in paints:
        if not paint.units or len(paint.levels) != len(paint.units) or len(set(paint.units)) != len(paint.units):
            raise SubjectError(
                f"the paint of '{paint.concept}' needs one or more units, each once, and a level for each"
            )
        if not np.isfinite(paint.levels).all():
            raise SubjectError(f"the paint of '{paint.concept}' has a level that is no number: {paint.levels}")


def _halved_point(rest: TracedRest, image: Sequence[Tensor]) -> Point:
    """What a generator holds at the layer, rounded to the half precision that it is stored with."""
    point, _ = rest.run(*image)
    for name, value in zip((rest.layer, *rest.names), (point.output, *point.around), strict=True):
        if not value.is_floating_point():
            raise SubjectError(
                f"behind '{rest.layer}' the generator needs '{name}', which is {value.dtype}: the page stores numbers "
                "in half precision, which does not hold every whole number. Choose another layer"
            )
    return Point(point.output.half().float(), tuple(value.half().float() for value in point.around))


def _check_maps(layer: str, point: Point, paints: Sequence[Paint]) -> None:
    shape = tuple(point.output.shape[1:])
    if len(shape) != 3:  # noqa: PLR2004 - units, height, width
        raise SubjectError(
            f"the output of '{layer}' is {shape} and no map (units, height, width): choose another layer"
        )
    for paint in paints:
        if not 0 <= min(paint.units) <= max(paint.units) < shape[0]:
            raise SubjectError(
                f"the paint of '{paint.concept}' has units {paint.units}; those of '{layer}' are 0 to {shape[0] - 1}"
            )


def _painted(point: Point, paint: Paint) -> Iterator[Point]:
    """All cells erased, and all drawn as strongly as can be: what lies farthest from the pictures as they are."""
    for strength in (0.0, STRONGEST):
        maps = point.output.clone()
        maps[:, list(paint.units)] = strength * torch.tensor(paint.levels).to(maps)[:, None, None]
        yield Point(maps, point.around)


def _draw(rest: TracedRest, point: Point, scale: _Range) -> _Drawn:
    answer: Any = rest(point.output, point.around)
    if not isinstance(answer, torch.Tensor) or answer.ndim != 4 or answer.shape[1] != 3:  # noqa: PLR2004
        kind = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise SubjectError(f"the generator's answer is {kind}, and no picture (batch, 3, height, width)")
    levels = scale.levels(answer[0].float().cpu().numpy())
    if not np.isfinite(levels).all():
        raise SubjectError("the generator's picture has values that are no numbers, with maps in half precision")
    return _Drawn((point.output, *point.around), levels)


def _names(rest: TracedRest) -> list[str]:
    return ["layer", *(f"around{place}" for place in range(len(rest.names)))]


def _pixels(levels: Floats) -> npt.NDArray[np.uint8]:
    pixels: npt.NDArray[np.uint8] = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def _write_graph(rest: TracedRest, drawn: Sequence[_Drawn], scale: _Range, path: Path) -> tuple[str, float]:
    """Export the rest, and check it; returns how weights are stored, and the largest difference in levels."""
    difference = 0.0
    for weights in _STORED:
        model = _export(rest, drawn[0])
        if weights == "float16":
            _halve(model)
        ir.save(model, path)
        difference = _difference(path, _names(rest), drawn, scale)
        if difference <= TOLERANCE:
            return weights, difference
    raise SubjectError(
        f"the generator behind '{rest.layer}', exported as ONNX, draws pictures that are {difference:.3g} levels of 8 "
        f"bits away from PyTorch's; at most {TOLERANCE} are allowed. Choose another layer"
    )


def _export(rest: TracedRest, one: _Drawn) -> ir.Model:
    """Export the rest as it is: an exporter that folds layers would make weights that have more digits."""
    inputs = tuple(value.clone() for value in one.inputs)  # what inference made cannot be exported
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
                input_names=_names(rest),
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


def _difference(path: Path, names: Sequence[str], drawn: Sequence[_Drawn], scale: _Range) -> float:
    """The largest difference of the graph's pictures from PyTorch's, in levels."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest = 0.0
    for one in drawn:
        inputs = {name: value.cpu().numpy() for name, value in zip(names, one.inputs, strict=True)}
        (answer,) = session.run(None, inputs)
        apart = float(np.abs(scale.levels(answer[0]) - one.levels).max())
        largest = max(largest, apart if np.isfinite(apart) else np.inf)
    return largest


@contextlib.contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """Give an empty folder beside `out` that takes its place when all went well."""
    temporary = Path()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".paint-", dir=out.parent))
        yield temporary
        temporary.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        os.replace(temporary, out)  # noqa: PTH105 - as a run replaces its files
    except OSError as error:
        raise RunError(
            f"cannot write {out}: {error.strerror or error}. Free some space, or name another folder"
        ) from error
    finally:
        if temporary != Path():
            shutil.rmtree(temporary, ignore_errors=True)
