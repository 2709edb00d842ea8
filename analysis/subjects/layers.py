"""Layers of a network: which can be dissected, which a study selects, and their outputs in a forward pass.

    with watch(module, ["layer3", "layer4"], on_output):
        module(pixels)  # calls on_output("layer3", tensor), then on_output("layer4", tensor)

A layer is a named submodule that the network calls once in a forward pass and that returns an activation map: one
tensor `(batch, unit, height, width)` with more than one position. The module `maps` distinguishes activation maps from
other outputs.
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
"""How many layers an error message lists."""


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer that can be dissected; `index` is its place in the order of computation."""

    name: str
    kind: str
    units: int
    height: int
    width: int
    index: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What is known about every named submodule.

    `layers` can be dissected, in the order in which their outputs are computed. `refused` gives the reason why each
    other submodule cannot. `automatic` are the layers that "auto" selects.
    """

    layers: tuple[LayerInfo, ...]
    refused: dict[str, str]
    automatic: tuple[str, ...]

    def select(self, patterns: Sequence[str]) -> tuple[LayerInfo, ...]:
        """Return the layers that a study selects: in the network's order, each once, `index` counted from 0 again.

        A pattern is an exact name, a glob, or "auto", which selects the last convolution of every stage. In a glob, `*`
        and `?` match anything but a dot (`fire*` matches `fire2` but not `fire2.squeeze`); `**` matches dots too.

        Raises:
            SubjectError: if a name is unknown, its module returns no activation map, or a glob matches no layer.
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
                "model.layers is 'auto', but the network has no convolution that returns an activation map; "
                f"list layers by name; {self._known()}"
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
        return f"no layer of the network matches '{pattern}' (* does not match a dot, ** does); {self._known()}"

    def _known(self) -> str:
        names = [f"'{layer.name}'" for layer in self.layers]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        if not names:
            return "no layer of the network returns an activation map"
        return f"layers that can be dissected: {', '.join(names[:_SHOWN])}{more}"


def survey(module: nn.Module, example: Tensor) -> Survey:
    """Run the first image of `example` `(batch, 3, height, width)` through the network, and examine every submodule.

    The network runs on a batch that holds this image twice, and on an image of twice its width: see `maps`.

    Raises:
        SubjectError: if the network fails on the example.
    """
    modules = {name: sub for name, sub in module.named_modules() if name}
    one = example[:1]
    pair = _outputs(module, modules, one.repeat(PAIR, 1, 1, 1))
    wide = _outputs_when_wide(module, modules, one)
    return _survey(modules, pair, wide, square=one.shape[2] == one.shape[3])


def survey_generator(module: nn.Module, inputs: Sequence[Tensor]) -> Survey:
    """Run a generator on the inputs of two square images, and examine every submodule.

    Raises:
        SubjectError: if the generator fails.
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
    """Separate activation maps from other outputs, given the outputs for two images and for a wide image.

    "auto" selects only layers with at least `least` units.
    """
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
    refused |= {name: "the network does not call it in a forward pass" for name in modules if name not in pair}
    return Survey(tuple(layers), refused, _last_convolutions(modules, [one for one in layers if one.units >= least]))


def select_layers(module: nn.Module, example: Tensor, patterns: Sequence[str]) -> tuple[LayerInfo, ...]:
    """Return the layers that a study selects; see `Survey.select`.

    Raises:
        SubjectError: if the network fails on the example, or a pattern selects no layer that can be dissected.
    """
    return survey(module, example).select(patterns)


def _outputs(module: nn.Module, modules: Mapping[str, nn.Module], pictures: Tensor) -> dict[str, list[Output]]:
    """Return the outputs of each submodule in each of its calls, in the order of first outputs."""
    outputs: dict[str, list[Output]] = {}
    try:
        _run(module, modules, [pictures], outputs)
    except Exception as error:
        count, _, height, width = pictures.shape
        raise SubjectError(
            f"the network fails on {count} images of {width} x {height} pixels: {type(error).__name__}: {error}. "
            "Set images.size to the size of the network's input; the network must take batches of RGB images"
        ) from error
    return outputs


def _outputs_when_wide(module: nn.Module, modules: Mapping[str, nn.Module], one: Tensor) -> dict[str, list[Output]]:
    """Return the same for one image of twice the width, up to the point where the network fails, if it does."""
    outputs: dict[str, list[Output]] = {}
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")  # the user did not ask for this image
        _run(module, modules, [torch.cat([one, one], dim=-1)], outputs)
    return outputs


def _run(
    module: nn.Module, modules: Mapping[str, nn.Module], inputs: Sequence[Tensor], outputs: dict[str, list[Output]]
) -> None:
    """Record the outputs of every submodule in `outputs`, even if the network fails midway."""

    def note(name: str, output: object) -> None:
        outputs.setdefault(name, []).append(output_of(output))

    with _hooked(modules, note), torch.no_grad():
        module(*inputs)


def _last_convolutions(modules: Mapping[str, nn.Module], layers: Sequence[LayerInfo]) -> tuple[str, ...]:
    """Return the last convolution of every stage.

    A stage is a sequence of convolutions, in the network's order, with activation maps of one size. A block that
    reduces the size often begins with a convolution of the old size (the bottleneck of a ResNet, the expansion of an
    EfficientNet). Such a convolution belongs to the next stage; it is chosen for its own size only if no other
    convolution has that size.
    """
    sizes = {layer.name: (layer.height, layer.width) for layer in layers}
    convolutions = [layer.name for layer in layers if isinstance(modules[layer.name], _CONVOLUTIONS)]
    staying = [name for name in convolutions if sizes.get(_block(modules, name), sizes[name]) == sizes[name]]
    last = {list(stage)[-1] for _, stage in groupby(staying, key=sizes.__getitem__)}
    reached = {sizes[name] for name in staying}
    last |= set({sizes[name]: name for name in convolutions if sizes[name] not in reached}.values())
    return tuple(name for name in convolutions if name in last)


def _block(modules: Mapping[str, nn.Module], name: str) -> str:
    """Return the innermost module around a layer that is not just a sequence, or an empty string if there is none."""
    while "." in name:
        name = name.rpartition(".")[0]
        if not isinstance(modules[name], (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            return name
    return ""


def _expression(pattern: str) -> re.Pattern[str]:
    """Translate a glob: `**` matches anything, `*` and `?` match anything but a dot."""
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    meaning = {"**": ".*", "*": "[^.]*", "?": "[^.]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)


@contextlib.contextmanager
def watch(module: nn.Module, names: Iterable[str], on_output: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call `on_output(name, tensor)` whenever one of the layers has computed its output.

    The tensor is the network's own memory, and later in-place operations (a ReLU, an addition) change it. Read it at
    once, or keep a clone.

    Raises:
        SubjectError: if the network has no layer of a name.
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
    """Hook every module while the context is active; the hooks are removed even if an error is raised."""

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hand_over(_module: nn.Module, _inputs: object, output: object) -> None:
            on_output(name, output)  # return nothing: a hook's return value would replace the output

        return hand_over

    with contextlib.ExitStack() as stack:
        for name, module in modules.items():
            stack.callback(module.register_forward_hook(hook(name)).remove)
        yield
