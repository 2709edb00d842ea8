"""`labels.csv`: the concept of each index in a label map, or of each class of a segmenter.

    index,name,category
    0,other,background
    1,wall,object
    2,glass,material

An index that is not listed, or whose category is `void` or `background`, has no concept. If the column `category` is
missing, every concept is an object.
"""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from dissectory.analysis.concepts.vocabulary import MOST_CONCEPTS, Concept
from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.errors import ConceptsError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.tables.categories import Category

NOTHING = ("void", "background")
"""Categories of indices that have no concept."""

_COLUMNS = ("index", "name", "category")
_LOOKS = "a UTF-8 file with the first line 'index,name,category' and then lines such as '1,tree,object'"


@dataclass(frozen=True, slots=True)
class Labels:
    """The concepts of a `labels.csv`, and the index of each in the label maps."""

    concepts: tuple[Concept, ...]
    indices: tuple[int, ...]
    """The index of each concept, in the same order, 0..65535."""

    def lookup(self) -> npt.NDArray[np.uint16]:
        """Return the table `(65536,)` from a label map's index to the concept's number, 1-based; 0 for no concept."""
        table = np.zeros(MOST_CONCEPTS + 1, dtype=np.uint16)
        table[list(self.indices)] = np.arange(1, len(self.indices) + 1)
        return table


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file; `where` is its file and line number, for messages."""

    index: int
    name: str
    category: str
    where: str


def find_labels(candidates: Sequence[Path], owner: str) -> Path:
    """Find the first of `candidates` that is a file.

    Raises:
        ConceptsError: if none is a file. The message lists them, and names `owner`, the source that needs the file.
    """
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    places = " or ".join(str(candidate) for candidate in candidates)
    raise ConceptsError(f"{owner} has no labels.csv; create {places}: {_LOOKS}")


def read_labels(path: Path, source: str) -> Labels:
    """Read a `labels.csv`; `source` is the name of the source of its concepts.

    Raises:
        ConceptsError: with the line, the value and the accepted values.
    """
    rows = list(_rows(path))
    _unique(rows)
    counted = [row for row in rows if row.category not in NOTHING]
    if not counted:
        raise ConceptsError(
            f"{path} lists no concepts: it needs at least one line whose category is one of {_accepted(CATEGORIES)}"
        )
    concepts = tuple(Concept(row.name, cast("Category", row.category), source) for row in counted)
    return Labels(concepts, tuple(row.index for row in counted))


def _rows(path: Path) -> Iterator[_Row]:
    """Read the rows of the file, and check each of them."""
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
        return path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError as error:
        raise ConceptsError(f"{path} is not UTF-8 text (byte {error.start}); expected {_LOOKS}") from None
    except OSError as error:
        raise ConceptsError(f"{path} cannot be read: {error.strerror}; expected {_LOOKS}") from None


def _header(cells: Sequence[str], where: str) -> list[str]:
    """Check the names of the columns; ignore an unknown column unless its name looks like a typing error."""
    names = [cell.strip().lower() for cell in cells]
    for needed in ("index", "name"):
        if needed not in names:
            raise ConceptsError(f"{where}: the column '{needed}' is missing from {names}; expected {_LOOKS}")
    for name in names:
        if name in _COLUMNS:
            if names.count(name) > 1:
                raise ConceptsError(f"{where}: the column '{name}' occurs {names.count(name)} times; keep one of them")
        elif difflib.get_close_matches(name, _COLUMNS, cutoff=0.7):
            raise ConceptsError(f"{where}: unknown column '{name}'; {nearest(name, _COLUMNS)}")
    return names


def _row(header: list[str], cells: Sequence[str], where: str) -> _Row:
    if len(cells) != len(header):
        raise ConceptsError(
            f"{where} has {len(cells)} values, but there are {len(header)} columns ({','.join(header)}); "
            'put a name that contains a comma in quotes: 3,"door, open",object'
        )
    values = dict(zip(header, cells, strict=True))
    name = " ".join(values["name"].split())  # a line break or tab in a name would break every table of names
    if not name:
        raise ConceptsError(f"{where}: the name is empty; give index {values['index'].strip()} a name")
    return _Row(_index(values["index"], where), name, _category(values.get("category", "object"), where), where)


def _index(given: str, where: str) -> int:
    text = given.strip()
    # isdecimal accepts digits of other scripts; the length limit keeps int() from parsing very long numbers.
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
    """Refuse a repeated index, and a repeated name among the concepts."""
    indices: dict[int, _Row] = {}
    names: dict[str, _Row] = {}
    for row in rows:
        first = indices.setdefault(row.index, row)
        if first is not row:
            raise ConceptsError(
                f"{row.where}: index {row.index} is already used by {first.name!r} ({first.where}); "
                "give each index one line"
            )
        first = row if row.category in NOTHING else names.setdefault(row.name, row)
        if first is not row:
            raise ConceptsError(
                f"{row.where}: the name {row.name!r} is already used by index {first.index} ({first.where}); "
                "rename one of the two"
            )


def _accepted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
