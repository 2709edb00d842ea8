"""Files of weights: read without running anything in them, checked against the network before they are loaded."""

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
"""Keys under which training scripts put the state dict beside the epoch and the optimizer."""

_SHOWN = 3
"""How many keys of each sort a message names."""


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_weights(module: nn.Module, path: Path) -> None:
    """Fill the network's parameters and buffers from a file.

    Keys may share the prefix `module.`, which `nn.DataParallel` adds. Numbers take the dtype of the network's own
    parameter. Batch norm's count of batches may be missing: files older than it do not have it.

    Raises:
        SubjectError: the file cannot be read, or does not fit the network exactly.
    """
    own = {key: value for key, value in module.state_dict().items() if isinstance(value, Tensor)}
    state = _unprefixed(read_state(path), own)
    counts = {key: value for key, value in own.items() if key.endswith("num_batches_tracked") and key not in state}
    state |= counts
    differences = _differences(own, state)
    if differences:
        raise SubjectError(
            f"{path} does not fit the network: {'; '.join(differences)}. Are the weights those of this network, with "
            "as many outputs? A network of another shape can be built by a function of yours, python:FILE.py:FUNCTION"
        )
    module.load_state_dict(state)


def read_state(path: Path) -> State:
    """Read a state dict: safetensors, or PyTorch's format without running any code in it.

    Raises:
        SubjectError: the file is missing or broken, or holds anything but tensors under names.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise SubjectError(f"model.weights names {path}, which {what}")
    return _read_safetensors(path) if path.suffix.lower() == ".safetensors" else _read_pickle(path)


def _read_safetensors(path: Path) -> State:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError, KeyError, ValueError) as error:
        raise SubjectError(f"{path} is not a whole safetensors file ({error}): fetch or save it again") from error


def _read_pickle(path: Path) -> State:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that it may not know: it says so again if it does not
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise SubjectError(
            f"{path} is not a plain state dict: it holds other objects than tensors, which could run code when they "
            "are loaded, or it is no PyTorch file. Save torch.save(model.state_dict(), FILE), or safetensors"
        ) from error
    except Exception as error:  # broken files raise nearly anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise SubjectError(
            f"{path} cannot be read as weights ({reason}): is it whole, and a state dict saved with torch.save?"
        ) from error
    return _state_in(content, path)


def _state_in(content: object, path: Path) -> State:
    """Find the state dict in what a file holds."""
    if isinstance(content, Mapping):
        for candidate in (*(content.get(key) for key in _NESTED), content):
            if _is_state(candidate):
                return dict(candidate)
    raise SubjectError(
        f"{path} holds no state dict: expected names with tensors, at the top or under "
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
    """Say what keeps a state from fitting, each sort with its count and its first keys."""
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
    sorts = (
        ("missing", [f"'{key}'" for key in own if key not in state]),
        ("unexpected", [f"'{key}'" for key in state if key not in own]),
        ("of another shape", shapes),
        ("of another kind of number", kinds),
    )
    return [_sort(name, keys) for name, keys in sorts if keys]


def _sort(name: str, keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{len(keys)} {name} ({', '.join(keys[:_SHOWN])}{more})"


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(length) for length in tensor.shape) or "a single number"
