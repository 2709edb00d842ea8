"""The folder of a run from which its site makes the page to paint on: a part of a generator, and activation maps.

    Painting.read(run.folder / PAINT)

The folder `paint/` of a run holds the description `paint.json`, which is written last, and these files:

- `rest.onnx`: the generator after a layer. Its inputs are `layer` `(1, units, height, width)` and the values that
  bypass the layer, in the order of `inputs`. Its output is `picture` `(1, 3, height, width)`.
- `maps.f16`: the inputs of `rest.onnx` for one image after the other, as float16, little endian.
- `0.png`, `1.png` ...: the unchanged picture of each image.

A value `v` of the output is the 8-bit level `round(255 * (v - low) / (high - low))`, clipped to 0..255. A stroke of a
concept sets the concept's units in the cells under the brush to their level times the strength of the stroke, or to
zero (Bau et al. 2020, section on generators).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dissectory.analysis.description import check_file, read_description, write_description

if TYPE_CHECKING:
    from pathlib import Path

PAINT = "paint"
"""The name of the folder in a run, and in its site."""

GRAPH, MAPS, CONTENTS = "rest.onnx", "maps.f16", "paint.json"

VERSION = 1
"""The version of the folder's format."""

STRONGEST = 2.0
"""The greatest strength of a stroke: the units are set to this multiple of their level."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the graph; `shape` is without the dimension of the batch."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of values for one image."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Paint:
    """The effect of a stroke of a concept: the units of the layer that it changes, and the level of each."""

    concept: str
    units: tuple[int, ...]
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GraphAgreement:
    """The largest difference between the graph's pictures and PyTorch's in 8-bit levels, over `pictures` of them."""

    pictures: int
    difference: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Painting:
    """The description of the folder, the file `paint.json`.

    The `seeds` name the images. The first of `inputs` are the layer's activation maps. `height` and `width` are those
    of a picture. `weights` is the type in which the graph stores its weights: float16 or float32.
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
        """The number of units in the layer."""
        return self.inputs[0].shape[0]

    @property
    def grid(self) -> tuple[int, int]:
        """The number of rows and columns of the layer's activation maps."""
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
