"""Descriptions of folders: what is written is read again, and a damaged folder is one clear error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from dissectory.analysis.description import check_file, read_description, write_description
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Shelf:
    """A folder of two books."""

    books: tuple[str, ...]
    height: float


def parse(values: dict[str, Any]) -> Shelf:
    return Shelf(tuple(values.pop("books")), **values)


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    shelf = Shelf(("Tür", "<b>"), 1.5)
    (tmp_path / "shelf.json").write_text(write_description(shelf, 3), encoding="utf-8")
    assert read_description(tmp_path / "shelf.json", 3, parse) == shelf
    assert json.loads((tmp_path / "shelf.json").read_text(encoding="utf-8"))["version"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[1]", "cannot be read"),
        ('{"books": [], "height": 1}', "not of version 3"),
        ('{"version": 2, "books": [], "height": 1}', "not of version 3"),
        ('{"version": 3, "height": 1}', "cannot be read"),
        ('{"version": 3, "books": [], "height": 1, "width": 2}', "cannot be read"),
    ],
)
def test_a_wrong_description_is_an_error_that_names_the_file(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "shelf.json").write_text(text, encoding="utf-8")
    with pytest.raises(RunError, match=rf"shelf\.json .*{message}.*: run the study again"):
        read_description(tmp_path / "shelf.json", 3, parse)


def test_a_missing_description_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"shelf\.json cannot be read .*: run the study again"):
        read_description(tmp_path / "shelf.json", 3, parse)


def test_files_must_exist_and_have_their_size(tmp_path: Path) -> None:
    (tmp_path / "book").write_bytes(b"1234")
    check_file(tmp_path / "book")
    check_file(tmp_path / "book", 4)
    with pytest.raises(RunError, match="book is missing or cut short: run the study again"):
        check_file(tmp_path / "book", 5)
    with pytest.raises(RunError, match="page is missing or cut short"):
        check_file(tmp_path / "page")
