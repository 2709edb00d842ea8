"""What a network does behind a layer: its answer from the layer's output on, without running anything before.

    rest = find_rest(module, "layer3", example)
    point, answer = rest.run(pictures)               # the network's own answer, and what it holds at the layer
    changed = rest(point.output * keep, point.around)  # its answer if the layer had given something else

The network is traced (`torch.fx`), and its graph cut behind the layer. Values that pass the layer by, such as those of
a skip connection around it, are kept with the layer's output. Where a network cannot be traced, or the traced graph
does not answer as the network does, every call is a full pass in which the layer's output is replaced: `rest.reason`
says why. Nothing here looks at what the output means: maps of a classifier, tokens, features of a generator.
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
"""Of the answer's largest value: by how much a traced network may answer differently."""

_BATCHES = (2, 3)
"""Of two sizes, to see which values have a row for each picture."""


@dataclass(frozen=True, slots=True)
class Point:
    """What a network holds when a layer is done: its output, and values `around` it that are needed later.

    All begin with the number of pictures.
    """

    output: Tensor
    around: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.output)

    def of(self, pictures: Tensor) -> Point:
        """Take some pictures, by their places in the batch `(n,)`; one may come more than once."""
        return Point(self.output[pictures], tuple(value[pictures] for value in self.around))


class Rest(ABC):
    """A network behind a layer.

    `reason` says why the whole network is run instead of the rest, and is empty where it is not.
    """

    layer: str
    reason: str

    @abstractmethod
    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run the whole network as it is; returns what it holds at the layer, and its answer."""

    @abstractmethod
    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - what the network answers
        """Answer as if the layer had given `output`; neither it nor `around` is changed."""


class TracedRest(Rest):
    """The part of a network's graph behind a layer.

    `names` are those of the values around the layer; `before` and `after` are the graph's two parts: `after` takes the
    layer's output and the values around it, and may change those of them in place that `changes` numbers.
    """

    def __init__(self, layer: str, cut: Cut, changes: frozenset[int]) -> None:
        self.layer, self.reason = layer, ""
        self.before, self.after, self.names = cut.before, cut.after, cut.names
        self.changes = changes

    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run the parts one after the other."""
        output, *around = self.before(*inputs)
        point = Point(output, tuple(around))
        return point, self(point.output, point.around)

    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - see above
        """Run the part behind the layer."""
        given = (output, *around)
        return self.after(*(value.clone() if place in self.changes else value for place, value in enumerate(given)))


class WholeRest(Rest):
    """A network that cannot be cut: full passes in which the layer's output is replaced; `around` are its inputs."""

    def __init__(self, layer: str, module: nn.Module, reason: str) -> None:
        self.layer, self.reason, self.module = layer, reason, module

    def run(self, *inputs: Tensor) -> tuple[Point, Any]:
        """Run the network, and keep a copy of the layer's output."""
        outputs: list[Tensor] = []
        with watch(self.module, [self.layer], lambda _name, output: outputs.append(output.clone())):
            answer = self.module(*inputs)
        return Point(outputs[-1], inputs), answer

    def __call__(self, output: Tensor, around: Sequence[Tensor] = ()) -> Any:  # noqa: ANN401 - see above
        """Run the network on its inputs, and put the output in the place of the layer's own."""
        with edited(self.module, self.layer, lambda _own: output.clone()):
            return self.module(*around)


@contextlib.contextmanager
def edited(module: nn.Module, layer: str, edit: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """For the time of the context, the layer gives `edit(output)` instead of its output.

    Raises:
        SubjectError: the network has no layer of the name.
    """
    handle = _layer(module, layer).register_forward_hook(lambda _module, _inputs, output: edit(output))
    try:
        yield
    finally:
        handle.remove()


def find_rest(module: nn.Module, layer: str, *examples: Tensor) -> Rest:
    """Cut a network behind a layer, and see to it that the part behind answers as the network does.

    Args:
        module: in evaluation mode; it is traced, and run a few times on noise like the examples.
        layer: the layer's name in the network.
        examples: the network's inputs, of any number of pictures; it keeps its defaults for all others. Of those that
            hold no fractions, such as numbers of classes, the values matter too: the network is run on them.

    Raises:
        SubjectError: the network has no layer of the name.
    """
    _layer(module, layer)
    try:
        graph = _trace(module, layer, len(examples))
        calls = [node for node in graph.nodes if node.op == "call_module" and node.target == layer]
        if len(calls) != 1:
            return WholeRest(layer, module, f"in the traced network it is called {len(calls)} times, not once")
        cut = cut_behind(module, graph, calls[0])
        return _checked(module, layer, cut, examples)
    except Exception as error:  # noqa: BLE001 - a tracer runs the network's own code on what is no tensor
        told = str(error).strip().splitlines() or [""]
        return WholeRest(layer, module, f"the network cannot be traced ({type(error).__name__}: {told[0]})")


def _layer(module: nn.Module, name: str) -> nn.Module:
    modules = {name: sub for name, sub in module.named_modules() if name}
    if name not in modules:
        raise SubjectError(f"the network has no layer '{name}'; {nearest(name, modules)}")
    found: nn.Module = modules[name]
    return found


class _Tracer(fx.Tracer):
    """Traces into all modules but those of torch, the closed ones, and the one that is cut behind."""

    def __init__(self, opened: Collection[nn.Module], closed: Collection[nn.Module]) -> None:
        super().__init__()
        self._opened, self._closed = opened, closed

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module stays one step of the graph."""
        if m in self._closed:
            return True
        return m not in self._opened and super().is_leaf_module(m, module_qualified_name)


def _trace(module: nn.Module, layer: str, given: int) -> fx.Graph:
    """Trace a network, given so many inputs, into as many of its modules as can be; the layer stays one step."""
    parts = layer.split(".")
    opened = {module.get_submodule(".".join(parts[:length])) for length in range(len(parts))}
    closed = {module.get_submodule(layer)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code that tracing runs, and the user did not
        try:
            return _traced(module, opened, closed, given)
        except Exception:  # noqa: BLE001 - see find_rest
            for inner in reversed(list(module.modules())):  # what lies inside comes first
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
    """Trace with every argument but the first ones, which are given, at its default."""
    optional = list(inspect.signature(module.forward).parameters.values())[given:]
    fixed = {item.name: item.default for item in optional if item.default is not inspect.Parameter.empty}
    return _Tracer(opened, closed).trace(module, fixed or None)


@dataclass(frozen=True, slots=True)
class Cut:
    """A graph cut behind a node: `before` gives the node's value and those around it, `after` takes them."""

    before: fx.GraphModule
    after: fx.GraphModule
    names: tuple[str, ...]


def cut_behind(root: nn.Module, graph: fx.Graph, node: fx.Node) -> Cut:
    """Cut a graph of the modules of `root`: all that depends on the node goes behind it.

    What depends neither on the node nor on an input, such as a parameter, goes where it is needed.
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
    """The nodes that depend on any of the sources; the sources themselves only where they do too, or are inputs."""
    found = {source for source in sources if source.op == "placeholder"}
    for node in graph.nodes:
        if any(value in found or value in sources for value in node.all_input_nodes):
            found.add(node)
    return found


def _needed(wanted: Collection[fx.Node]) -> set[fx.Node]:
    """All that the wanted nodes are made of."""
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
    """Cut a rest once more, behind a node of `rest.after`, whose inputs are a point's values.

    The new rest's `before` goes on from the layer. None where a value that it needs has not one row for each picture.
    """
    cut = cut_behind(rest.after, rest.after.graph, node)
    with torch.no_grad():
        values = cut.before(*(value.clone() for value in (point.output, *point.around)))
        if not all(isinstance(value, Tensor) and value.ndim and len(value) == len(point) for value in values):
            return None
        return TracedRest(rest.layer, cut, _changes(cut.after, values))


def _checked(module: nn.Module, layer: str, cut: Cut, examples: Sequence[Tensor]) -> Rest:
    """Run both parts on noise: as the network computes, and with a part of the layer's output set to zero."""
    changes: frozenset[int] = frozenset()
    with torch.no_grad():
        for count in _BATCHES:
            inputs = [_like(example, count) for example in examples]
            values = cut.before(*inputs)
            for name, value in zip((layer, *cut.names), values, strict=True):
                if not isinstance(value, Tensor) or value.ndim == 0 or len(value) != count:
                    return WholeRest(
                        layer, module, f"the value '{name}', which the rest needs, has not one row for each picture"
                    )
            rest = TracedRest(layer, cut, frozenset(range(len(values))))
            changes |= _changes(cut.after, values)
            point, answer = rest.run(*inputs)
            edit = point.output * _like(point.output, count).gt(0)
            with edited(module, layer, lambda _own, edit=edit: edit.clone()):  # type: ignore[misc]
                expected = module(*inputs)
            if not (_alike(answer, module(*inputs)) and _alike(rest(edit, point.around), expected)):
                return WholeRest(layer, module, "the traced network does not answer as the network does")
    return TracedRest(layer, cut, changes)


def _changes(after: fx.GraphModule, values: Sequence[Tensor]) -> frozenset[int]:
    """Which of the values the part behind changes in place."""
    copies = [value.clone() for value in values]
    versions = [copy._version for copy in copies]  # noqa: SLF001 - what torch itself looks at before a backward pass
    after(*copies)
    return frozenset(
        place
        for place, (copy, version) in enumerate(zip(copies, versions, strict=True))
        if copy._version != version  # noqa: SLF001
    )


def _like(example: Tensor, count: int) -> Tensor:
    """Make an input for `count` pictures: normal noise, always the same; of what has no fractions its rows in turn."""
    if not example.is_floating_point():
        return example[torch.arange(count, device=example.device) % len(example)]
    generator = torch.Generator().manual_seed(count)
    return torch.randn((count, *example.shape[1:]), generator=generator).to(example)


def _alike(answer: Any, expected: Any) -> bool:  # noqa: ANN401 - whatever networks answer
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
