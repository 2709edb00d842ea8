"""Which outputs of a network are maps, `(picture, unit, height, width)`, and why the others are not.

A single shape does not tell: Swin has the units last, `(picture, height, width, unit)`; attention has
`(picture, head, token, token)` and `(picture, head, token, number)`; a constant `(1, unit, height, width)` looks like a
map. So the network is run twice, on two pictures and on one that is twice as wide. Of a map, the first dimension counts
the pictures, and the wider picture changes the width alone.

Some networks take pictures of one size only. What they computed before they failed on the wide one counts. Of what
they did not get to, and of what has the same size for every picture (an adaptive pooling, all that lies behind a
resize to one size), one run has to tell: a map is as high as it is wide where the picture is, and lies in no attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAIR = 2
"""Pictures in the first run."""

_MAP = 4
"""Dimensions of a map with its pictures."""

_ATTENTION = ("attention", "attn", "xca")
"""What the classes of attention have in their names, in lower case."""

_GUESS = "either its units are last, or it is a part of attention"

Shape = tuple[int, ...]
Output = Shape | str
"""What a module gave: the shape of a tensor, or the name of another type."""


def output_of(value: object) -> Output:
    """Note what a module gave, without keeping it."""
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__


@dataclass(frozen=True, slots=True)
class Context:
    """What the judgment of one run alone rests on, beside shapes.

    `square`: the picture is as high as it is wide; `attention`: the module lies inside one of attention; `last`: it
    works on the last dimension, whatever the others mean.
    """

    square: bool
    attention: bool
    last: bool


def context_of(modules: Mapping[str, nn.Module], name: str, *, square: bool) -> Context:
    """Look at the module `name` and at those around it."""
    module = modules[name]
    last = type(module) is nn.Linear or (type(module) is nn.LayerNorm and len(module.normalized_shape) == 1)
    around = (type(modules[outer]).__name__.lower() for outer in _around(name))
    return Context(square, any(word in kind for kind in around for word in _ATTENTION), last)


def _around(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def map_of(pair: Sequence[Output], wide: Sequence[Output], context: Context) -> Shape | str:
    """Find the shape of a module's map, or say why it gives none.

    Args:
        pair: the module's output of each call in the run on two pictures, at least one.
        wide: the same on one picture twice as wide; empty where the network failed before.
        context: what else is known of the module.
    """
    shape = pair[0]
    if len(pair) > 1:
        return f"it is called {len(pair)} times in one pass"
    if isinstance(shape, str):
        return f"it gives {shape}, not one tensor"
    return _wrong_shape(shape) or _wrong_sides(shape, wide, context) or shape


def _wrong_shape(shape: Shape) -> str | None:
    if len(shape) != _MAP:
        return f"its output ({_told(shape)}) is not a map (pictures x units x height x width)"
    if shape[0] != PAIR:
        return f"its output ({_told(shape)}) does not begin with the number of pictures, {PAIR}, as a map does"
    if shape[2] * shape[3] <= 1:
        return f"its map ({_told(shape)}) is one single position"
    return None


def _wrong_sides(shape: Shape, wide: Sequence[Output], context: Context) -> str | None:
    wider = wide[0] if len(wide) == 1 and not isinstance(wide[0], str) else None
    told = f"its output ({_told(shape)}) is not a map (pictures x units x height x width)"
    if wider is not None and wider != (1, *shape[1:]):
        # how much wider is left open: unpadded convolutions make it more than twice, paddings less
        if wider[:3] == (1, *shape[1:3]) and wider[3] > shape[3]:
            return None
        return f"{told}: on a picture twice as wide it is {_told(wider)}, and a map grows in width alone; {_GUESS}"
    if context.last or (context.square and shape[2] != shape[3]):
        return f"{told}, which is as high as it is wide where the picture is; {_GUESS}"
    return f"{told} but a part of attention, with heads and tokens" if context.attention else None


def _told(shape: Shape) -> str:
    return " x ".join(str(length) for length in shape)
