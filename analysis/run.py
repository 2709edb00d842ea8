"""A run's folder: the tables, the pictures and the manifest. Each file is written completely or not at all.

run = Run(Path("runs/squeezenet"))
run.table("units")          # a pandas frame
run.manifest.study          # the study, as nested dictionaries
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from dissectory.analysis import experiments
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.table import VERSION
from dissectory.errors import RunError, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pandas as pd

    from dissectory.analysis.tables.table import Table

MARKER = ".dissectory-run"
"""The file that marks the folder of a run. A new run replaces the files only of a folder with this file."""

ROW_GROUP = 15_000
"""Rows of one parquet row group: few enough to read a single unit of a sorted table quickly."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image file that could not be decoded."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The layout of a run's pictures: sprites of square tiles, row by row in the order of rank, and the gallery.

    `images/units/<layers.index>/<unit>.webp` holds a unit's top images, and `images/concepts/<n>.webp` the example
    images of the n-th row of the table concepts. The same name with `.mask.webp` is a mask to lay over the sprite:
    transparent where the unit is active, or where the concept is, and dark elsewhere. Tiles without an image are black
    and fully transparent.

    `images/gallery/<image>.webp` is an image of the gallery as the network sees it. The same name with
    `.<category>.webp` is its label map: one pixel for each grid position, transparent at positions without a label.

    Experiments name their own pictures in `dissectory.analysis.experiments.<name>.paths`. A strip of a unit's top
    images, generated without the unit, has `without_tiles` tiles, and a strip of its counterexamples has
    `counterexample_tiles`. The differences between two pictures are `amplified` times as large as they are.
    """

    tile: int = 112
    columns: int = 5
    unit_tiles: int = 15
    concept_tiles: int = 15
    without_tiles: int = 3
    counterexample_tiles: int = 5
    amplified: int = 4

    UNITS: ClassVar = "images/units"
    CONCEPTS: ClassVar = "images/concepts"
    PLAN: ClassVar = "images/.plan"
    """The file beside the sprites of an unfinished run that holds the fingerprint of what they show."""

    @staticmethod
    def unit(layer_index: int, unit: int) -> str:
        """Return the path of a unit's sprite inside the run."""
        return f"{Pictures.UNITS}/{layer_index}/{unit}.webp"

    @staticmethod
    def concept(row: int) -> str:
        """Return the path of a concept's sprite inside the run."""
        return f"{Pictures.CONCEPTS}/{row}.webp"

    @staticmethod
    def gallery(image: int, category: str = "") -> str:
        """Return the path of an image of the gallery inside the run, or of one of its label maps."""
        return f"images/gallery/{image}.{category}.webp" if category else f"images/gallery/{image}.webp"

    @staticmethod
    def mask(sprite: str) -> str:
        """Return the path of the mask of a sprite."""
        return sprite.removesuffix(".webp") + ".mask.webp"


@dataclass(frozen=True, slots=True)
class Related:
    """Another run in a subfolder of this run. Its site is built into the same subfolder of this run's site."""

    title: str
    folder: str


@dataclass(frozen=True, slots=True)
class Ablation:
    """How the units of one layer of a classifier were ablated.

    `mode` is "linear", "rectified", "exact" or "ranked", and `why` gives the reason in a clause. `classes` says how
    the class of an image is known: by its folder ("folders"), by the network's prediction ("predicted"), or by its
    folder, which several outputs stand for ("mapping"). `ranking` and `reporting` are the numbers of images in the
    two splits.
    """

    layer: str
    mode: str
    why: str
    classes: str
    ranking: int
    reporting: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a run was made: everything that is needed to judge it and to repeat it.

    `study` is the study with its defaults filled in, section by section. `versions` are those of the software. `hashes`
    are the SHA-256 of the weights and of the images. `seconds` is the wall time of each stage, and of the whole run
    under `total`, summed over all starts of a resumed run. (Images are decoded in parallel with the other stages: only
    the time spent waiting for them counts.)
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
    """source, parameters, outputs, classes (the number of outputs with a name), device, tally (the backend:
    "compiled" or "device"), passes (over the images)."""
    images: int = 0
    skipped: tuple[Skipped, ...] = ()
    grid: int = 56
    notes: tuple[str, ...] = ()
    """Remarks that a reader of the results should know, in sentences."""
    pictures: Pictures = Pictures()
    related: tuple[Related, ...] = ()
    ablations: tuple[Ablation, ...] = ()

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest that `to_json` wrote; unknown keys, such as those of a newer version, are ignored."""
        values = _known(cls, json.loads(text))
        values["skipped"] = tuple(Skipped(**_known(Skipped, item)) for item in values.get("skipped", ()))
        values["notes"] = tuple(values.get("notes", ()))
        values["pictures"] = Pictures(**_known(Pictures, values.get("pictures", {})))
        values["related"] = tuple(Related(**_known(Related, item)) for item in values.get("related", ()))
        values["ablations"] = tuple(Ablation(**_known(Ablation, item)) for item in values.get("ablations", ()))
        return cls(**values)

    def to_json(self) -> str:
        """Return the manifest as indented JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Run:
    """The folder of a run.

    Raises:
        RunError: a file cannot be read or written.
    """

    folder: Path

    def table_path(self, name: str) -> Path:
        """Return the path of a table's file."""
        return self.folder / "tables" / f"{name}.parquet"

    @property
    def tables(self) -> dict[str, Table]:
        """The tables in the run, by name, in the order of the catalog."""
        return {name: table for name, table in all_tables().items() if self.has(name)}

    def has(self, name: str) -> bool:
        """Whether the run has a table."""
        return self.table_path(name).is_file()

    def table(self, name: str) -> pd.DataFrame:
        """Read a table as a pandas frame, sorted by its key."""
        known = all_tables()
        if name not in known:
            raise RunError(f"there is no table '{name}'; {nearest(name, known)}")
        path = self.table_path(name)
        if not path.is_file():
            raise RunError(f"{self.folder} has no table '{name}' ({path} is missing): check that the run is finished")
        try:
            read = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise RunError(f"{path} cannot be read as parquet ({error}): run the study again") from error
        missing = [column for column in known[name].arrow.names if column not in read.column_names]
        if missing:
            raise RunError(f"{path} lacks the columns {missing}: another version wrote it; run the study again")
        frame: pd.DataFrame = read.to_pandas()
        return frame

    @property
    def finished(self) -> bool:
        """Whether the run is finished: its manifest is written last."""
        return (self.folder / "manifest.json").is_file()

    @cached_property
    def manifest(self) -> Manifest:
        """The run's manifest."""
        path = self.folder / "manifest.json"
        try:
            return Manifest.from_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{self.folder} is not a finished run: it has no manifest.json. Run its study, or name another folder"
            ) from None
        except (OSError, ValueError, TypeError) as error:
            raise RunError(f"{path} cannot be read ({error}): run the study again") from error

    def write_table(self, table: Table, columns: dict[str, Any]) -> None:
        """Write a table, sorted by its key; `columns` maps the name of every column to its values."""
        schema = table.arrow
        plain = [item.type.value_type if pa.types.is_dictionary(item.type) else item.type for item in schema]
        arrays = [pa.array(columns[item.name], from_pandas=True) for item in schema]
        data = pa.table(
            [array.cast(kind) for array, kind in zip(arrays, plain, strict=True)], names=[item.name for item in schema]
        )
        data = data.sort_by(
            [(key, "ascending") for key in table.key]
        )  # before the cast: arrow cannot sort dictionaries
        data = data.cast(schema)
        with self.replacing(self.table_path(table.name)) as temporary:
            pq.write_table(data, temporary, compression="snappy", row_group_size=ROW_GROUP)

    def write_manifest(self, manifest: Manifest) -> None:
        """Write the manifest. It is the last file of a run, and makes the run a finished one."""
        with self.replacing(self.folder / "manifest.json") as temporary:
            temporary.write_text(manifest.to_json(), encoding="utf-8")

    @contextlib.contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Yield a temporary path to write to. It replaces `path` at the end of the context, unless there is an error.

        Raises:
            RunError: the file cannot be written.
        """
        temporary = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, path)  # noqa: PTH105 - atomic
        except BaseException as error:  # including errors of the writer, and interrupts
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise RunError(f"cannot write {path}: {error.strerror or error}. {_remedy(error)}") from error

    def prepare(self) -> None:
        """Make the folder and write its marker, before any long work begins.

        Raises:
            RunError: the folder cannot be written, or it holds files that are not a run's, which a run would replace.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"{self.folder} is a file; --out must name a folder")
        if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / MARKER).is_file():
            raise RunError(
                f"{self.folder} holds files that are not a run's, and a run replaces the files in its folder: name a "
                "new or empty folder with --out"
            )
        with self.replacing(self.folder / MARKER) as temporary:
            temporary.write_text("This folder is a run of Dissectory; the next run with this --out replaces it.\n")

    def clear(self, kept: Collection[Path] = ()) -> None:
        """Remove the files of an earlier run, the manifest first, so that the rest does not look like a finished run.

        The paths in `kept` stay.

        Raises:
            RunError: a file cannot be removed.
        """
        try:
            (self.folder / "manifest.json").unlink(missing_ok=True)
            own = [folder for experiment in experiments.EXPERIMENTS for folder in experiment.folders]
            for name in ("tables", "images", "site", *own):
                _remove(self.folder / name, kept)
        except OSError as error:
            raise RunError(
                f"cannot replace the run in {self.folder}: {error.strerror or error}. {_remedy(error)}"
            ) from error


def _remove(path: Path, kept: Collection[Path]) -> None:
    """Remove a folder with everything in it, except some paths and the folders that they are in."""
    if path in kept or not path.exists():
        return
    if not any(path in other.parents for other in kept):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    for entry in list(path.iterdir()):
        _remove(entry, kept)


def _known(kind: type[Any], values: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the JSON holds
    """Keep the values for which a dataclass has fields."""
    if not isinstance(values, dict):
        raise TypeError(f"{values!r} is not an object")
    names = {item.name for item in fields(kind)}
    return {key: value for key, value in values.items() if key in names}


def _remedy(error: OSError) -> str:
    """Return a sentence that says what to do about an error of writing."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "Free some space, or name another folder with --out"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "Get permission to write there, or name another folder with --out"
    return "Name another folder with --out"
