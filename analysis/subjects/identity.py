"""The identity of a network as hashes: its structure and numbers, and the files that contain its code.

The hashes do not cover files that a network reads while it computes, nor code that it imports dynamically.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import sys
from collections.abc import Mapping
from modulefinder import ModuleFinder
from pathlib import Path

import numpy as np
import torch
from torch import nn

_BOOKKEEPING = vars(nn.Module()).keys()
"""Attributes of every module: parameters and buffers, which are hashed by name, and hooks, whose numbers vary."""


def network_hash(module: nn.Module) -> str:
    """Hash the network's structure, its parameters and buffers, and the plain values of its modules' attributes."""
    total = hashlib.sha256(repr(module).encode())
    for name, value in (*module.state_dict().items(), *module.named_buffers()):  # some buffers are not in the state
        total.update(f"\0{name}\0".encode() + _bytes(value))
    for name, part in module.named_modules():
        for key in sorted(vars(part).keys() - _BOOKKEEPING):
            total.update(f"\0{name}\0{key}\0".encode() + _bytes(vars(part)[key]))
    return total.hexdigest()


def _bytes(value: object) -> bytes:
    """Encode a value as bytes; for an object that is not plain data, only its type."""
    if isinstance(value, torch.Tensor):
        return tensor_bytes(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}".encode() + value.tobytes()
    if isinstance(value, Mapping):
        return b"{" + b",".join(_bytes(key) + b":" + _bytes(item) for key, item in value.items()) + b"}"
    if isinstance(value, (tuple, list)):
        return b"[" + b",".join(map(_bytes, value)) + b"]"
    plain = isinstance(value, (bool, int, float, complex, str, bytes, torch.dtype, type(None)))
    return (repr(value) if plain else type(value).__qualname__).encode()


def tensor_bytes(value: torch.Tensor) -> bytes:
    """Encode the dtype, shape and numbers of a tensor as bytes."""
    plain = value.detach().cpu().contiguous()
    return f"{plain.dtype}{tuple(plain.shape)}".encode() + plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def code_hash(module: nn.Module, source: str, base: Path) -> str:
    """Hash the files that define the network's modules and the function that builds it.

    For this function, the files that it imports from its own folder or from the study's folder count too.

    Args:
        module: the network.
        source: the source that built the network, such as `python:FILE.py:FUNCTION`.
        base: the folder that relative paths start from.
    """
    files = {_file(type(part).__module__) for part in module.modules()}
    kind, _, name = source.partition(":")
    if kind == "python":
        files |= _imported(name.rpartition(":")[0], base)
    total = hashlib.sha256()
    for content in sorted(hashlib.sha256(file.read_bytes()).digest() for file in files if file and file.is_file()):
        total.update(content)
    return total.hexdigest()


def _imported(place: str, base: Path) -> set[Path | None]:
    """Return the file of `place`, and the files that it imports from its own folder, or from `base` for a module."""
    file = base / Path(place).expanduser() if place.endswith(".py") else None
    finder = ModuleFinder(path=[str((file.parent if file else base).resolve())])
    with contextlib.suppress(ImportError, OSError):  # an installed package, or a deleted file
        finder.run_script(str(file)) if file else finder.import_hook(place)  # both only scan the code
    files = [module.__file__ for module in finder.modules.values()]  # type: ignore[attr-defined] # missing in typeshed
    return {None if file else _file(place), *(Path(file) for file in files if file)}


def _file(module: str) -> Path | None:
    """Return the file of an imported module, `None` if it has none."""
    try:
        found = inspect.getsourcefile(sys.modules[module])
    except (KeyError, TypeError):
        return None
    return Path(found) if found else None
