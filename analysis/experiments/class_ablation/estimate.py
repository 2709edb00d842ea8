"""A first-order estimate of what removing each unit changes, for layers in which removing every unit costs too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dissectory.analysis.experiments.class_ablation.tail import scores_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.images import SplitImages
    from dissectory.analysis.experiments.class_ablation.tail import Tail
    from dissectory.analysis.subjects.rest import Point


def estimate_lead_drops(tail: Tail, images: SplitImages) -> npt.NDArray[np.float64]:
    """Estimate the drop of each class's lead without each unit `(unit, class)`, as a mean over its ranking images.

    The lead of a class is its score minus the best other score. The estimate is the gradient of the lead times the
    features that are lost with the unit, summed over positions. The lead is used instead of the score because a class
    is predicted as long as its lead is above 0; a unit that adds the same to all scores decides nothing.

    NaN for classes without ranking images.
    """
    classes = np.where(images.ranking, images.classes, -1)
    outputs = images.grouping.count + 1
    sums, counts = np.zeros((tail.units, outputs)), np.zeros(outputs)
    for numbers, inputs in images.batches():
        of = classes[numbers] >= 0
        if not of.any():
            continue
        own = classes[numbers[of]]
        point, answer = tail.rest.run(inputs[torch.from_numpy(of).to(inputs.device)])
        scores = scores_of(answer).float().cpu().numpy()
        np.add.at(sums.T, own, _lead_drops(tail, point, images.grouping.own_outputs(scores, own)))
        np.add.at(counts, own, 1)
    means: npt.NDArray[np.float64] = sums / np.where(counts > 0, counts, np.nan)
    return means


def _lead_drops(tail: Tail, point: Point, own_outputs: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Estimate the drops of the lead of each image's own output `(image, unit)`."""
    cut, silent = tail.split(point)
    with torch.enable_grad():
        features = cut.output.detach().requires_grad_()
        scores = scores_of(tail.mixing(features, cut.around))
        own = torch.from_numpy(np.asarray(own_outputs, dtype=np.int64)).to(scores.device)[:, None]
        others = scores.scatter(1, own, -torch.inf).amax(dim=1)
        (gradient,) = torch.autograd.grad((scores.gather(1, own)[:, 0] - others).sum(), features)
    change = gradient * (features.detach() - silent)
    drops = change.reshape(len(point), tail.units, -1).double().sum(dim=2)
    estimated: npt.NDArray[np.float64] = drops.cpu().numpy()
    return estimated
