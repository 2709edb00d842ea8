"""The folder of a run from which its site makes switchboards: numbers to predict without any set of a layer's units.

    Switches.read(run.folder / SWITCHES)

The folder `switches/` of a run holds `switches.json`, which is written last, a file of numbers for every layer that has
a switchboard, and `class-<n>.webp` for the n-th class: small pictures of its first images, row by row.

The numbers are float32, little endian, in the order of `Board.shapes`:

- `base` `(1 or image, place, output)`: the values if every unit is removed,
- `weight` `(unit, 1 or part, output)`,
- `change` `(image, unit, part)`: the features of the unit minus those of a removed unit.

If only some units are kept, `values[image, place, output]` are the base plus the sum of `change * weight` over the kept
units. In the mode "linear", there is one place, the sum is also over the parts, and the values are the scores. In the
mode "rectified", parts and places are the positions of the activation map; values below zero are multiplied by `slope`,
and the scores are means over the places. The output with the highest score is predicted, the first of equal ones. The
module `dissectory.analysis.tally.removal` has the same arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dissectory.analysis.description import REMEDY, check_file, read_description, write_description
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

SWITCHES = "switches"
"""The name of the folder in a run, and in its site."""

CONTENTS = "switches.json"

VERSION = 1
"""The version of the folder's format."""

SHOWN = 60
"""The most images of a class that are shown; all of them are counted."""

NONE = -1
"""The class of an image, or of an output, without a class."""


@dataclass(frozen=True, slots=True)
class Board:
    """The switchboard of a layer; `file` is the name of the file of its numbers.

    `orders` `(class, unit)` are the units by their importance for each class, the most important first; the curves of
    the tables have the same orders. The order of a class without ranking images is empty. `compared` counts of the
    tables were compared with those of a browser's arithmetic, and `differ` of them differed: a browser computes with 15
    digits, and the network with 7.
    """

    layer: str
    file: str
    mode: Literal["linear", "rectified"]
    slope: float
    bases: int
    images: int
    units: int
    parts: int
    outputs: int
    compared: int
    differ: int
    orders: tuple[tuple[int, ...], ...]

    @property
    def places(self) -> int:
        """The number of places over which scores are averaged."""
        return self.parts if self.mode == "rectified" else 1

    @property
    def shapes(self) -> tuple[tuple[int, int, int], ...]:
        """The shapes of base, weight and change."""
        columns = 1 if self.mode == "rectified" else self.parts
        return (
            (self.bases, self.places, self.outputs),
            (self.units, columns, self.outputs),
            (self.images, self.units, self.parts),
        )

    @property
    def bytes(self) -> int:
        """The size of the file in bytes."""
        return 4 * sum(map(math.prod, self.shapes))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A layer without a switchboard, and the reason as a clause."""

    layer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switches:
    """The description of the folder, the file `switches.json`.

    `classes` are the names of the classes of the ablation, `outputs` the names of the network's outputs, and `stands`
    the class that each output stands for. `images` are the numbers of the reporting images, and `own` is the class of
    each. The sprite of a class shows its first `SHOWN` images, as tiles of `tile` pixels in `columns` columns.
    """

    classes: tuple[str, ...]
    outputs: tuple[str, ...]
    stands: tuple[int, ...]
    images: tuple[int, ...]
    own: tuple[int, ...]
    tile: int
    columns: int
    boards: tuple[Board, ...]
    left_out: tuple[LeftOut, ...]

    def shown(self, number: int) -> list[int]:
        """Return the images in the sprite of a class, as indices of `images`."""
        return [place for place, own in enumerate(self.own) if own == number][:SHOWN]

    @staticmethod
    def sprite(number: int) -> str:
        """Return the file name of a class's sprite."""
        return f"class-{number}.webp"

    def to_json(self) -> str:
        """Write the description as JSON."""
        return write_description(self, VERSION)

    @classmethod
    def read(cls, folder: Path) -> Switches:
        """Read the description of a folder, and check the folder's files.

        Raises:
            RunError: a file is missing, or cannot be read, or is of another version.
        """
        path = folder / CONTENTS
        switches = read_description(path, VERSION, cls._from)
        for board in switches.boards:
            if board.file in {"", ".", ".."} or set(board.file) & set("/\\:"):
                raise RunError(f"{path} names the file {board.file}, which is not in its folder: {REMEDY}")
            check_file(folder / board.file, board.bytes)
        return switches

    @classmethod
    def _from(cls, values: dict[str, Any]) -> Switches:
        boards = tuple(Board(orders=tuple(map(tuple, item.pop("orders"))), **item) for item in values.pop("boards"))
        left_out = tuple(LeftOut(**item) for item in values.pop("left_out"))
        lists: dict[str, Any] = {
            key: tuple(values.pop(key)) for key in ("classes", "outputs", "stands", "images", "own")
        }
        return cls(**lists, **values, boards=boards, left_out=left_out)
