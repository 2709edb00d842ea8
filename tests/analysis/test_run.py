"""A run's folder: files are written completely or not at all, and errors of reading are clear messages."""

from __future__ import annotations

import dataclasses
import errno
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dissectory.analysis.run import Manifest, Pictures, Run, Skipped
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.core import CONCEPTS, IMAGES, UNIT_CONCEPTS, UNIT_IMAGES
from dissectory.errors import RunError

if TYPE_CHECKING:
    from pathlib import Path

PAIRS: dict[str, list[Any]] = {
    "layer": ["b", "a", "b", "a", "a"],
    "unit": [2, 10, 2, 9, 10],
    "concept": ["sky", "Zoo", "ant", "ärmel", "ant"],
    "intersection": [1, 2, 3, 4, 5],
    "union": [10, 20, 2**40, 40, 50],
    "iou": [0.1, 0.1, 0.0, 0.1, 0.1],
    "iqr": [None, 0.5, None, float("nan"), 0.25],
    "iqr_threshold": [None, 1.5, None, None, -2.0],
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


@pytest.fixture
def written(run: Run) -> Run:
    run.write_table(UNIT_CONCEPTS, PAIRS)
    return run


def left_behind(run: Run) -> list[str]:
    """Return every file of a run, including hidden files."""
    return sorted(path.relative_to(run.folder).as_posix() for path in run.folder.rglob("*") if path.is_file())


def half_write(run: Run, target: Path, failure: BaseException) -> None:
    with run.replacing(target) as path:
        path.write_text("half")
        raise failure


def some_manifest() -> Manifest:
    values: dict[str, Any] = {
        "study": {"study": {"title": "☃", "seed": 3}, "model": {"source": "timm:x"}},
        "title": "Häuser <b>☃</b>",
        "created": "2026-01-31T12:00:00+00:00",
        "seed": 3,
        "versions": {"python": "3.11.2"},
        "hashes": {"weights": "ab" * 32, "images": "cd" * 32},
        "seconds": {"forward": 1.25, "total": 2.5},
        "model": {"source": "timm:x", "parameters": 2**33, "outputs": 0},
        "images": 29,
        "skipped": (Skipped("odd/05.png", "truncated"), Skipped('a"\n.png', "no picture")),
        "grid": 28,
        "notes": ("One.", "Two: ü."),
        "pictures": Pictures(tile=56, columns=3, unit_tiles=9, concept_tiles=4),
    }
    return Manifest(**values)


# Tables


def test_a_table_comes_back_sorted_by_its_key(written: Run) -> None:
    frame = written.table("unit_concepts")
    assert list(zip(frame.layer, frame.unit, frame.concept, strict=True)) == [
        ("a", 9, "ärmel"),
        ("a", 10, "Zoo"),
        ("a", 10, "ant"),
        ("b", 2, "ant"),
        ("b", 2, "sky"),
    ]
    assert frame.intersection.tolist() == [4, 2, 5, 3, 1]  # rows stay together
    assert frame["union"].tolist() == [40, 20, 50, 2**40, 10]


def test_a_table_has_the_types_of_its_schema(written: Run) -> None:
    frame = written.table("unit_concepts")
    assert frame.columns.tolist() == [column.name for column in UNIT_CONCEPTS.columns]
    assert {name: str(frame[name].dtype) for name in ("unit", "union", "iou", "layer")} == {
        "unit": "int32",
        "union": "int64",
        "iou": "float32",
        "layer": "category",
    }


def test_empty_cells_come_back_empty(written: Run) -> None:
    frame = written.table("unit_concepts").set_index(["layer", "unit", "concept"])
    assert frame.iqr.isna().tolist() == [True, False, False, True, True]
    assert frame.iqr[("a", 10, "Zoo")] == 0.5
    assert frame.iqr_threshold[("a", 10, "ant")] == -2.0
    stored = pq.read_table(written.table_path("unit_concepts"))
    assert stored.column("iqr").null_count == 3  # missing, not a number that is none: other readers tell them apart


def test_names_may_be_missing_if_the_schema_allows_it(run: Run) -> None:
    run.write_table(
        IMAGES,
        {
            "image": [1, 0],
            "path": ["b", "a"],
            "class": [None, "x"],
            "width": [3, 4],
            "height": [5, 6],
            "seed": [7, None],
        },
    )
    frame = run.table("images")
    assert frame.path.tolist() == ["a", "b"]
    assert frame["class"][0] == "x"
    assert pd.isna(frame["class"][1])


@pytest.mark.parametrize("name", all_tables())
def test_every_table_can_be_without_rows(name: str, run: Run) -> None:
    run.write_table(all_tables()[name], {column.name: [] for column in all_tables()[name].columns})
    frame = run.table(name)
    assert len(frame) == 0
    assert frame.columns.tolist() == [column.name for column in all_tables()[name].columns]


def test_arrays_are_taken_as_well_as_lists(written: Run, tmp_path: Path) -> None:
    arrays = {name: pd.Series(values).to_numpy() for name, values in PAIRS.items()}
    arrays["unit"] = np.array(PAIRS["unit"], dtype=np.int64)
    other = Run(tmp_path / "other")
    other.write_table(UNIT_CONCEPTS, arrays)
    pd.testing.assert_frame_equal(other.table("unit_concepts"), written.table("unit_concepts"))


def test_the_file_describes_its_columns(written: Run) -> None:
    stored = pq.read_schema(written.table_path("unit_concepts"))
    assert stored.metadata[b"key"] == b"layer,unit,concept"
    for column in UNIT_CONCEPTS.columns:
        metadata = stored.field(column.name).metadata
        assert metadata[b"description"].decode() == column.meaning
        assert metadata[b"unit"].decode() == column.unit
        assert stored.field(column.name).nullable == column.nullable


def test_a_large_table_is_compressed_and_in_groups(run: Run) -> None:
    rows = 40_000
    order = np.random.default_rng(0).permutation(rows)
    columns = {column.name: order for column in UNIT_IMAGES.columns}
    run.write_table(UNIT_IMAGES, {**columns, "layer": np.full(rows, "layer"), "unit": np.zeros(rows, dtype=np.int32)})
    stored = pq.ParquetFile(run.table_path("unit_images")).metadata
    assert stored.num_row_groups > 1
    assert stored.row_group(0).column(0).compression == "SNAPPY"
    assert run.table("unit_images")["rank"].tolist() == list(range(rows))


@pytest.mark.parametrize(
    "change",
    [
        {"unit": [2, None, 2, 9, 10]},
        {"layer": ["b", None, "b", "a", "a"]},
        {"iou": [0.1, None, 0, 0, 0]},
        {"unit": [2, 2**40, 2, 9, 10]},
        {"unit": [2, 3]},
        {"unit": ["two", "3", "2", "9", "10"]},
    ],
    ids=["no unit", "no layer", "no IoU", "too large", "too few", "texts"],
)
def test_values_that_do_not_fit_are_never_written(change: dict[str, Any], written: Run) -> None:
    before = written.table_path("unit_concepts").read_bytes()
    with pytest.raises((ValueError, pa.ArrowException)):
        written.write_table(UNIT_CONCEPTS, {**PAIRS, **change})
    assert left_behind(written) == ["tables/unit_concepts.parquet"]
    assert written.table_path("unit_concepts").read_bytes() == before


def test_a_table_without_one_of_its_columns_is_never_written(run: Run) -> None:
    with pytest.raises(KeyError, match="iou"):
        run.write_table(UNIT_CONCEPTS, {name: values for name, values in PAIRS.items() if name != "iou"})
    assert not run.has("unit_concepts")


@pytest.mark.parametrize(
    ("name", "near"), [("unit", "units"), ("unit_concept", "unit_concepts"), ("imagse", "images"), ("LAYERS", "")]
)
def test_an_unknown_table_is_answered_with_the_nearest(name: str, near: str, run: Run) -> None:
    with pytest.raises(RunError, match=f"there is no table '{name}'; (did you mean|known).*'{near}"):
        run.table(name)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "units.parquet"])
def test_a_path_is_not_accepted_as_the_name_of_a_table(name: str, written: Run) -> None:
    pq.write_table(pa.table({"a": [1]}), written.folder / "secret.parquet")
    with pytest.raises(RunError, match="there is no table"):
        written.table(name)


def test_a_missing_table_is_named_with_its_path(written: Run) -> None:
    assert written.has("unit_concepts")
    assert not written.has("units")
    with pytest.raises(RunError, match="has no table 'units'") as caught:
        written.table("units")
    assert str(written.table_path("units")) in str(caught.value)


@pytest.mark.parametrize("kept", [0, 1, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_table_is_named(kept: float, written: Run) -> None:
    path = written.table_path("unit_concepts")
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(RunError, match="cannot be read as parquet") as caught:
        written.table("unit_concepts")
    assert str(path) in str(caught.value)
    assert "run the study again" in str(caught.value)


def test_a_table_of_other_bytes_is_named(written: Run) -> None:
    written.table_path("unit_concepts").write_text("layer,unit\na,1\n")
    with pytest.raises(RunError, match=r"unit_concepts\.parquet cannot be read as parquet"):
        written.table("unit_concepts")


def test_a_table_of_another_version_says_which_columns_it_lacks(written: Run) -> None:
    path = written.table_path("unit_concepts")
    pq.write_table(pq.read_table(path).drop_columns(["iqr", "union"]), path)
    with pytest.raises(RunError, match=r"lacks the columns \['union', 'iqr'\]: another version"):
        written.table("unit_concepts")


def test_columns_of_a_newer_version_are_ignored(written: Run) -> None:
    path = written.table_path("unit_concepts")
    read = pq.read_table(path)
    pq.write_table(read.append_column("newer", pa.array(range(len(read)))), path)
    assert written.table("unit_concepts").intersection.tolist() == [4, 2, 5, 3, 1]


# Writing


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_failing_disk_leaves_the_older_file_and_nothing_else(number: int, run: Run) -> None:
    target = run.folder / "images" / "a.webp"
    with run.replacing(target) as path:
        path.write_text("older")
    with pytest.raises(RunError, match=r"cannot write .*a\.webp: the disk says no.*--out"):
        half_write(run, target, OSError(number, "the disk says no"))
    assert left_behind(run) == ["images/a.webp"]
    assert target.read_text() == "older"


@pytest.mark.parametrize("failure", [ValueError("cannot encode"), pa.ArrowInvalid("no"), KeyboardInterrupt()])
def test_whatever_else_goes_wrong_leaves_the_older_file_and_nothing_else(failure: BaseException, run: Run) -> None:
    target = run.folder / "images" / "a.webp"
    with run.replacing(target) as path:
        path.write_text("older")
    with pytest.raises(type(failure)):
        half_write(run, target, failure)
    assert target.read_text() == "older"
    assert left_behind(run) == ["images/a.webp"]


def test_a_file_takes_its_place_only_when_it_is_whole(run: Run) -> None:
    target = run.folder / "images" / "units" / "0" / "1.webp"
    with run.replacing(target) as path:
        path.write_text("new")
        assert not target.exists()
        assert path.parent == target.parent  # another file system could not be renamed from
        assert path.name.startswith(".")
    assert target.read_text() == "new"
    assert left_behind(run) == ["images/units/0/1.webp"]


def test_a_folder_in_the_way_is_one_message(run: Run) -> None:
    run.table_path("concepts").mkdir(parents=True)
    with pytest.raises(RunError, match=r"cannot write .*concepts\.parquet"):
        run.write_table(CONCEPTS, {column.name: [] for column in CONCEPTS.columns})
    assert left_behind(run) == []


def test_a_file_in_the_way_is_one_message(run: Run) -> None:
    run.folder.parent.joinpath("run").write_text("mine")
    with pytest.raises(RunError, match="cannot write"):
        run.write_manifest(some_manifest())
    with pytest.raises(RunError, match=r"is a file; --out must name a folder"):
        run.prepare()
    assert run.folder.read_text() == "mine"


@pytest.mark.parametrize("earlier", ["nothing", "empty folder", "run"])
def test_a_run_may_use_a_folder_without_files_of_others(earlier: str, run: Run) -> None:
    if earlier != "nothing":
        run.folder.mkdir()
    if earlier == "run":
        run.prepare()
        run.write_table(UNIT_CONCEPTS, PAIRS)
        run.write_manifest(some_manifest())
    run.prepare()
    assert run.finished == (earlier == "run")  # the older run stays until there is something to take its place
    run.clear()
    assert not run.finished
    assert not run.has("unit_concepts")
    run.prepare()


def test_a_run_refuses_a_folder_with_files_of_others(run: Run) -> None:
    run.folder.mkdir()
    (run.folder / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match=r"not a run's.*--out"):
        run.prepare()
    assert left_behind(run) == ["thesis.tex"]


def test_clearing_takes_only_what_a_run_writes(written: Run) -> None:
    (written.folder / "thesis.tex").write_text("precious")
    written.clear()
    assert left_behind(written) == ["thesis.tex"]


# The manifest


@pytest.mark.parametrize("manifest", [some_manifest(), Manifest(study={})], ids=["whole", "least"])
def test_a_manifest_comes_back_as_it_was(manifest: Manifest, run: Run) -> None:
    run.write_manifest(manifest)
    assert Run(run.folder).manifest == manifest
    assert left_behind(run) == ["manifest.json"]


def test_a_manifest_is_json_that_people_can_read(run: Run) -> None:
    run.write_manifest(some_manifest())
    text = (run.folder / "manifest.json").read_text(encoding="utf-8")
    assert "Häuser <b>☃</b>" in text
    assert text.endswith("}\n")
    assert set(json.loads(text)) == {item.name for item in dataclasses.fields(Manifest)}


def test_a_run_is_finished_with_its_manifest(written: Run) -> None:
    assert not written.finished
    with pytest.raises(RunError, match="is not a finished run: it has no manifest"):
        written.manifest  # noqa: B018 - reading it is what fails
    written.write_manifest(some_manifest())
    assert Run(written.folder).finished
    assert written.manifest.images == 29  # the earlier error is not remembered


def newer(run: Run, change: dict[str, Any]) -> Run:
    values = json.loads(some_manifest().to_json())
    run.folder.mkdir()
    (run.folder / "manifest.json").write_text(json.dumps({**values, **change}), encoding="utf-8")
    return run


def test_keys_of_a_newer_version_are_ignored(run: Run) -> None:
    assert newer(run, {"executor": {"kind": "ray"}, "zzz": None}).manifest == some_manifest()


@pytest.mark.parametrize(
    "change",
    [
        {"pictures": {**dataclasses.asdict(some_manifest().pictures), "format": "avif"}},
        {"skipped": [{**dataclasses.asdict(item), "bytes": 3} for item in some_manifest().skipped]},
    ],
    ids=["pictures", "skipped"],
)
def test_keys_of_a_newer_version_are_ignored_in_every_part(change: dict[str, Any], run: Run) -> None:
    assert newer(run, change).manifest == some_manifest()


def test_keys_that_an_older_version_lacks_have_defaults(run: Run) -> None:
    run.folder.mkdir()
    (run.folder / "manifest.json").write_text('{"study": {"model": {"source": "timm:x"}}}')
    manifest = run.manifest
    assert manifest.study == {"model": {"source": "timm:x"}}
    assert (manifest.skipped, manifest.notes, manifest.pictures) == ((), (), Pictures())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        some_manifest().to_json().encode()[:200],
        b"{}",
        b'{"study": {}, "skipped": [3]}',
        b'{"study": {}, "pictures": 3}',
        b'{"study": {}, "notes": null}',
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"manifest"',
    ],
    ids=str,
)
def test_a_broken_manifest_is_named(content: bytes, run: Run) -> None:
    run.folder.mkdir()
    (run.folder / "manifest.json").write_bytes(content)
    with pytest.raises(RunError, match=r"manifest\.json cannot be read .*run the study again"):
        run.manifest  # noqa: B018 - reading it is what fails


def test_pictures_lie_where_the_layout_says() -> None:
    assert Pictures.unit(2, 31) == "images/units/2/31.webp"
    assert Pictures.concept(4) == "images/concepts/4.webp"
    assert Pictures.mask(Pictures.unit(2, 31)) == "images/units/2/31.mask.webp"
