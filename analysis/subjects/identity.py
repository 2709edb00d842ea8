"""What a network is, as hashes: its structure and numbers, and the files that its code is written in."""

from __future__ import annotations

import hashlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import nn


def network_hash(module: nn.Module) -> str:
    """Hash the network's structure, parameters and buffers."""
    total = hashlib.sha256(repr(module).encode())
    for name, value in module.state_dict().items():
        total.update(f"\0{name}\0".encode())
        total.update(_bytes(value))
    return total.hexdigest()


def _bytes(value: Any) -> Any:  # noqa: ANN401 - a network may keep anything beside its tensors
    return tensor_bytes(value) if isinstance(value, torch.Tensor) else repr(value).encode()


def tensor_bytes(value: torch.Tensor) -> bytes:
    """Write down type, shape and numbers of a tensor."""
    plain = value.detach().cpu().contiguous()
    return f"{plain.dtype}{tuple(plain.shape)}".encode() + plain.reshape(-1).view(torch.uint8).numpy().tobytes()


def code_hash(module: nn.Module, source: str, base: Path) -> str:
    """Hash the files in which the network's modules, and the function that builds it, are written.

    Args:
        module: the network.
        source: what built it, such as `python:FILE.py:FUNCTION`.
        base: the folder that relative paths start from.
    """
    files = {_file(type(part).__module__) for part in module.modules()}
    kind, _, name = source.partition(":")
    if kind == "python":
        place = name.rpartition(":")[0]
        files.add(base / Path(place).expanduser() if place.endswith(".py") else _file(place))
    total = hashlib.sha256()
    for content in sorted(hashlib.sha256(file.read_bytes()).digest() for file in files if file and file.is_file()):
        total.update(content)
    return total.hexdigest()


def _file(module: str) -> Path | None:
    """The file of an imported module, where it has one."""
    try:
        found = inspect.getsourcefile(sys.modules[module])
    except (KeyError, TypeError):
        return None
    return Path(found) if found else None
