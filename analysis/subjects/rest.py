"""The part of a network after a layer: computes the network's output from the layer's output.

    rest = find_rest(module, "layer3", example)
    point, answer = rest.run(pixels)                   # the values at the layer, and the network's own output
    changed = rest(point.output * keep, point.around)  # the network's output if the layer's output is changed

The network is traced (`torch.fx`), and its graph is cut after the layer. Values that bypass the layer, such as those of
a skip connection around it, are kept with the layer's output. If a network cannot be traced, or the traced graph
computes another output than the network, every call is a full forward pass in which the layer's output is replaced;
`rest.reason` says why. The module makes no assumption about the output: it can be an activation map of a classifier,
tokens, or features of a generator.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from dissectory.analysis.subjects.layers import watch
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

TOLERANCE = 1e-6
"""How much the output of a traced network may differ, as a share of the largest output value."""

_BATCHES = (2, 3)
"""Two batch sizes, to find out which values have one row for each image."""


@dataclass(frozen=True, slots=True)
class Point:
    """The values of a network at a layer: its output, and the values `around` it that later steps need.

    The first dimension of each is the number of images.
    """

    output: Tensor
    around: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.output)

    def of(self, pictures: Tensor) -> Point:
        """Return the values of some images, given by their indices in the batch `(n,)`; an index may repeat."""
        return Point(self.output[pictures], tuple(value[pictures] for value in self.around))


class Rest(ABC):
    """The part of a network after a layer.

    `reason` says why the whole network runs instead of this part, and is empty if it does not.
    """

    layer: str
    reason: str

    @abstractmethod
    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run the whole network unchanged; return its values at the layer, and its output."""

    @abstractmethod
    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - the network's own type
        """Compute the network's output as if the layer had returned `output`; the arguments are not changed."""


class TracedRest(Rest):
    """The part of a network's graph after a layer.

    `names` are the names of the values around the layer. `before` and `after` are the two parts of the graph: `after`
    takes the layer's output and the values around it. `changes` are the indices of those that it may change in place.
    """

    def __init__(self, layer: str, cut: Cut, changes: frozenset[int]) -> None:
        self.layer, self.reason = layer, ""
        self.before, self.after, self.names = cut.before, cut.after, cut.names
        self.changes = changes

    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run both parts, one after the other."""
        output, *around = self.before(*inputs)
        point = Point(output, tuple(around))
        return point, self(point.output, point.around)

    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - see above
        """Run the part after the layer."""
        given = (output, *around)
        return self.after(*(value.clone() if place in self.changes else value for place, value in enumerate(given)))


class WholeRest(Rest):
    """A network that cannot be cut: full passes that replace the layer's output; `around` are the network's inputs."""

    def __init__(self, layer: str, module: nn.Module, reason: str) -> None:
        self.layer, self.reason, self.module = layer, reason, module

    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run the network, and keep a copy of the layer's output."""
        outputs: list[Tensor] = []
        with watch(self.module, [self.layer], lambda _name, output: outputs.append(output.clone())):
            answer = self.module(*inputs)
        return Point(outputs[-1], inputs), answer

    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - see above
        """Run the network on its inputs, with `output` in place of the layer's own output."""
        with edited(self.module, self.layer, lambda _own: output.clone()):
            return self.module(*around)


@contextlib.contextmanager
def edited(module: nn.Module, layer: str, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Make the layer return `edit(output)` instead of its output while the context is active.

    Raises:
        SubjectError: if the network has no layer of this name.
    """
    handle = _layer(module, layer).register_forward_hook(lambda _module, _inputs, output: edit(output))
    try:
        yield
    finally:
        handle.remove()


def find_rest(module: nn.Module, layer: str, *examples: Tensor) -> Rest:
    """Cut a network after a layer, and check that the part after it computes the same output as the network.

    Args:
        module: the network in evaluation mode; it is traced, and run a few times on noise of the examples' shape.
        layer: the layer's name in the network.
        examples: the network's inputs, for any number of images; other arguments keep their defaults. For inputs that
            are not floating-point, such as class numbers, the values matter too: the network runs on them.

    Raises:
        SubjectError: if the network has no layer of this name.
    """
    _layer(module, layer)
    try:
        graph = _trace(module, layer, len(examples))
        calls = [node for node in graph.nodes if node.op == "call_module" and node.target == layer]
        if len(calls) != 1:
            return WholeRest(layer, module, f"the traced network calls it {len(calls)} times, not once")
        cut = cut_behind(module, graph, calls[0])
        return _checked(module, layer, cut, examples)
    except Exception as error:  # noqa: BLE001 - a tracer runs the network's own code on values that are no tensors
        told = str(error).strip().splitlines() or [""]
        return WholeRest(layer, module, f"the network cannot be traced ({type(error).__name__}: {told[0]})")


def _layer(module: nn.Module, name: str) -> nn.Module:
    modules = {name: sub for name, sub in module.named_modules() if name}
    if name not in modules:
        raise SubjectError(f"the network has no layer '{name}'; {nearest(name, modules)}")
    found: nn.Module = modules[name]
    return found


class _Tracer(fx.Tracer):
    """Traces into all modules except those of torch, the closed ones, and the layer."""

    def __init__(self, opened: Collection[nn.Module], closed: Collection[nn.Module]) -> None:
        super().__init__()
        self._opened, self._closed = opened, closed

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module stays one step of the graph."""
        if m in self._closed:
            return True
        return m not in self._opened and super().is_leaf_module(m, module_qualified_name)


def _trace(module: nn.Module, layer: str, given: int) -> fx.Graph:
    """Trace a network with `given` inputs, into as many of its modules as possible; the layer stays one step."""
    parts = layer.split(".")
    opened = {module.get_submodule(".".join(parts[:length])) for length in range(len(parts))}
    closed = {module.get_submodule(layer)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the user did not run the traced code
        try:
            return _traced(module, opened, closed, given)
        except Exception:  # noqa: BLE001 - see find_rest
            for inner in reversed(list(module.modules())):  # inner modules first
                if inner not in opened | closed and not _can_be_traced(inner, closed):
                    closed.add(inner)
            return _traced(module, opened, closed, given)


def _can_be_traced(module: nn.Module, closed: Collection[nn.Module]) -> bool:
    try:
        _traced(module, (), closed)
    except Exception:  # noqa: BLE001 - see find_rest
        return False
    return True


def _traced(
    module: nn.Module, opened: Collection[nn.Module], closed: Collection[nn.Module], given: int = 1
) -> fx.Graph:
    """Trace with the first `given` arguments as inputs, and all others at their defaults."""
    optional = list(inspect.signature(module.forward).parameters.values())[given:]
    fixed = {item.name: item.default for item in optional if item.default is not inspect.Parameter.empty}
    return _Tracer(opened, closed).trace(module, fixed or None)


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph cut after a node: `before` returns the node's value and those around it, `after` takes them."""

    before: fx.GraphModule
    after: fx.GraphModule
    names: tuple[str, ...]


def cut_behind(root: nn.Module, graph: fx.Graph, node: fx.Node) -> Cut:
    """Cut a graph of the modules of `root`: everything that depends on the node goes into `after`.

    Values that depend neither on the node nor on an input, such as parameters, go to the part that needs them.
    """
    behind = _dependent(graph, [node])
    fed = _dependent(graph, [item for item in graph.nodes if item.op == "placeholder"])
    output = next(item for item in graph.nodes if item.op == "output")
    crossing = list(
        dict.fromkeys(
            value
            for item in graph.nodes
            if item in behind or item is output
            for value in item.all_input_nodes
            if value in fed and value not in behind and value is not node
        )
    )
    return Cut(
        _part(root, [item for item in graph.nodes if item not in behind and item is not output], {}, [node, *crossing]),
        _behind(root, graph, [node, *crossing], {*behind, output} - {node}, fed),
        tuple(value.name for value in crossing),
    )


def _dependent(graph: fx.Graph, sources: Sequence[fx.Node]) -> set[fx.Node]:
    """Return the nodes that depend on any of the sources; a source itself only if it does too, or is an input."""
    found = {source for source in sources if source.op == "placeholder"}
    for node in graph.nodes:
        if any(value in found or value in sources for value in node.all_input_nodes):
            found.add(node)
    return found


def _needed(wanted: Collection[fx.Node]) -> set[fx.Node]:
    """Return the wanted nodes and everything that they depend on."""
    found: set[fx.Node] = set()
    waiting = list(wanted)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def _part(
    root: nn.Module, nodes: Sequence[fx.Node], known: dict[fx.Node, fx.Node], outputs: Sequence[fx.Node]
) -> fx.GraphModule:
    part = fx.Graph()
    for node in nodes:
        known[node] = part.node_copy(node, known.__getitem__)
    part.output(tuple(known[node] for node in outputs))
    return fx.GraphModule(root, part)


def _behind(
    root: nn.Module, graph: fx.Graph, given: Sequence[fx.Node], wanted: Collection[fx.Node], fed: Collection[fx.Node]
) -> fx.GraphModule:
    part = fx.Graph()
    known = {node: part.placeholder(f"given_{place}") for place, node in enumerate(given)}
    fixed = _needed(wanted) - set(fed)
    for node in graph.nodes:
        if node in wanted or (node in fixed and node not in known):
            known[node] = part.node_copy(node, known.__getitem__)
    return fx.GraphModule(root, part)


def cut_again(rest: TracedRest, node: fx.Node, point: Point) -> TracedRest | None:
    """Cut a rest once more, after a node of `rest.after`, whose inputs are the values of `point`.

    The new rest's `before` continues from the layer. Returns `None` if a value that it needs does not have one row for
    each image.
    """
    cut = cut_behind(rest.after, rest.after.graph, node)
    with torch.no_grad():
        values = cut.before(*(value.clone() for value in (point.output, *point.around)))
        if not all(isinstance(value, Tensor) and value.ndim and len(value) == len(point) for value in values):
            return None
        return TracedRest(rest.layer, cut, _changes(cut.after, values))


def _checked(module: nn.Module, layer: str, cut: Cut, examples: Sequence[Tensor]) -> Rest:
    """Run both parts on noise: with the layer's output unchanged, and with a part of it set to zero."""
    changes: frozenset[int] = frozenset()
    with torch.no_grad():
        for count in _BATCHES:
            inputs = [_like(example, count) for example in examples]
            values = cut.before(*inputs)
            for name, value in zip((layer, *cut.names), values, strict=True):
                if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != count:
                    return WholeRest(
                        layer, module, f"the value '{name}', which the rest needs, does not have one row for each image"
                    )
            rest = TracedRest(layer, cut, frozenset(range(len(values))))
            changes |= _changes(cut.after, values)
            point, answer = rest.run(*inputs)
            edit = point.output * _like(point.output, count).gt(0)
            with edited(module, layer, lambda _own, edit=edit: edit.clone()):  # type: ignore[misc]
                expected = module(*inputs)
            if not (_alike(answer, module(*inputs)) and _alike(rest(edit, point.around), expected)):
                return WholeRest(layer, module, "the traced network computes another output than the network")
    return TracedRest(layer, cut, changes)


def _changes(after: fx.GraphModule, values: Sequence[Tensor]) -> frozenset[int]:
    """Return the indices of the values that the part after the layer changes in place."""
    copies = [value.clone() for value in values]
    versions = [copy._version for copy in copies]  # noqa: SLF001 - torch's own counter of in-place changes
    after(*copies)
    return frozenset(
        place
        for place, (copy, version) in enumerate(zip(copies, versions, strict=True))
        if copy._version != version  # noqa: SLF001
    )


def _like(example: Tensor, count: int) -> Tensor:
    """Make an input for `count` images: fixed normal noise, or for integers the rows of the example in turn."""
    if not example.is_floating_point():
        return example[torch.arange(count, device=example.device) % len(example)]
    generator = torch.Generator().manual_seed(count)
    return torch.randn((count, *example.shape[1:]), generator=generator).to(example)


def _alike(answer: Any, expected: Any) -> bool:  # noqa: ANN401 - networks can return anything
    mine, theirs = _tensors(answer), _tensors(expected)
    return len(mine) == len(theirs) > 0 and all(map(_equal, mine, theirs))


def _tensors(answer: Any) -> list[Tensor]:  # noqa: ANN401 - see above
    if isinstance(answer, Tensor):
        return [answer]
    parts = answer.values() if isinstance(answer, Mapping) else answer if isinstance(answer, (tuple, list)) else ()
    return [tensor for part in parts for tensor in _tensors(part)]


def _equal(mine: Tensor, theirs: Tensor) -> bool:
    if mine.shape != theirs.shape:
        return False
    scale = theirs.abs().nan_to_num().max().item() if theirs.numel() else 0.0
    return torch.allclose(mine, theirs, rtol=0, atol=TOLERANCE * scale, equal_nan=True)
