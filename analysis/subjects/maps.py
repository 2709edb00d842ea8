"""Which outputs of a network are activation maps `(image, unit, height, width)`, and why the others are not.

The shape of one output is not enough. In a Swin transformer the units are last, `(image, height, width, unit)`;
attention has `(image, head, token, token)` and `(image, head, token, feature)`; a constant `(1, unit, height, width)`
looks like an activation map. So the network runs twice: on two images, and on one image of twice the width. The first
dimension of an activation map is the number of images, and the wider image changes only its width.

Some networks take images of only one size. The outputs that they compute before they fail on the wide image still
count. For the later outputs, and for outputs whose size never changes (after adaptive pooling or a resize to a fixed
size), the first run decides: an activation map is as high as wide if the image is, and is not part of attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAIR = 2
"""Number of images in the first run."""

_MAP = 4
"""Number of dimensions of an activation map, with the batch."""

_ATTENTION = ("attention", "attn", "xca")
"""Words in the class names of attention modules, in lower case."""

_GUESS = "its units may be the last dimension, or it may be part of attention"

Shape = tuple[int, ...]
Output = Shape | str
"""The output of a module: the shape of a tensor, or the name of another type."""


def output_of(value: object) -> Output:
    """Return the shape or type of a module's output, without keeping the output."""
    return tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__


@dataclass(frozen=True, slots=True)
class Context:
    """What decides, beside the shape, if only one run is available.

    `square`: the image is as high as wide; `attention`: the module is inside an attention module; `last`: the module
    works on the last dimension only (a linear layer or layer norm).
    """

    square: bool
    attention: bool
    last: bool


def context_of(modules: Mapping[str, nn.Module], name: str, *, square: bool) -> Context:
    """Examine the module `name` and the modules around it."""
    module = modules[name]
    last = type(module) is nn.Linear or (type(module) is nn.LayerNorm and len(module.normalized_shape) == 1)
    around = (type(modules[outer]).__name__.lower() for outer in _around(name))
    return Context(square, any(word in kind for kind in around for word in _ATTENTION), last)


def _around(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def map_of(pair: Sequence[Output], wide: Sequence[Output], context: Context) -> Shape | str:
    """Return the shape of a module's activation map, or the reason why it has none.

    Args:
        pair: the module's output in each call of the run on two images, at least one.
        wide: the same for one image of twice the width; empty if the network failed before.
        context: what else is known about the module.
    """
    shape = pair[0]
    if len(pair) > 1:
        return f"the network calls it {len(pair)} times in one forward pass"
    if isinstance(shape, str):
        return f"it returns {shape}, not one tensor"
    return _wrong_shape(shape) or _wrong_sides(shape, wide, context) or shape


def _wrong_shape(shape: Shape) -> str | None:
    if len(shape) != _MAP:
        return f"its output ({_told(shape)}) is not an activation map (images x units x height x width)"
    if shape[0] != PAIR:
        return f"the first dimension of its output ({_told(shape)}) is not the number of images, {PAIR}"
    if shape[2] * shape[3] <= 1:
        return f"its activation map ({_told(shape)}) has only one position"
    return None


def _wrong_sides(shape: Shape, wide: Sequence[Output], context: Context) -> str | None:
    wider = wide[0] if len(wide) == 1 and not isinstance(wide[0], str) else None
    told = f"its output ({_told(shape)}) is not an activation map (images x units x height x width)"
    if wider is not None and wider != (1, *shape[1:]):
        # The exact width is left open: unpadded convolutions more than double it, paddings less.
        if wider[:3] == (1, *shape[1:3]) and wider[3] > shape[3]:
            return None
        return (
            f"{told}: for an image of twice the width it is {_told(wider)}, but an activation map would change only "
            f"its width; {_GUESS}"
        )
    if context.square and shape[2] != shape[3]:
        return f"{told}: the image is as high as wide, but this output is not; {_GUESS}"
    if context.last:
        return f"{told}: a linear layer or layer norm works on the last dimension, so the units are last"
    return f"{told}: it is part of attention, with heads and tokens" if context.attention else None


def _told(shape: Shape) -> str:
    return " x ".join(str(length) for length in shape)
