"""The tail of a classifier: the steps after a layer that keep its units apart, and the step that first mixes them.

    tail = find_tail(rest, point)
    cut, silent = tail.split(point)

The tail is cut before the step that mixes the units. A removed unit changes only its own features at the cut: they
become the features of a unit whose output is zero at every position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from dissectory.analysis.experiments.class_ablation import steps
from dissectory.analysis.subjects.rest import Point, Rest, TracedRest, cut_again
from dissectory.analysis.tally.removal import Features, Head, LinearHead, RectifiedHead
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import fx


_AT_ONCE = 2**22
"""The number of features in a batch of variants: 16 MB of them."""
_VARIANTS = 1024
"""The most variants in a batch."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The part of the network after a layer, cut before its units are first mixed.

    Attributes:
        units: the number of units in the layer.
        rest: the network after the layer.
        mixing: the network after the cut. It is `rest` if the layer's own output is mixed, or the rest cannot be cut.
        head: the network after the cut as a known function, `None` if it is not one of the known functions.
    """

    units: int
    rest: Rest
    mixing: Rest
    head: Head | None

    def split(self, point: Point) -> tuple[Point, Tensor]:
        """Run from the layer to the cut.

        Returns:
            The values of the network at the cut, and the features at the cut if every unit is removed: of each image,
            or of one image if they are the same for all.
        """
        nothing = torch.zeros_like(point.output if point.around else point.output[:1])
        if not isinstance(self.mixing, TracedRest) or self.mixing is self.rest:
            return point, nothing
        return _on(self.mixing, point), _on(self.mixing, Point(nothing, point.around)).output

    def features(self, cut: Point, silent: Tensor, scores: Tensor) -> Features:
        """Make the features that a head takes; `scores` `(image, output)` are those of the unchanged network."""
        return Features(self._parts(cut.output), self._parts(silent), scores.float().cpu().numpy())

    def without(
        self, cut: Point, silent: Tensor, images: npt.NDArray[np.intp], removed: npt.NDArray[np.bool_]
    ) -> Tensor:
        """Compute the scores of variants of the network `(variant, output)` by running it from the cut.

        Args:
            cut: the values of the network at the cut.
            silent: the features if every unit is removed.
            images: the index in the batch of each variant's image `(variant,)`.
            removed: whether each unit is removed in each variant `(variant, unit)`.
        """
        places = torch.from_numpy(images).to(cut.output.device)
        given = cut.of(places)
        changed = torch.where(
            torch.from_numpy(removed).to(cut.output.device)[:, :, None],
            silent.expand_as(cut.output)[places].reshape(len(images), self.units, -1),
            given.output.reshape(len(images), self.units, -1),
        )
        return scores_of(self.mixing(changed.reshape(given.output.shape), given.around))

    def _parts(self, features: Tensor) -> npt.NDArray[np.float32]:
        """Sort features by units `(image, unit, part)`."""
        parts: npt.NDArray[np.float32] = features.reshape(len(features), self.units, -1).float().cpu().numpy()
        return parts


def find_tail(rest: Rest, point: Point) -> Tail:
    """Find the step that first mixes a layer's units; `point` are the values at the layer for some images."""
    units = point.output.shape[1]
    if not isinstance(rest, TracedRest):
        return Tail(units, rest, rest, None)
    shapes = steps.shapes_of(rest.after, (point.output, *point.around))
    node = next(iter(rest.after.graph.nodes))
    while (step := steps.next_step(node)) and steps.keeps_units_apart(step, node, rest.after, shapes):
        node = step
    trivial = node.op == "placeholder"
    mixing = rest if trivial else cut_again(rest, node, point)
    if mixing is None:
        return Tail(units, rest, rest, None)
    return Tail(units, rest, mixing, _head(rest.after, node, shapes, units))


def variants_at_once(cut: Point) -> int:
    """Return the number of variants of a network in a batch."""
    return max(1, min(_VARIANTS, _AT_ONCE // cut.output[0].numel()))


def scores_of(answer: object) -> Tensor:
    """Return the scores `(image, output)` in a network's output: the output itself, its `logits`, or its first part.

    Raises:
        SubjectError: the output does not have scores.
    """
    found = answer
    if isinstance(found, Mapping):
        found = found.get("logits", next(iter(found.values()), None))
    elif hasattr(found, "logits"):
        found = found.logits
    elif isinstance(found, (tuple, list)):
        found = found[0] if found else None
    if not isinstance(found, Tensor) or found.ndim != 2:  # noqa: PLR2004 - image, output
        raise SubjectError(
            "the ablation of a classifier needs a network whose output is one row of scores for each image, and this "
            "network has another output: remove [ablation] from the study, or name a classifier"
        )
    return found


def _on(mixing: TracedRest, point: Point) -> Point:
    """Run from the layer to the cut, on copies, because the network may change values in place."""
    output, *around = mixing.before(*(value.clone() for value in (point.output, *point.around)))
    return Point(output, tuple(around))


def _head(graph: fx.GraphModule, node: fx.Node, shapes: steps.Shapes, units: int) -> Head | None:
    """Make the function from a node to the scores, `None` if it is not one of the known functions."""
    step = steps.next_step(node)
    weight = steps.linear_weight(step, graph, shapes) if step else None
    if step is None or weight is None or not weight.dtype.is_floating_point:
        return None
    outputs = len(weight)
    size = shapes[node][1:]
    if steps.ends_in(step, outputs, graph, shapes) and (len(size) == 1 or size[1:] == (1, 1)):
        columns = weight.detach().float().cpu().reshape(outputs, units, -1).permute(1, 2, 0)
        return LinearHead(columns.contiguous().numpy())
    return _rectified(graph, step, shapes, weight.detach().float().cpu()) if len(size) == steps.MAP - 1 else None


def _rectified(graph: fx.GraphModule, convolution: fx.Node, shapes: steps.Shapes, weight: Tensor) -> Head | None:
    """Make the function of a 1 x 1 convolution, a rectifier and a mean over the map, `None` if it is another one."""
    rectifier = steps.next_step(convolution)
    slope = steps.slope_of(rectifier, graph) if rectifier else None
    mean = steps.next_step(rectifier) if rectifier else None
    if rectifier is None or slope is None or mean is None:
        return None
    known = steps.global_mean(mean, rectifier, graph, shapes) and steps.ends_in(mean, len(weight), graph, shapes)
    if not known:
        return None
    bias = graph.get_submodule(str(convolution.target)).bias
    shift = bias.detach().float().cpu() if isinstance(bias, Tensor) else torch.zeros(len(weight))
    return RectifiedHead(weight.T.contiguous().numpy(), shift.numpy(), slope)
