"""Reading a section from a table of a TOML file: every value is checked against the type of its field."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from dissectory.errors import StudyError, nearest


def read_section(kind: type[Any], values: Any, name: str, where: str) -> Any:  # noqa: ANN401
    """Make a `kind`, a dataclass, from a TOML table.

    Raises:
        StudyError: a key is unknown or missing, or a value has the wrong type.
    """
    if not isinstance(values, dict):
        raise StudyError(f"{name}: [{where}] must be a table of keys, not {values!r}")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    for key in values:
        if key not in known:
            raise StudyError(f"{name}: [{where}] has no key '{key}'; {nearest(key, known)}")
    for key, item in known.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and key not in values:
            missing = f"[{where}] needs the key '{key}'" if where else f"the section [{key}] is missing"
            raise StudyError(f"{name}: {missing}")
    return kind(**{key: _value(hints[key], value, name, f"{where}.{key}".strip(".")) for key, value in values.items()})


def _value(hint: Any, value: Any, name: str, where: str) -> Any:  # noqa: ANN401
    """Convert one TOML value to the type of its field."""
    if dataclasses.is_dataclass(hint):
        return read_section(typing.cast("type[Any]", hint), value, name, where)
    if get_origin(hint) in {types.UnionType, typing.Union}:
        inner = [option for option in get_args(hint) if option is not type(None)]
        return _value(inner[0], value, name, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise StudyError(f"{name}: {where} is {value!r}; it must be one of {_listed(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        return _tuple(hint, value, name, where)
    return _scalar(hint, value, name, where)


def _tuple(hint: Any, value: Any, name: str, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    inner = get_args(hint)
    if isinstance(value, str) and inner[0] is str:
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise StudyError(f"{name}: {where} is {value!r}; it must be a list")
    if inner[-1] is not Ellipsis and len(value) != len(inner):
        each = ", one for each of R, G, B" if len(inner) == 3 else ""  # noqa: PLR2004
        raise StudyError(f"{name}: {where} has {len(value)} values; it must have {len(inner)}{each}")
    return tuple(_value(inner[0], item, name, f"{where}[{place}]") for place, item in enumerate(value))


def _scalar(hint: Any, value: Any, name: str, where: str) -> Any:  # noqa: ANN401
    if hint is Path and isinstance(value, (str, Path)):
        return _home(Path(value), name, where)
    if hint is float and _is_finite(value):
        return float(value)
    if hint in {int, str} and isinstance(value, hint) and not isinstance(value, bool):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    wanted = {Path: "a path", float: "a finite number", int: "a whole number", str: "a string", bool: "true or false"}
    raise StudyError(f"{name}: {where} is {value!r}; it must be {wanted[hint]}")


def _is_finite(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is a number that a float can hold."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


def _home(path: Path, name: str, where: str) -> Path:
    """Resolve `~` and `~person`."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise StudyError(f"{name}: {where} is '{path}', but this home folder does not exist") from None


def _listed(options: tuple[Any, ...]) -> str:
    return ", ".join(repr(option) for option in options)
