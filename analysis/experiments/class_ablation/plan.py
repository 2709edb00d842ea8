"""The plan of a layer's ablation: how its units are removed, which depends on the network after the layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch.utils.flop_counter import FlopCounterMode

from dissectory.analysis.experiments.class_ablation.tail import Tail, find_tail
from dissectory.analysis.tally.removal import LinearHead

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from dissectory.analysis.subjects.rest import Rest

Mode = Literal["linear", "rectified", "exact", "ranked"]

AFFORDED = 64.0
"""The highest cost of removing every unit, in forward passes for each image."""

_WHY_LINEAR = "the scores are a linear function of the layer's pooled units, so a removed unit's part is subtracted"
_WHY_RECTIFIED = (
    "a 1 x 1 convolution, a rectifier and a mean over the map follow the layer, so a removed unit's part is subtracted "
    "from the convolution at each position"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the units of a layer are removed, and why in this way.

    "linear" and "rectified" compute the change of the scores as a sum. "exact" runs the rest of the network without
    each unit. "ranked" does so only for the most important units of each class, by a first-order estimate.
    """

    tail: Tail
    mode: Mode
    why: str


def plan_removal(rest: Rest, example: Tensor, afforded: float = AFFORDED) -> Plan:
    """Choose how to remove the units of a layer.

    Args:
        rest: the network after the layer.
        example: the network's inputs for a few images.
        afforded: the highest cost of removing every unit, in forward passes for each image.
    """
    with torch.no_grad():
        whole, (point, _) = _counted(lambda: rest.run(example))
        tail = find_tail(rest, point)
        if tail.head is not None:
            linear = isinstance(tail.head, LinearHead)
            return Plan(tail, "linear" if linear else "rectified", _WHY_LINEAR if linear else _WHY_RECTIFIED)
        cut, _ = tail.split(point)
        behind, _ = _counted(lambda: tail.mixing(cut.output, cut.around))
    cost = tail.units * behind / max(whole, 1)
    how = f"running the rest of the network without each of {tail.units} units costs {cost:.1f} forward passes an image"
    if rest.reason:
        how = f"the whole network runs for each unit, because {rest.reason}; {how}"
    if cost <= afforded:
        return Plan(tail, "exact", f"{how}, and at most {afforded:g} are allowed")
    why = f"{how}, and at most {afforded:g} are allowed: only the most important units are removed"
    return Plan(tail, "ranked", why)


def _counted(run: Callable[[], Any]) -> tuple[int, Any]:
    """Return the multiplications of convolutions and matrices in a call, and the call's result."""
    with FlopCounterMode(display=False) as counter:
        result = run()
    return counter.get_total_flops(), result
