"""`labels.csv`: what the numbers in a label map, or a segmenter's channels, stand for.

    index,name,category
    0,other,background
    1,wall,object
    2,glass,material

An index whose category is `void` or `background`, and one that is not listed, counts for nothing. Without the
column `category` everything is an object.
"""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from dissectory.analysis.concepts.vocabulary import MOST_CONCEPTS, Concept
from dissectory.analysis.schema import CATEGORIES
from dissectory.errors import ConceptsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.schema import Category

NOTHING = ("void", "background")
"""Categories of indices that count for nothing."""

_COLUMNS = ("index", "name", "category")
_LOOKS = "a UTF-8 file with a first line 'index,name,category' and then lines such as '1,tree,object'"


@dataclass(frozen=True, slots=True)
class Labels:
    """The concepts of a `labels.csv`, and the index that each has in the label maps."""

    concepts: tuple[Concept, ...]
    indices: tuple[int, ...]
    """The index of each concept, in the same order, 0..65535."""

    def lookup(self) -> npt.NDArray[np.uint16]:
        """Make the table from a label map's index to the concept's number `(65536,)`: 1-based, 0 for nothing."""
        table = np.zeros(MOST_CONCEPTS + 1, dtype=np.uint16)
        table[list(self.indices)] = np.arange(1, len(self.indices) + 1)
        return table


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file, with its place for messages."""

    index: int
    name: str
    category: str
    where: str


def find_labels(candidates: Sequence[Path], owner: str) -> Path:
    """Find the first of `candidates` that is a file.

    Raises:
        ConceptsError: naming where it was looked for; `owner` says whose labels they would have been.
    """
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " or ".join(str(candidate) for candidate in candidates)
    raise ConceptsError(f"{owner} has no labels: expected {places}, {_LOOKS}")


def read_labels(path: Path, source: str) -> Labels:
    """Read a `labels.csv`; `source` is the name under which its concepts go.

    Raises:
        ConceptsError: naming the line, the value and what is accepted.
    """
    rows = list(_rows(path))
    _unique(rows)
    counted = [row for row in rows if row.category not in NOTHING]
    if not counted:
        raise ConceptsError(
            f"{path} lists nothing that counts: it needs at least one line with a category of {_accepted(CATEGORIES)}"
        )
    concepts = tuple(Concept(row.name, cast("Category", row.category), source) for row in counted)
    return Labels(concepts, tuple(row.index for row in counted))


def _rows(path: Path) -> Iterator[_Row]:
    """Read the file line by line."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    header: list[str] = []
    try:
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if header:
                yield _row(header, cells, where)
            else:
                header = _header(cells, where)
    except csv.Error as error:
        raise ConceptsError(f"{path}, line {reader.line_num} is not valid CSV: {error}; expected {_LOOKS}") from None
    if not header:
        raise ConceptsError(f"{path} is empty; expected {_LOOKS}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # a byte order mark is what spreadsheets put first
    except UnicodeDecodeError as error:
        raise ConceptsError(f"{path} is not UTF-8 text (byte {error.start}); expected {_LOOKS}") from None
    except OSError as error:
        raise ConceptsError(f"{path} cannot be read: {error.strerror}; expected {_LOOKS}") from None


def _header(cells: Sequence[str], where: str) -> list[str]:
    """Check the names of the columns; columns of other names are passed over unless they look like a slip."""
    names = [cell.strip().lower() for cell in cells]
    for needed in ("index", "name"):
        if needed not in names:
            raise ConceptsError(f"{where}: the column '{needed}' is missing among {names}; expected {_LOOKS}")
    for name in names:
        if name in _COLUMNS:
            if names.count(name) > 1:
                raise ConceptsError(f"{where}: the column '{name}' is there {names.count(name)} times; once is right")
        elif difflib.get_close_matches(name, _COLUMNS, cutoff=0.7):
            raise ConceptsError(f"{where}: there is no column '{name}'; {nearest(name, _COLUMNS)}")
    return names


def _row(header: list[str], cells: Sequence[str], where: str) -> _Row:
    if len(cells) != len(header):
        raise ConceptsError(
            f"{where} has {len(cells)} values for the {len(header)} columns {','.join(header)}; "
            'a name with a comma in it needs quotes: 3,"door, open",object'
        )
    values = dict(zip(header, cells, strict=True))
    name = " ".join(values["name"].split())  # a line break or tab inside a name would break every table of names
    if not name:
        raise ConceptsError(f"{where}: the name is empty; give index {values['index'].strip()} a name")
    return _Row(_index(values["index"], where), name, _category(values.get("category", "object"), where), where)


def _index(given: str, where: str) -> int:
    text = given.strip()
    # isdecimal alone lets digits of other scripts through; a long row of digits is no index either.
    if text.isascii() and text.isdecimal() and len(text) <= len("00065535") and int(text) <= MOST_CONCEPTS:
        return int(text)
    raise ConceptsError(f"{where}: the index is {given!r}; it must be a whole number from 0 to {MOST_CONCEPTS}")


def _category(given: str, where: str) -> str:
    category = given.strip().lower()
    known = (*CATEGORIES, *NOTHING)
    if category not in known:
        close = nearest(category, known)
        hint = f" ({close})" if close.startswith("did") else ""
        raise ConceptsError(f"{where}: the category is {given!r}{hint}; it must be one of {_accepted(known)}")
    return category


def _unique(rows: Iterable[_Row]) -> None:
    """Refuse a second line for an index, or for a name that counts."""
    indices: dict[int, _Row] = {}
    names: dict[str, _Row] = {}
    for row in rows:
        first = indices.setdefault(row.index, row)
        if first is not row:
            raise ConceptsError(f"{row.where}: index {row.index} is taken by {first.name!r} ({first.where})")
        first = row if row.category in NOTHING else names.setdefault(row.name, row)
        if first is not row:
            raise ConceptsError(
                f"{row.where}: the name {row.name!r} is taken by index {first.index} ({first.where}); "
                "give one of them another name"
            )


def _accepted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
