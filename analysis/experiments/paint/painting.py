"""What the page to paint on needs of a run: a folder with a generator's rest, feature maps, and what paints on them.

    Painting.read(run.folder / PAINT)

The folder `paint/` of a run holds `paint.json`, which is written last, and beside it

- `rest.onnx`: the generator behind a layer. Its inputs are `layer`, `(1, units, height, width)`, and the values that
  pass the layer by, in the order of `inputs`; its output is `picture`, `(1, 3, height, width)`.
- `maps.f16`: image after image the inputs of `rest.onnx`, one after the other, as float16, little endian.
- `0.png`, `1.png` ...: the picture of each image as it is.

A value `v` of the output is the level `round(255 * (v - low) / (high - low))` of a picture of 8 bits, kept in 0..255.
A stroke of a concept sets its units in the cells under the brush to their level times the strength of the stroke, or
to zero. (Bau et al. 2020, section on generators.)
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

PAINT = "paint"
"""The folder in a run, and in its site."""

GRAPH, MAPS, CONTENTS = "rest.onnx", "maps.f16", "paint.json"

VERSION = 1
"""Of the folder's form."""

STRONGEST = 2.0
"""The highest strength of a stroke: this many times the level."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the graph, without the batch."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in it."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Paint:
    """What a stroke of a concept changes: units of the layer, and the level that each is set to."""

    concept: str
    units: tuple[int, ...]
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the graph's pictures are from PyTorch's, in levels of 8 bits, over `pictures` of them."""

    pictures: int
    difference: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Painting:
    """Everything in the folder but the numbers; `seeds` name the images, `inputs` begin with the layer's maps.

    `height` and `width` are those of the picture, `weights` says how the graph stores them: float16 or float32.
    """

    layer: str
    inputs: tuple[Input, ...]
    height: int
    width: int
    low: float
    high: float
    seeds: tuple[int, ...]
    paints: tuple[Paint, ...]
    opset: int
    weights: str
    agreement: Agreement

    @property
    def units(self) -> int:
        """Units of the layer."""
        return self.inputs[0].shape[0]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the layer's maps."""
        _, rows, columns = self.inputs[0].shape
        return rows, columns

    def to_json(self) -> str:
        """Write it for people and programs."""
        return json.dumps({"version": VERSION, **asdict(self)}, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Painting:
        """Read a folder.

        Raises:
            RunError: a file is missing, or cannot be read, or is of another version.
        """
        path = folder / CONTENTS
        remedy = "run the study again"
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("version", None) != VERSION:
                raise RunError(f"{path} is not of version {VERSION}, which this version reads: {remedy}")
            painting = cls._from(values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunError(f"{path} cannot be read ({error}): {remedy}") from error
        wanted = 2 * len(painting.seeds) * sum(item.size for item in painting.inputs)
        for name, size in (
            (GRAPH, None),
            (MAPS, wanted),
            *((f"{place}.png", None) for place in range(len(painting.seeds))),
        ):
            if not (folder / name).is_file() or size not in (None, (folder / name).stat().st_size):
                raise RunError(f"{folder / name} is missing or cut short: {remedy}")
        return painting

    @classmethod
    def _from(cls, values: dict[str, Any]) -> Painting:
        inputs = tuple(Input(str(item["name"]), tuple(map(int, item["shape"]))) for item in values.pop("inputs"))
        paints = tuple(
            Paint(str(item["concept"]), tuple(map(int, item["units"])), tuple(map(float, item["levels"])))
            for item in values.pop("paints")
        )
        seeds = tuple(map(int, values.pop("seeds")))
        return cls(inputs=inputs, paints=paints, seeds=seeds, agreement=Agreement(**values.pop("agreement")), **values)
