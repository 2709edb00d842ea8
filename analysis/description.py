"""The JSON file that describes the other files of a folder in a run, such as `paint/paint.json`.

    (folder / "paint.json").write_text(write_description(painting, 1), encoding="utf-8")
    painting = read_description(folder / "paint.json", 1, parse)
    check_file(folder / "maps.f16", 1024)

The description is written last, so a folder that has one is complete. Its `version` is that of the folder's format.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from dissectory.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import DataclassInstance

Described = TypeVar("Described")

REMEDY = "run the study again"


def write_description(described: DataclassInstance, version: int) -> str:
    """Return the fields of a dataclass and the version as JSON."""
    return json.dumps({"version": version, **asdict(described)}, ensure_ascii=False) + "\n"


def read_description(path: Path, version: int, parse: Callable[[dict[str, Any]], Described]) -> Described:
    """Read a description; `parse` makes it from the JSON object without its version.

    Raises:
        RunError: the file is missing, is not a description of the version, or does not have the expected values.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("version", None) != version:
            raise RunError(f"{path} is not of version {version}, the only one that can be read: {REMEDY}")
        return parse(values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{path} cannot be read ({error}): {REMEDY}") from error


def check_file(path: Path, size: int | None = None) -> None:
    """Check that a described file exists, and that it has `size` bytes if the size is known.

    Raises:
        RunError: the file is missing, or has another size.
    """
    if not path.is_file() or size not in {None, path.stat().st_size}:
        raise RunError(f"{path} is missing or cut short: {REMEDY}")
