"""Layers of a network: which can be dissected, which a study means, and their outputs as the network computes.

    with watch(module, ["layer3", "layer4"], on_output):
        module(pictures)  # calls on_output("layer3", tensor), then on_output("layer4", tensor)

A layer is a named sub-module that the network calls once in a pass and that gives a map: one tensor
`(batch, unit, height, width)` of more than one position. How maps are told from other outputs stands in `maps`.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.maps import PAIR, Output, context_of, map_of, output_of
from dissectory.errors import SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_COLORS = 3
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_SHOWN = 40
"""How many layers a message names."""


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer that can be dissected; `index` is its place in the order in which the network computes."""

    name: str
    kind: str
    units: int
    height: int
    width: int
    index: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known of every named sub-module.

    `layers` can be dissected, in the order in which their outputs are ready; `refused` says for each of the other
    sub-modules why not; `automatic` are the layers that "auto" stands for.
    """

    layers: tuple[LayerInfo, ...]
    refused: dict[str, str]
    automatic: tuple[str, ...]

    def select(self, patterns: Sequence[str]) -> tuple[LayerInfo, ...]:
        """Find the layers that a study means, in the network's order, each once, `index` counted anew from 0.

        A pattern is an exact name; a glob, in which `*` and `?` stay within a name's part (`fire*` finds `fire2`, not
        `fire2.squeeze`) and `**` does not; or "auto", the last convolution of every stage.

        Raises:
            SubjectError: a name is not known or its module gives no map, or a glob finds nothing.
        """
        wanted = {name for pattern in patterns for name in self._matching(pattern)}
        chosen = [layer for layer in self.layers if layer.name in wanted]
        return tuple(replace(layer, index=index) for index, layer in enumerate(chosen))

    def _matching(self, pattern: str) -> tuple[str, ...]:
        names = tuple(layer.name for layer in self.layers)
        if pattern in names:
            return (pattern,)
        if pattern == "auto":
            return self._auto()
        if "*" not in pattern and "?" not in pattern:
            raise SubjectError(self._why_not(pattern))
        expression = _expression(pattern)
        found = tuple(name for name in names if expression.fullmatch(name))
        if not found:
            raise SubjectError(self._nothing_matches(pattern, expression))
        return found

    def _auto(self) -> tuple[str, ...]:
        if not self.automatic:
            raise SubjectError(
                f"model.layers is 'auto', but the network has no convolution with a map; {self._known()}"
            )
        return self.automatic

    def _why_not(self, name: str) -> str:
        if name in self.refused:
            return f"layer '{name}' cannot be dissected: {self.refused[name]}; {self._known()}"
        return f"the network has no layer '{name}'; {nearest(name, [layer.name for layer in self.layers])}"

    def _nothing_matches(self, pattern: str, expression: re.Pattern[str]) -> str:
        mapless = [name for name in self.refused if expression.fullmatch(name)]
        if mapless:
            first = f"'{mapless[0]}': {self.refused[mapless[0]]}"
            return f"no layer that matches '{pattern}' can be dissected: {first}; {self._known()}"
        return (
            f"no layer of the network matches '{pattern}' (* stays within a name's part, ** does not); {self._known()}"
        )

    def _known(self) -> str:
        names = [f"'{layer.name}'" for layer in self.layers]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"layers with a map: {', '.join(names[:_SHOWN])}{more}" if names else "no layer of it has a map"


def survey(module: nn.Module, example: Tensor) -> Survey:
    """Run the first picture of `example` `(batch, 3, height, width)` through the network, and look at every sub-module.

    The network is run on that picture twice over, and on one that is twice as wide: see `maps`.

    Raises:
        SubjectError: the network fails on the example.
    """
    modules = {name: sub for name, sub in module.named_modules() if name}
    one = example[:1]
    pair = _outputs(module, modules, one.repeat(PAIR, 1, 1, 1))
    wide = _outputs_when_wide(module, modules, one)
    return _survey(modules, pair, wide, square=one.shape[2] == one.shape[3])


def survey_generator(module: nn.Module, inputs: Sequence[Tensor]) -> Survey:
    """Run a generator on what it makes two square pictures of, and look at every sub-module.

    Raises:
        SubjectError: the generator fails.
    """
    modules = {name: sub for name, sub in module.named_modules() if name}
    outputs: dict[str, list[Output]] = {}
    try:
        _run(module, modules, inputs, outputs)
    except Exception as error:
        raise SubjectError(f"the generator fails on two rows of latents: {type(error).__name__}: {error}") from error
    return _survey(modules, outputs, {}, square=True, least=_COLORS + 1)


def _survey(
    modules: Mapping[str, nn.Module],
    pair: Mapping[str, Sequence[Output]],
    wide: Mapping[str, Sequence[Output]],
    *,
    square: bool,
    least: int = 1,
) -> Survey:
    """Tell maps from other outputs, of two pictures and of a wide one; "auto" are layers of at least so many units."""
    layers: list[LayerInfo] = []
    refused: dict[str, str] = {}
    for name, outputs in pair.items():
        context = context_of(modules, name, square=square)
        outcome = map_of(outputs, wide.get(name, ()), context)
        if isinstance(outcome, str):
            refused[name] = outcome
        else:
            _, units, height, width = outcome
            layers.append(LayerInfo(name, type(modules[name]).__name__, units, height, width, len(layers)))
    refused |= {name: "it is not called as the network computes" for name in modules if name not in pair}
    return Survey(tuple(layers), refused, _last_convolutions(modules, [one for one in layers if one.units >= least]))


def select_layers(module: nn.Module, example: Tensor, patterns: Sequence[str]) -> tuple[LayerInfo, ...]:
    """Find the layers that a study means; see `Survey.select`.

    Raises:
        SubjectError: the network fails on the example, or a pattern finds no layer that can be dissected.
    """
    return survey(module, example).select(patterns)


def _outputs(module: nn.Module, modules: Mapping[str, nn.Module], pictures: Tensor) -> dict[str, list[Output]]:
    """What each sub-module gives in each of its calls, in the order of first outputs."""
    outputs: dict[str, list[Output]] = {}
    try:
        _run(module, modules, [pictures], outputs)
    except Exception as error:
        count, _, height, width = pictures.shape
        raise SubjectError(
            f"the network fails on {count} pictures of {width} x {height} pixels: {type(error).__name__}: {error}. "
            "Does it take batches of RGB pictures of this size (images.size)?"
        ) from error
    return outputs


def _outputs_when_wide(module: nn.Module, modules: Mapping[str, nn.Module], one: Tensor) -> dict[str, list[Output]]:
    """The same on one picture twice as wide, as far as the network gets: to fail there is its right."""
    outputs: dict[str, list[Output]] = {}
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")  # the user never gave such a picture
        _run(module, modules, [torch.cat([one, one], dim=-1)], outputs)
    return outputs


def _run(
    module: nn.Module, modules: Mapping[str, nn.Module], inputs: Sequence[Tensor], outputs: dict[str, list[Output]]
) -> None:
    """Note the outputs of every sub-module in `outputs`, also where the network fails on the way."""

    def note(name: str, output: object) -> None:
        outputs.setdefault(name, []).append(output_of(output))

    with _hooked(modules, note), torch.no_grad():
        module(*inputs)


def _last_convolutions(modules: Mapping[str, nn.Module], layers: Sequence[LayerInfo]) -> tuple[str, ...]:
    """Find the last convolution of every stage.

    A stage is a run of convolutions, in the network's order, with maps of one size. A block that makes the map
    smaller often begins with a convolution of the old size (the bottleneck of a ResNet, the expansion of an
    EfficientNet): it serves the next stage, and stands for its own size only where no other convolution has it.
    """
    sizes = {layer.name: (layer.height, layer.width) for layer in layers}
    convolutions = [layer.name for layer in layers if isinstance(modules[layer.name], _CONVOLUTIONS)]
    staying = [name for name in convolutions if sizes.get(_block(modules, name), sizes[name]) == sizes[name]]
    last = {list(stage)[-1] for _, stage in groupby(staying, key=sizes.__getitem__)}
    reached = {sizes[name] for name in staying}
    last |= set({sizes[name]: name for name in convolutions if sizes[name] not in reached}.values())
    return tuple(name for name in convolutions if name in last)


def _block(modules: Mapping[str, nn.Module], name: str) -> str:
    """The innermost module around a layer that is more than a sequence; empty where there is none."""
    while "." in name:
        name = name.rpartition(".")[0]
        if not isinstance(modules[name], (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            return name
    return ""


def _expression(pattern: str) -> re.Pattern[str]:
    """Translate a glob: `**` is anything, `*` and `?` are anything but a dot."""
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    meaning = {"**": ".*", "*": "[^.]*", "?": "[^.]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


@contextlib.contextmanager
def watch(module: nn.Module, names: Iterable[str], on_output: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `on_output(name, tensor)` whenever one of the layers has computed its output.

    The tensor is the network's own memory, handed over before anything else can change it: later operations in
    place (a ReLU, an addition) will. Read it at once, or keep a clone.

    Raises:
        SubjectError: the network has no layer of a name.
    """
    modules = {name: sub for name, sub in module.named_modules() if name}
    chosen = dict.fromkeys(names)
    for name in chosen:
        if name not in modules:
            raise SubjectError(f"the network has no layer '{name}'; {nearest(name, modules)}")
    with _hooked({name: modules[name] for name in chosen}, on_output):
        yield


@contextlib.contextmanager
def _hooked(modules: Mapping[str, nn.Module], on_output: Callable[[str, Any], None]) -> Iterator[None]:
    """Hook every module for the time of the context; the hooks go also when an error passes through."""

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hand_over(_module: nn.Module, _inputs: object, output: object) -> None:
            on_output(name, output)  # and return nothing: what a hook returns takes the output's place

        return hand_over

    with contextlib.ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(hook(name)).remove)
        yield
