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

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dissectory.analysis.description import check_file, read_description, write_description

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
class GraphAgreement:
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
    agreement: GraphAgreement

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
        """Write the description as JSON."""
        return write_description(self, VERSION)

    @classmethod
    def read(cls, folder: Path) -> Painting:
        """Read the description of a folder, and check the folder's files.

        Raises:
            RunError: a file is missing, or cannot be read, or is of another version.
        """
        painting = read_description(folder / CONTENTS, VERSION, cls._from)
        check_file(folder / GRAPH)
        check_file(folder / MAPS, 2 * len(painting.seeds) * sum(item.size for item in painting.inputs))
        for place in range(len(painting.seeds)):
            check_file(folder / f"{place}.png")
        return painting

    @classmethod
    def _from(cls, values: dict[str, Any]) -> Painting:
        inputs = tuple(Input(str(item["name"]), tuple(map(int, item["shape"]))) for item in values.pop("inputs"))
        paints = tuple(
            Paint(str(item["concept"]), tuple(map(int, item["units"])), tuple(map(float, item["levels"])))
            for item in values.pop("paints")
        )
        seeds = tuple(map(int, values.pop("seeds")))
        return cls(
            inputs=inputs, paints=paints, seeds=seeds, agreement=GraphAgreement(**values.pop("agreement")), **values
        )
