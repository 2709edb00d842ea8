"""Steps of a traced network: which steps keep units apart, and which steps can end a classifier.

A step keeps units apart if no result depends on more than one unit: it changes single activations, or pools the
activation map of each unit. After such steps, a removed unit has changed only its own features.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    Shapes = Mapping[fx.Node, tuple[int, ...]]

_ANY_SHAPE = (
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.SiLU,
    nn.GELU,
    nn.Mish,
    nn.Softplus,
    nn.Hardswish,
    nn.Hardsigmoid,
    nn.Hardtanh,
    nn.Sigmoid,
    nn.Tanh,
)
_OF_MAPS = (nn.BatchNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_ANY_SHAPE_FUNCTIONS = {
    functional.relu,
    functional.relu6,
    functional.leaky_relu,
    functional.elu,
    functional.silu,
    functional.gelu,
    functional.hardswish,
    functional.hardsigmoid,
    functional.hardtanh,
    torch.relu,
    torch.relu_,
    torch.sigmoid,
    torch.tanh,
    *("relu", "relu_", "sigmoid", "sigmoid_", "tanh", "tanh_", "contiguous", "clone", "clamp", "clamp_"),
}
_MAP_FUNCTIONS = {
    functional.adaptive_avg_pool2d,
    functional.adaptive_max_pool2d,
    functional.avg_pool2d,
    functional.max_pool2d,
}
_SUMS = {operator.add, operator.iadd, torch.add, "add", "add_"}
_PRODUCTS = {operator.mul, operator.imul, operator.truediv, torch.mul, torch.div, "mul", "mul_", "div", "div_"}
_SHAPINGS = {torch.flatten, torch.reshape, torch.squeeze, "flatten", "reshape", "view", "squeeze"}
_MEANS = {torch.mean, "mean"}
_SHAPE_QUERIES = {"size", "dim"}

MAP = 4
"""The number of dimensions of activation maps `(image, unit, height, width)`."""


def shapes_of(graph: fx.GraphModule, values: tuple[Tensor, ...]) -> dict[fx.Node, tuple[int, ...]]:
    """Run a graph on copies of its inputs, and return the shape of every tensor."""
    noted = _Shapes(graph)
    noted.run(*(value.clone() for value in values))
    return noted.shapes


class _Shapes(fx.Interpreter):  # type: ignore[misc,unused-ignore]
    """Runs a graph, and records the shape of every tensor."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.shapes: dict[fx.Node, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:  # noqa: ANN401 - a node can have any value
        """Record the shape of a node's value."""
        value = super().run_node(n)
        if isinstance(value, Tensor):
            self.shapes[n] = tuple(value.shape)
        return value


def next_step(node: fx.Node) -> fx.Node | None:
    """Return the only node that uses a node's value, `None` if there are several; to read its shape does not count."""
    users = [user for user in node.users if not _asks_for_shape(user)]
    return users[0] if len(users) == 1 else None


def keeps_units_apart(step: fx.Node, value: fx.Node, graph: fx.GraphModule, shapes: Shapes) -> bool:
    """Return whether a step on a value `(image, unit, ...)` or `(image, unit * part)` keeps units apart."""
    if step not in shapes or value not in shapes:
        return False
    if step.op == "call_module":
        return _module_keeps_apart(step, value, graph, shapes)
    return _works_on_numbers(step, value, shapes) or _works_on_maps(step, value, shapes)


def _module_keeps_apart(step: fx.Node, value: fx.Node, graph: fx.GraphModule, shapes: Shapes) -> bool:
    module = graph.get_submodule(str(step.target))
    if step.args != (value,) or step.kwargs or module.training:
        return False
    if type(module) is nn.Flatten:
        return _is_shaping(step, value, shapes)
    return type(module) in _ANY_SHAPE or (len(shapes[value]) == MAP and type(module) in _OF_MAPS)


def _works_on_numbers(step: fx.Node, value: fx.Node, shapes: Shapes) -> bool:
    """Return whether a function or method changes single activations, or only their shape."""
    target: Any = step.target
    if target in _ANY_SHAPE_FUNCTIONS:
        return _takes_nothing_else(step, value)
    if target in _SUMS:
        return _adds_bypass(step, value, shapes) or _by_number(step)
    if target in _PRODUCTS:
        return _by_number(step)
    if target is functional.dropout:
        return step.args[:1] == (value,) and (step.kwargs.get("training") is False or step.args[2:3] == (False,))
    return target in _SHAPINGS and step.args[:1] == (value,) and _is_shaping(step, value, shapes)


def _works_on_maps(step: fx.Node, value: fx.Node, shapes: Shapes) -> bool:
    """Return whether a function or method works on the activation map of each unit by itself."""
    if len(shapes[value]) != MAP or step.args[:1] != (value,):
        return False
    if step.target is functional.batch_norm:
        return _normalizes_as_learned(step)
    return _takes_nothing_else(step, value) and (
        step.target in _MAP_FUNCTIONS or (step.target in _MEANS and averages_maps(step))
    )


def _takes_nothing_else(step: fx.Node, value: fx.Node) -> bool:
    return step.all_input_nodes == [value] and step.args[:1] == (value,)


def _asks_for_shape(node: fx.Node) -> bool:
    return (node.op == "call_method" and node.target in _SHAPE_QUERIES) or (
        node.target is getattr and node.args[1] in {"shape", "ndim"}
    )


def _by_number(step: fx.Node) -> bool:
    return len(step.args) == 2 and isinstance(step.args[1], (int, float)) and not step.kwargs  # noqa: PLR2004 - operands


def _normalizes_as_learned(step: fx.Node) -> bool:
    """Return whether a batch norm uses the statistics of the network, not those of the batch."""
    names = ("input", "running_mean", "running_var", "weight", "bias", "training")
    given = {**dict(zip(names, step.args, strict=False)), **step.kwargs}
    learned = [value for name, value in given.items() if name != "input" and isinstance(value, fx.Node)]
    return not given.get("training", False) and all(value.op == "get_attr" for value in learned)


def _adds_bypass(step: fx.Node, value: fx.Node, shapes: Shapes) -> bool:
    """Return whether a step adds a value of the same shape that bypasses the layer."""
    if step.kwargs or len(step.args) != 2:  # noqa: PLR2004 - operands
        return False
    others = [other for other in step.args if other is not value]
    return (
        len(others) == 1
        and isinstance(others[0], fx.Node)
        and others[0].op == "placeholder"
        and shapes.get(others[0]) == shapes.get(value)
    )


def _is_shaping(step: fx.Node, value: fx.Node, shapes: Shapes) -> bool:
    """Return whether a step only changes the shape, and keeps the features of each unit together."""
    before, after = shapes[value], shapes[step]
    if len(after) < 2 or before[0] != after[0] or math.prod(before) != math.prod(after):  # noqa: PLR2004 - image, unit
        return False
    return len(after) == 2 or before[1] == after[1]  # noqa: PLR2004


def averages_maps(step: fx.Node) -> bool:
    """Return whether a step is a mean over height and width."""
    dims = step.kwargs.get("dim", step.args[1] if len(step.args) > 1 else None)
    return isinstance(dims, (tuple, list)) and {
        dim % MAP for dim in dims if isinstance(dim, int)
    } == {2, 3}  # fmt: skip


def global_mean(step: fx.Node, value: fx.Node, graph: fx.GraphModule, shapes: Shapes) -> bool:
    """Return whether a step averages each activation map to one number."""
    if len(shapes.get(value, ())) != MAP or shapes.get(step, ())[2:] not in {(), (1, 1)}:
        return False
    if step.op == "call_module":
        return type(graph.get_submodule(str(step.target))) is nn.AdaptiveAvgPool2d
    return step.target is functional.adaptive_avg_pool2d or (step.target in _MEANS and averages_maps(step))


def slope_of(step: fx.Node, graph: fx.GraphModule) -> float | None:
    """Return a rectifier's slope below zero, `None` if a step is not a rectifier."""
    if step.op == "call_module":
        module = graph.get_submodule(str(step.target))
        if type(module) is nn.LeakyReLU:
            return float(module.negative_slope)
        return 0.0 if type(module) is nn.ReLU else None
    if step.target is functional.leaky_relu:
        given = step.kwargs.get("negative_slope", step.args[1] if len(step.args) > 1 else 0.01)
        return float(given) if isinstance(given, (int, float)) else None
    return 0.0 if step.target in {functional.relu, torch.relu, torch.relu_, "relu", "relu_"} else None


def linear_weight(step: fx.Node, graph: fx.GraphModule, shapes: Shapes) -> Tensor | None:
    """Return the weight `(output, feature)` of a linear layer or 1 x 1 convolution, `None` if a step is neither."""
    if step.op != "call_module":
        return None
    module = graph.get_submodule(str(step.target))
    if type(module) is nn.Linear and len(shapes[step]) == 2:  # noqa: PLR2004 - image, output
        return module.weight
    if type(module) is nn.Conv2d and is_pointwise(module):
        return module.weight.flatten(1)
    return None


def is_pointwise(module: nn.Conv2d) -> bool:
    """Return whether a convolution is 1 x 1, and combines all units at each position."""
    sides = (module.kernel_size, module.stride, module.groups, module.padding)
    return sides == ((1, 1), (1, 1), 1, (0, 0))


def ends_in(node: fx.Node, outputs: int, graph: fx.GraphModule, shapes: Shapes) -> bool:
    """Return whether a node's value is the network's output `(image, output)`, up to changes of shape."""
    current: fx.Node | None = node
    while current is not None and current.op != "output":
        step = next_step(current)
        if step is not None and step.op == "output":
            return step.args[0] is current and shapes[current][1:] == (outputs,)
        if step is None or not _passes(step, current, graph, shapes):
            return False
        current = step
    return False


def _passes(step: fx.Node, value: fx.Node, graph: fx.GraphModule, shapes: Shapes) -> bool:
    """Return whether a step changes nothing but the shape."""
    if step.op == "call_module":
        module = graph.get_submodule(str(step.target))
        quiet = type(module) is nn.Identity or (type(module) in {nn.Dropout, nn.Dropout2d} and not module.training)
        return quiet or (type(module) is nn.Flatten and _is_shaping(step, value, shapes))
    return step.target in _SHAPINGS and step in shapes and _is_shaping(step, value, shapes)
