"""The folder from which the page to paint on is made.

    images = SeededImages((latents,), seeds)
    prepare_painting(generator, "layer3", images, [Paint("tree", units, levels)], run.folder / "paint")

The module `graph` exports the part of the generator after the layer. The module `painting` describes the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from dissectory.analysis.experiments.paint.graph import OPSET, TOLERANCE, Reference, input_names, write_graph
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

    from dissectory.analysis.experiments.paint.images import SeededImages

    Floats = npt.NDArray[np.float32]


def prepare_painting(
    module: nn.Module, layer: str, images: SeededImages, paints: Sequence[Paint], out: Path
) -> Painting:
    """Write the folder from which the page to paint on is made. If there is no error, it replaces an older folder.

    Args:
        module: a generator in evaluation mode; its output is a picture `(batch, 3, height, width)`.
        layer: the layer whose activation maps are painted on.
        images: the images to choose from.
        paints: the paints, one for each concept.
        out: the folder, `paint` in a run.

    Raises:
        SubjectError: the layer is unknown, its output is not an activation map, the generator cannot be cut after the
            layer or exported, a value around the layer is not a floating-point number, the output is not a picture,
            the exported graph generates other pictures than PyTorch, or the arguments do not fit together.
        RunError: the folder cannot be written.
    """
    images.check()
    _check_paints(paints)
    rest = find_rest(module, layer, *images.inputs)
    if not isinstance(rest, TracedRest):
        raise SubjectError(
            f"the generator cannot be cut after the layer '{layer}' ({rest.reason}), so a browser cannot run the part "
            "after it: name another layer"
        )
    pictures, painted = _references(rest, images, paints)
    with _replacing(out) as folder:
        tried = [*pictures, *painted]
        weights, difference = write_graph(rest, tried, images.levels, folder / GRAPH)
        _write_images(pictures, folder)
        _, height, width = pictures[0].levels.shape
        shapes = [tuple(value.shape[1:]) for value in pictures[0].inputs]
        painting = Painting(
            layer=layer,
            inputs=tuple(Input(name, shape) for name, shape in zip(input_names(rest), shapes, strict=True)),
            height=height,
            width=width,
            low=float(images.low),
            high=float(images.high),
            seeds=tuple(int(seed) for seed in images.seeds),
            paints=tuple(paints),
            opset=OPSET,
            weights=weights,
            agreement=GraphAgreement(len(tried), difference, TOLERANCE),
        )
        (folder / CONTENTS).write_text(painting.to_json(), encoding="utf-8")
    return painting


def _references(
    rest: TracedRest, images: SeededImages, paints: Sequence[Paint]
) -> tuple[list[Reference], list[Reference]]:
    """Generate every image unchanged; then the first image with each paint, erased and at full strength."""
    with torch.inference_mode():
        points = [_halved_point(rest, images.inputs_of(place)) for place in range(len(images.seeds))]
        _check_maps(rest.layer, points[0], paints)
        pictures = [_generate(rest, point, images) for point in points]
        return pictures, [_generate(rest, point, images) for paint in paints for point in _painted(points[0], paint)]


def _write_images(pictures: Sequence[Reference], folder: Path) -> None:
    """Write the graph's inputs, and the picture of each image."""
    numbers = [value.half().cpu().numpy().astype("<f2").tobytes() for one in pictures for value in one.inputs]
    (folder / MAPS).write_bytes(b"".join(numbers))
    for place, one in enumerate(pictures):
        Image.fromarray(_pixels(one.levels)).save(folder / f"{place}.png", optimize=True)


def _check_paints(paints: Sequence[Paint]) -> None:
    """Check that the paints are of different concepts, and that each has units and their levels."""
    names = [paint.concept for paint in paints]
    if not paints or len(set(names)) != len(names):
        raise SubjectError(f"paints need one or more different concepts, not {names}")
    for paint in paints:
        if not paint.units or len(paint.levels) != len(paint.units) or len(set(paint.units)) != len(paint.units):
            raise SubjectError(
                f"the paint of '{paint.concept}' needs one or more different units, and a level for each of them"
            )
        if not np.isfinite(paint.levels).all():
            raise SubjectError(f"the paint of '{paint.concept}' needs finite levels, not {paint.levels}")


def _halved_point(rest: TracedRest, image: Sequence[Tensor]) -> Point:
    """Compute the values at the layer for one image, rounded to half precision, in which they are stored."""
    point, _ = rest.run(*image)
    for name, value in zip((rest.layer, *rest.names), (point.output, *point.around), strict=True):
        if not value.is_floating_point():
            raise SubjectError(
                f"after the layer '{rest.layer}' the generator needs the value '{name}' of type {value.dtype}, but the "
                "page stores values in half precision, which cannot represent every integer: name another layer"
            )
    return Point(point.output.half().float(), tuple(value.half().float() for value in point.around))


def _check_maps(layer: str, point: Point, paints: Sequence[Paint]) -> None:
    """Check that the layer's output is an activation map, and that the layer has the units of the paints."""
    shape = tuple(point.output.shape[1:])
    if len(shape) != 3:  # noqa: PLR2004 - units, height, width
        raise SubjectError(
            f"the output of the layer '{layer}' has the shape {shape}, and painting needs activation maps (units, "
            "height, width): name another layer"
        )
    for paint in paints:
        if not 0 <= min(paint.units) <= max(paint.units) < shape[0]:
            raise SubjectError(
                f"the paint of '{paint.concept}' has the units {paint.units}, but the units of '{layer}' are 0 to "
                f"{shape[0] - 1}"
            )


def _painted(point: Point, paint: Paint) -> Iterator[Point]:
    """Yield the values after the two extreme strokes over all cells: erased, and at the greatest strength."""
    for strength in (0.0, STRONGEST):
        maps = point.output.clone()
        maps[:, list(paint.units)] = strength * torch.tensor(paint.levels).to(maps)[:, None, None]
        yield Point(maps, point.around)


def _generate(rest: TracedRest, point: Point, images: SeededImages) -> Reference:
    """Generate the picture from the values at the layer."""
    answer: Any = rest(point.output, point.around)
    if not isinstance(answer, torch.Tensor) or answer.ndim != 4 or answer.shape[1] != 3:  # noqa: PLR2004
        kind = tuple(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise SubjectError(f"the generator's output is {kind}, and painting needs a picture (batch, 3, height, width)")
    levels = images.levels(answer[0].float().cpu().numpy())
    if not np.isfinite(levels).all():
        raise SubjectError(
            "the generator's picture has values that are not finite if its activation maps are in half precision: name "
            "another layer"
        )
    return Reference((point.output, *point.around), levels)


def _pixels(levels: Floats) -> npt.NDArray[np.uint8]:
    """Round levels `(3, height, width)` to pixels `(height, width, 3)`."""
    pixels: npt.NDArray[np.uint8] = np.rint(levels.clip(0, 255)).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


@contextlib.contextmanager
def _replacing(out: Path) -> Iterator[Path]:
    """Yield an empty folder beside `out`; it replaces `out` if there is no error."""
    temporary = Path()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".paint-", dir=out.parent))
        yield temporary
        temporary.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        os.replace(temporary, out)  # noqa: PTH105 - a run replaces its files in the same way
    except OSError as error:
        raise RunError(
            f"cannot write {out} ({error.strerror or error}): free some space, or name another folder"
        ) from error
    finally:
        if temporary != Path():
            shutil.rmtree(temporary, ignore_errors=True)
