"""What the switchboard of a classifier's page needs of a run: what the network holds of its images behind a layer.

    Switches.read(run.folder / SWITCHES)

The folder `switches/` of a run holds `switches.json`, which is written last, a file of numbers for every layer that has
a switchboard, and `class-<n>.webp` for the n-th class: small pictures of its first images, row by row.

The numbers are float32, little endian, in the order of `Board.shapes`:

- `base` `(1 or image, place, output)`: what the answer is made of where every unit is removed,
- `weight` `(unit, 1 or part, output)`,
- `change` `(image, unit, part)`: the unit's features, less those of a removed one.

With some units kept, `values[image, place, output]` are the base plus `change * weight`, summed over these units.
"linear": there is one place, the sum goes over the parts too, and the values are the scores. "rectified": parts are
positions of the map, and so are places; what is below zero counts `slope` times, and scores are means over the places.
An image is taken for the class of its highest score, the first of equal ones. (`dissectory.analysis.tally.removal`)
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
"""The folder in a run, and in its site."""

CONTENTS = "switches.json"

VERSION = 1
"""Of the folder's form."""

SHOWN = 60
"""Images of a class that are shown at most; all of them are counted."""

NONE = -1
"""The class of an image, or of an output, that belongs to none."""


@dataclass(frozen=True, slots=True)
class Board:
    """The switchboard of a layer; `file` holds its numbers.

    `orders` `(class, unit)` are the units by their importance for each class, the most important first: along them the
    curves of the tables were measured. A class without images to rank them on has none.
    `compared` numbers of the tables were counted anew as a browser counts them, and `differ` of them differed: a
    browser adds up with 15 digits, where the network works with 7.
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
        """Places of which the scores are means."""
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
        """Of the numbers."""
        return 4 * sum(map(math.prod, self.shapes))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A layer without a switchboard; the reason is a clause."""

    layer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switches:
    """What the file `switches.json` says, of all layers.

    `classes` are those whose units were removed, `outputs` the names of the network's outputs, `stands` the class that
    each output stands for. `images` are the numbers of the reporting images, and `own` the class of each. A class's
    sprite has tiles of `tile` pixels in `columns` columns, of its first `SHOWN` images.
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
        """Which of the images are in a class's sprite, as places in `images`."""
        return [place for place, own in enumerate(self.own) if own == number][:SHOWN]

    @staticmethod
    def sprite(number: int) -> str:
        """Name of a class's sprite."""
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
