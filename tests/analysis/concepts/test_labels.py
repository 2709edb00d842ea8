from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dissectory.analysis.concepts.labels import find_labels, read_labels
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def test_void_and_background_are_no_concepts(file: Path) -> None:
    file.write_text("index,name,category\n0,other,background\n7,tree,object\n3,wood,material\n255,?,void\n")
    labels = read_labels(file, "ade")
    assert labels.concepts == (Concept("tree", "object", "ade"), Concept("wood", "material", "ade"))
    assert labels.indices == (7, 3)
    lookup = labels.lookup()
    assert lookup.shape == (65_536,)
    assert {index: int(lookup[index]) for index in lookup.nonzero()[0]} == {3: 2, 7: 1}


def test_without_categories_everything_is_an_object(file: Path) -> None:
    file.write_text("name,index\nsky,0\nroad,1\n")
    assert read_labels(file, "s").concepts == (Concept("sky", "object", "s"), Concept("road", "object", "s"))


def test_other_columns_are_ignored(file: Path) -> None:
    file.write_text("index,name,r,g,b,category\n0,sky,1,2,3,object\n")
    assert read_labels(file, "s").concepts[0].name == "sky"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('1,"door, open",object', "door, open"),
        ('1,"say ""door""",object', 'say "door"'),
        ("1,<script>alert(1)</script>,object", "<script>alert(1)</script>"),
        ("1,🚪/../door,object", "🚪/../door"),
        ("1,  door  ,object", "door"),
        ('1,"do\nor",object', "do or"),
        ("1,دروازه,object", "دروازه"),
        (" 01 ,door, Object ", "door"),
    ],
)
def test_names_may_hold_any_characters(file: Path, line: str, name: str) -> None:
    file.write_text(f"index,name,category\n{line}\n", encoding="utf-8")
    labels = read_labels(file, "s")
    assert labels.concepts == (Concept(name, "object", "s"),)
    assert labels.indices == (1,)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_mark_and_blank_lines(file: Path, end: str) -> None:
    lines = ["", "index,name,category", "", "1,tree,object", " , , ", "2,sky,object", ""]
    file.write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode())
    assert read_labels(file, "s").indices == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; expected a UTF-8 file with the first line 'index,name,category'"),
        ("1,tree,object\n", "line 1: the column 'index' is missing from"),
        ("index,nmae\n1,a\n", "line 1: the column 'name' is missing from"),
        ("index,name,catagory\n1,a,object\n", "unknown column 'catagory'; did you mean 'category'?"),
        ("index,name,name\n1,a,b\n", "the column 'name' occurs 2 times"),
        ("index,name,category\n\n1.5,a,object\n", "line 3: the index is '1.5'; it must be a whole number from 0"),
        ("index,name,category\n-1,a,object\n", "line 2: the index is '-1'"),
        ("index,name,category\n65536,a,object\n", "line 2: the index is '65536'"),
        (f"index,name,category\n{'9' * 5000},a,object\n", "line 2: the index is '9999"),
        ("index,name,category\n²,a,object\n", "line 2: the index is '²'"),
        ("index,name,category\n1,,object\n", "line 2: the name is empty; give index 1 a name"),
        ("index,name,category\n1,a,objet\n", "'objet' (did you mean 'object'"),
        ("index,name,category\n1,a,scene\n", "the category is 'scene'; it must be one of 'object', 'part'"),
        ("index,name,category\n1,a,\n", "the category is ''; it must be one of"),
        ("index,name,category\n1,door, open,object\n", "line 2 has 4 values, but there are 3 columns"),
        ("index,name,category\n1,a\n", "line 2 has 2 values, but there are 3 columns"),
        ("index,name,category\n1,a,object\n1,b,object\n", "line 3: index 1 is already used by 'a'"),
        ("index,name,category\n1,a,object\n2,a,part\n", "line 3: the name 'a' is already used by index 1"),
        ("index,name,category\n0,a,void\n1,b,background\n", "lists no concepts"),
        ('index,name,category\n1,"a"b,object\n', "line 2 is not valid CSV"),
        ('index,name,category\n1,"a,object\n', "is not valid CSV"),
    ],
)
def test_errors_name_the_line_and_the_accepted_values(file: Path, text: str, message: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConceptsError, match=re.escape(message)) as caught:
        read_labels(file, "s")
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_void_and_background_may_repeat_a_name(file: Path) -> None:
    file.write_text("index,name,category\n0,other,void\n255,other,background\n1,other,object\n")
    assert read_labels(file, "s").indices == (1,)


def test_other_encodings_are_refused(file: Path) -> None:
    file.write_bytes("index,name\n1,Tür\n".encode("latin-1"))
    with pytest.raises(ConceptsError, match=r"is not UTF-8 text \(byte 14\)"):
        read_labels(file, "s")


def test_the_first_existing_file_is_used_and_a_missing_one_is_an_error(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "model.labels.csv"
    file.write_text("index,name\n1,a\n")
    assert find_labels([other, file], "it") == file
    other.write_text("index,name\n1,a\n")
    assert find_labels([other, file], "it") == other
    with pytest.raises(
        ConceptsError, match=r"it has no labels\.csv; create .*no\.csv: a UTF-8 file with the first line"
    ):
        find_labels([tmp_path / "no.csv"], "it")


def test_a_folder_instead_of_labels_is_an_error(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConceptsError, match=r"it has no labels\.csv"):
        find_labels([file], "it")
    with pytest.raises(ConceptsError, match=r"cannot be read"):
        read_labels(file, "s")
