"""A run's folder: the tables, the pictures and the manifest, written whole or not at all.

run = Run(Path("runs/squeezenet"))
run.table("units")          # a pandas frame
run.manifest.study          # what was asked for
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from dissectory.analysis import experiments
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.table import VERSION
from dissectory.errors import RunError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from dissectory.analysis.tables.table import Table

MARKER = ".dissectory-run"
"""The file that tells a run's folder from any other: only there may a new run replace an old one."""

ROW_GROUP = 15_000
"""Rows of one parquet row group: small enough for a reader that wants one unit of a sorted table."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image file that could not be decoded."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """How the pictures of a run are laid out: sprites of square tiles, row by row, by rank; and the gallery.

    `images/units/<layers.index>/<unit>.webp` holds a unit's top images, `images/concepts/<n>.webp` the
    example images of the n-th row of the table concepts. The same name with `.mask.webp` is a layer to lay
    over it: transparent where the unit is active (the concept is), dark elsewhere. Tiles that no image fills
    are black and fully transparent.

    `images/gallery/<image>.webp` is an image of the gallery as the network sees it, the same name with
    `.<category>.webp` its label map: a pixel for each grid position, transparent where nothing is labelled.

    Experiments name their own pictures in `dissectory.analysis.experiments.<name>.paths`. A unit's top images without
    the unit have `without_tiles` tiles, its counterexamples room for `counterexample_tiles`; differences between two
    pictures are `amplified` so many times.
    """

    tile: int = 112
    columns: int = 5
    unit_tiles: int = 15
    concept_tiles: int = 15
    without_tiles: int = 3
    counterexample_tiles: int = 5
    amplified: int = 4

    @staticmethod
    def unit(layer_index: int, unit: int) -> str:
        """Path of a unit's sprite inside the run."""
        return f"images/units/{layer_index}/{unit}.webp"

    @staticmethod
    def concept(row: int) -> str:
        """Path of a concept's sprite inside the run."""
        return f"images/concepts/{row}.webp"

    @staticmethod
    def gallery(image: int, category: str = "") -> str:
        """Path of an image of the gallery inside the run, or of one of its label maps."""
        return f"images/gallery/{image}.{category}.webp" if category else f"images/gallery/{image}.webp"

    @staticmethod
    def mask(sprite: str) -> str:
        """Path of the mask that belongs to a sprite."""
        return sprite.removesuffix(".webp") + ".mask.webp"


@dataclass(frozen=True, slots=True)
class Related:
    """Another run, in a folder of this one's, whose site is built into the same folder of this one's site."""

    title: str
    folder: str


@dataclass(frozen=True, slots=True)
class Ablation:
    """How the units of a layer of a classifier were removed.

    `mode` is "linear", "rectified", "exact" or "ranked", and `why` says so in a clause; `classes` is what an image's
    class is: that of its folder ("folders"), what the network takes it for ("predicted"), or that of its folder, for
    which several outputs stand ("mapping"). `ranking` and `reporting` are numbers of images.
    """

    layer: str
    mode: str
    why: str
    classes: str
    ranking: int
    reporting: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Where a run comes from: everything needed to judge it and to make it again.

    `study` is the study as it was resolved, section by section; `versions` of the software; `hashes` (SHA-256)
    of the weights and of the images; `seconds` of wall time for each stage, `total` for all, of every start that the
    run took. (Decoding goes on beside the other stages: only the time spent waiting for it counts.)
    """

    study: dict[str, dict[str, Any]]
    title: str = ""
    created: str = ""
    schema_version: int = VERSION
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    """source, parameters, outputs, classes (how many outputs have a name), device, passes over the images."""
    images: int = 0
    skipped: tuple[Skipped, ...] = ()
    grid: int = 56
    notes: tuple[str, ...] = ()
    """What a reader of the results should know, in plain sentences."""
    pictures: Pictures = Pictures()
    related: tuple[Related, ...] = ()
    ablations: tuple[Ablation, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what `to_json` wrote; keys of a newer version are passed over."""
        values = _known(cls, json.loads(text))
        values["skipped"] = tuple(Skipped(**_known(Skipped, item)) for item in values.get("skipped", ()))
        values["notes"] = tuple(values.get("notes", ()))
        values["pictures"] = Pictures(**_known(Pictures, values.get("pictures", {})))
        values["related"] = tuple(Related(**_known(Related, item)) for item in values.get("related", ()))
        values["ablations"] = tuple(Ablation(**_known(Ablation, item)) for item in values.get("ablations", ()))
        return cls(**values)

    def to_json(self) -> str:
        """Write the manifest for people and programs."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Raises:
        RunError: on reading what is not there, or writing where nothing can be written.
    """

    folder: Path

    def table_path(self, name: str) -> Path:
        """Path of a table's file."""
        return self.folder / "tables" / f"{name}.parquet"

    @property
    def tables(self) -> dict[str, Table]:
        """The tables that the run has, by name, in the order of the catalog."""
        return {name: table for name, table in all_tables().items() if self.has(name)}

    def has(self, name: str) -> bool:
        """Whether the run has the table."""
        return self.table_path(name).is_file()

    def table(self, name: str) -> pd.DataFrame:
        """Read one table as a pandas frame, in the order of its key."""
        known = all_tables()
        if name not in known:
            raise RunError(f"there is no table '{name}'; {nearest(name, known)}")
        path = self.table_path(name)
        if not path.is_file():
            raise RunError(f"{self.folder} has no table '{name}': was the run finished? (expected {path})")
        try:
            read = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} cannot be read as parquet ({error}): run the study again") from error
        missing = [column for column in known[name].arrow.names if column not in read.column_names]
        if missing:
            raise RunError(f"{path} lacks the columns {missing}: it is of another version; run the study again")
        frame: pd.DataFrame = read.to_pandas()
        return frame

    @property
    def finished(self) -> bool:
        """Whether the run was brought to its end: its manifest is written last."""
        return (self.folder / "manifest.json").is_file()

    @cached_property
    def manifest(self) -> Manifest:
        """The run's manifest."""
        path = self.folder / "manifest.json"
        try:
            return Manifest.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.folder} is not a finished run: it has no manifest.json") from None
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}): run the study again") from error

    def write_table(self, table: Table, columns: dict[str, Any]) -> None:
        """Write one table, sorted by its key; `columns` maps every column's name to its values."""
        schema = table.arrow
        plain = [item.type.value_type if pa.types.is_dictionary(item.type) else item.type for item in schema]
        arrays = [pa.array(columns[item.name], from_pandas=True) for item in schema]
        data = pa.table(
            [array.cast(kind) for array, kind in zip(arrays, plain, strict=True)], names=[item.name for item in schema]
        )
        data = data.sort_by([(key, "ascending") for key in table.key])  # arrow sorts no dictionaries: names come later
        data = data.cast(schema)
        with self.replacing(self.table_path(table.name)) as temporary:
            pq.write_table(data, temporary, compression="snappy", row_group_size=ROW_GROUP)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest: the last act of a run, which makes it a finished one."""
        with self.replacing(self.folder / "manifest.json") as temporary:
            temporary.write_text(manifest.to_json(), encoding="utf-8")

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Give a temporary path to write to; it takes the place of `path` when all went well."""
        temporary = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, path)  # noqa: PTH105 - the one call whose atomicity is meant
        except BaseException as error:  # also when the writer itself fails, or is interrupted
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise RunError(f"cannot write {path}: {error.strerror or error}. {_remedy(error)}") from error

    def prepare(self) -> None:
        """Make the folder and write its marker, before any long work begins.

        Raises:
            RunError: the folder cannot be written, or it holds what is not a run's: a run replaces what is in its
                folder.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"{self.folder} is a file; --out names the folder of the run")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / MARKER).is_file():
            raise RunError(
                f"{self.folder} holds files that are not a run's, and a run replaces what is in its folder: name a new "
                "or empty folder with --out"
            )
        with self.replacing(self.folder / MARKER) as temporary:
            temporary.write_text("This folder is a run of Dissectory; the next run with this --out replaces it.\n")

    def clear(self) -> None:
        """Remove what an earlier run left in the folder, its manifest first: without one it is no finished run."""
        try:
            (self.folder / "manifest.json").unlink(missing_ok=True)
            own = [folder for experiment in experiments.EXPERIMENTS for folder in experiment.folders]
            for name in ("tables", "images", "site", *own):
                if (self.folder / name).exists():
                    shutil.rmtree(self.folder / name)
        except OSError as error:
            raise RunError(
                f"cannot replace the run in {self.folder}: {error.strerror or error}. {_remedy(error)}"
            ) from error


def _known(kind: type[Any], values: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the JSON holds
    """Keep what a dataclass has fields for."""
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} is not an object")
    names = {item.name for item in fields(kind)}
    return {key: value for key, value in values.items() if key in names}


def _remedy(error: OSError) -> str:
    """Say what helps against an error of writing."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "Free some space, or name another folder with --out"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "Give yourself the right to write there, or name another folder with --out"
    return "Name another folder with --out"
