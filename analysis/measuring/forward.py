"""Forward passes that hand each layer's maps to an observer, for as many images at once as the device has memory for.

forward = Forward(module, most=32)
answer, calls = forward.run(inputs, ["layer4"], observe)    # calls observe("layer4", first, last, maps)
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dissectory.analysis.measuring.parts import scores_of
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tally.device.memory import divided
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import nn

    Calls = dict[str, int]
    Observe = Callable[[str, int, int, Tensor], None]


class Forward:
    """Runs a network on batches. If a batch does not fit on the device, it and all further ones run in smaller parts.

    `most` is the largest number of images that run together. With `autocast`, the network runs in `torch.autocast` of
    the device of its inputs; observers still receive float32 maps, and compute without autocast.
    """

    def __init__(self, module: nn.Module, most: int, *, autocast: bool = False) -> None:
        self._module = module
        self._most = most
        self._autocast = autocast

    def run(self, inputs: Sequence[Tensor], names: Sequence[str], observe: Observe) -> tuple[object, Calls]:
        """Run the network on a batch.

        Args:
            inputs: the network's inputs, one row for each image.
            names: the layers to observe.
            observe: called with a layer's name, the images `first` to `last` without `last`, and their maps. When the
                device has not enough memory, a layer that has observed images does not observe them again.

        Returns:
            The network's answer, and how often it called each layer.

        Raises:
            SubjectError: a single image does not fit on the device.
        """
        if self._autocast:
            inputs, observe = [laid_out(one) for one in inputs], _in_float32(observe)
        reached, calls = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        sizes = []

        def work(first: int, last: int) -> object:
            calls.update(dict.fromkeys(names, 0))

            def hand_over(name: str, maps: Tensor) -> None:
                calls[name] += 1
                if reached[name] <= first:
                    observe(name, first, last, maps)
                    reached[name] = last

            with torch.inference_mode(), self._precision(inputs[0].device), watch(self._module, names, hand_over):
                answer: object = self._module(*(one[first:last] for one in inputs))
            sizes.append(last - first)
            return answer

        try:
            answers = list(divided(work, len(inputs[0]), self._most))
        except torch.OutOfMemoryError as error:
            raise SubjectError(
                "the device has not enough memory for the network's activations of one image: use smaller images "
                "(images.size), set compute.memory_gb to a lower number, or set compute.device to 'cpu'"
            ) from error
        if len(sizes) > 1:
            self._most = max(sizes)
        return _joined(answers), calls

    def _precision(self, device: torch.device) -> contextlib.AbstractContextManager[object]:
        return torch.autocast(device.type) if self._autocast else contextlib.nullcontext()


def laid_out(inputs: Tensor) -> Tensor:
    """Return images `(batch, channel, height, width)` of a CUDA device in the memory format channels_last.

    In 16 bits, convolutions on GPUs are fastest in this format, and pass it on from layer to layer. It is used only
    with autocast: in float32, it would change the order of sums for little or no gain.
    """
    if inputs.is_cuda and inputs.ndim == 4:  # noqa: PLR2004 - batch, channel, height, width
        return inputs.contiguous(memory_format=torch.channels_last)
    return inputs


def _in_float32(observe: Observe) -> Observe:
    """Return an observer that passes on maps as contiguous float32 numbers, and switches autocast off meanwhile."""

    def observe_exactly(name: str, first: int, last: int, maps: Tensor) -> None:
        with torch.autocast(maps.device.type, enabled=False):
            observe(name, first, last, maps.to(torch.float32, memory_format=torch.contiguous_format))

    return observe_exactly


def _joined(answers: Sequence[object]) -> object:
    """Join the answers for parts of a batch: tensors, or otherwise the scores that they contain."""
    if len(answers) == 1:
        return answers[0]
    tensors = [answer if isinstance(answer, Tensor) else scores_of(answer) for answer in answers]
    found = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(found) if len(found) == len(answers) else None
