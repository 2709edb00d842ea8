"""`python:FILE.py:FUNCTION` and `python:package.module:FUNCTION`: a function in the user's code that builds a network.

The function takes no arguments and returns an `nn.Module`. The file is executed, like any Python program.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from torch import nn

from dissectory.analysis.subjects.sources import Network, model_source
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType


@model_source("python")
def python_model(name: str, *, pretrained: bool, base: Path) -> Network:  # noqa: ARG001 - the protocol requires it
    """Build the network with the function `name`.

    Raises:
        SubjectError: if the file, module or function is missing, or the function fails or returns no network.
    """
    return Network(build_module(name, base, "model.source"))


def build_module(name: str, base: Path, key: str) -> nn.Module:
    """Call the function `name`, `FILE.py:FUNCTION` or `package.module:FUNCTION`, and return the module that it builds.

    Args:
        name: the file or module, and the function.
        base: the folder that relative paths start from.
        key: the study key that names the function, for error messages.

    Raises:
        SubjectError: if the file, module or function is missing, or the function fails or returns no module.
    """
    place, colon, function = name.rpartition(":")
    if not colon or not place or not function:
        raise SubjectError(
            f"{key} is 'python:{name}'; it must be 'python:FILE.py:FUNCTION' or 'python:package.module:FUNCTION'"
        )
    file = base / Path(place).expanduser() if place.endswith(".py") else None
    # The file can import its neighbors, as when Python runs it; a module can import packages beside the study.
    with _importable(file.parent if file else base):
        module = _run_file(file, key) if file else _import_module(place, key)
        place = str(file or place)
        return _call(_find(module, function, place, key), function, place)


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(entry)


def _run_file(file: Path, key: str) -> ModuleType:
    if not file.is_file():
        raise SubjectError(f"{key} names the file {file}, which does not exist")
    name = f"dissectory_subject_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:  # only a path without the suffix .py has no loader
        raise SubjectError(f"{key} names the file {file}, which is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look up their module by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise SubjectError(f"{file} cannot be imported: {_told(error, str(file))}") from error
    return module


def _import_module(name: str, key: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise SubjectError(
                f"{key} names the module '{name}', which is not installed and is not in the study's folder; "
                "write a file with its suffix, as in 'python:FILE.py:FUNCTION'"
            ) from error
        raise SubjectError(f"the module {name} cannot be imported: {_told(error, name)}") from error
    except Exception as error:
        raise SubjectError(f"the module {name} cannot be imported: {_told(error, name)}") from error


def _find(module: ModuleType, function: str, place: str, key: str) -> Callable[[], object]:
    found: Callable[[], object] | None = getattr(module, function, None)
    if found is None or not callable(found):
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        what = "is not a function" if hasattr(module, function) else "does not exist"
        raise SubjectError(f"{key} names {function} in {place}, which {what}; {nearest(function, own)}")
    return found


def _call(build: Callable[[], object], function: str, place: str) -> nn.Module:
    try:
        built = build()
    except Exception as error:
        raise SubjectError(f"{function}() in {place} failed: {_told(error, place)}") from error
    if isinstance(built, nn.Module):
        return built
    hint = "; name a function that builds it and takes no arguments" if inspect.isclass(built) else ""
    raise SubjectError(f"{function}() in {place} returned {type(built).__name__}, not a torch.nn.Module{hint}")


def _told(error: Exception, place: str) -> str:
    """Return the error's text, and the line of the user's file in which it occurred."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == place]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {error}{where}"
