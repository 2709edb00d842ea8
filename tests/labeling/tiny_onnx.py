"""ONNX files of one node, written byte by byte: the package that writes them is not needed for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_onnx(
    path: Path,
    shape: Sequence[int | str],
    *,
    op: str = "Identity",
    outputs: Sequence[str] = ("logits",),
    inputs: Sequence[str] = ("image",),
    kind: int = 1,
    added: str = "",
) -> Path:
    """Write a segmenter whose logits are the picture itself: class 0 is its red, 1 its green, 2 its blue.

    `kind` is the type of the elements: 1 float32, 11 float64. With the op `Add`, `added` names a file beside it with a
    number to be added for each class.
    """
    taken = _field(1, inputs[0]) + (_field(1, "added") if added else b"")
    nodes = b"".join(_field(1, taken + _field(2, name) + _field(4, op)) for name in outputs)
    ends = b"".join(_field(11, _value(name, shape, kind)) for name in inputs)
    ends += b"".join(_field(12, _value(name, shape, kind)) for name in outputs)
    graph = nodes + _field(2, "tiny") + (_field(5, _outside("added", added)) if added else b"") + ends
    path.write_bytes(_field(1, 8) + _field(8, _field(1, "") + _field(2, 17)) + _field(7, graph))
    return path


def _outside(name: str, file: str) -> bytes:
    """A tensor `(1, 3, 1, 1)` whose numbers are in another file."""
    dims = b"".join(_field(1, side) for side in (1, 3, 1, 1))
    return dims + _field(2, 1) + _field(8, name) + _field(13, _field(1, "location") + _field(2, file)) + _field(14, 1)


def _field(number: int, value: bytes | int | str) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _value(name: str, shape: Sequence[int | str], kind: int) -> bytes:
    dims = b"".join(_field(1, _field(1, side) if isinstance(side, int) else _field(2, side)) for side in shape)
    tensor = _field(1, kind) + _field(2, dims)
    return _field(1, name) + _field(2, _field(1, tensor))
