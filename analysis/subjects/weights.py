"""Weights files: read without running any code in them, and checked against the network before they are loaded."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    State = dict[str, Tensor]

_NESTED = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts store the state dict, beside the epoch and the optimizer."""

_SHOWN = 3
"""How many keys of each kind an error message lists."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_weights(module: nn.Module, path: Path) -> None:
    """Load the network's parameters and buffers from a file.

    All keys may have the prefix `module.`, which `nn.DataParallel` adds. Numbers are converted to the dtype of the
    network's own parameter. Batch norm's `num_batches_tracked` may be missing, as in old files.

    Raises:
        SubjectError: if the file cannot be read, or does not match the network exactly.
    """
    own = {key: value for key, value in module.state_dict().items() if isinstance(value, Tensor)}
    state = _unprefixed(read_state(path), own)
    counts = {key: value for key, value in own.items() if key.endswith("num_batches_tracked") and key not in state}
    state |= counts
    differences = _differences(own, state)
    if differences:
        raise SubjectError(
            f"{path} does not match the network: {'; '.join(differences)}. Use weights that were trained for this "
            "network with the same number of outputs, or build a matching network in a function of your own, "
            "python:FILE.py:FUNCTION"
        )
    module.load_state_dict(state)


def read_state(path: Path) -> State:
    """Read a state dict: safetensors, or PyTorch's format without running any code in it.

    Raises:
        SubjectError: if the file is missing or broken, or contains anything but named tensors.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise SubjectError(f"model.weights names {path}, which {what}")
    return _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)


def _read_safetensors(path: Path) -> State:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
        raise SubjectError(f"{path} is not a valid safetensors file ({error}): download or save it again") from error


def _read_pickle(path: Path) -> State:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about file formats; a file that cannot be read raises an error below
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SubjectError(
            f"{path} is not a plain state dict: it contains other objects than tensors, which could run code when "
            "loaded, or it is not a PyTorch file. Save it with torch.save(model.state_dict(), FILE), or as safetensors"
        ) from error
    except Exception as error:  # broken files raise nearly anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SubjectError(
            f"{path} cannot be read as weights ({reason}): save it again with torch.save(model.state_dict(), FILE)"
        ) from error
    return _state_in(content, path)


def _state_in(content: object, path: Path) -> State:
    """Return the state dict in the content of a file."""
    if isinstance(content, Mapping):
        for candidate in (*(content.get(key) for key in _NESTED), content):
            if _is_state(candidate):
                return dict(candidate)
    raise SubjectError(
        f"{path} contains no state dict: expected names with tensors, at the top level or under "
        f"{' or '.join(repr(key) for key in _NESTED)}, not {_described(content)}"
    )


def _is_state(value: object) -> TypeGuard[Mapping[str, Tensor]]:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(key, str) and isinstance(item, Tensor) for key, item in value.items())
    )


def _described(content: object) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    keys = ", ".join(repr(key) for key in list(content)[:_SHOWN])
    return f"a dict of {len(content)} with the keys {keys}" if content else "an empty dict"


def _unprefixed(state: State, own: State) -> State:
    prefix = "module."
    if all(key.startswith(prefix) for key in state) and not any(key.startswith(prefix) for key in own):
        return {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _differences(own: State, state: State) -> list[str]:
    """Describe the differences between a state and the network's own, each kind with its count and its first keys."""
    shared = [key for key in own if key in state]
    shapes = [
        f"'{key}' is {_shape(state[key])} and should be {_shape(own[key])}"
        for key in shared
        if own[key].shape != state[key].shape
    ]
    kinds = [
        f"'{key}' is {state[key].dtype} and should be {own[key].dtype}"
        for key in shared
        if own[key].is_floating_point() != state[key].is_floating_point()
    ]
    groups = (
        ("missing", [f"'{key}'" for key in own if key not in state]),
        ("unexpected", [f"'{key}'" for key in state if key not in own]),
        ("with another shape", shapes),
        ("with another kind of number", kinds),
    )
    return [_summary(name, keys) for name, keys in groups if keys]


def _summary(name: str, keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{len(keys)} {name} ({', '.join(keys[:_SHOWN])}{more})"


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(length) for length in tensor.shape) or "a single number"
