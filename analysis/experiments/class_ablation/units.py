"""Every unit of a layer removed alone: what is each class's balanced accuracy without it?

    plan = plan_removal(find_rest(module, "layer4", example), example)
    found = remove_units(plan, batches, classes, halves(classes, seed))

To remove a unit is to force its output to zero everywhere. Nothing is trained anew.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dissectory.analysis.experiments.class_ablation.held import Batches, Held, Holding
from dissectory.analysis.experiments.class_ablation.stem import Stem, find_stem, scores_of, variants_at_once
from dissectory.analysis.tally.importance import Correlation
from dissectory.analysis.tally.outcomes import Grouping, Outcomes, count_outcomes
from dissectory.analysis.tally.removal import LinearHead, UnitPredictions, leads_of, unchanged

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.subjects.rest import Point, Rest

Mode = Literal["linear", "rectified", "exact", "ranked"]
Split = Literal["ranking", "reporting"]
SPLITS: tuple[Split, Split] = ("ranking", "reporting")

AFFORDED = 64.0
"""Forward passes for each image that running on without every unit may cost."""
BEST = 8
"""Units of each class that are removed in earnest where all cannot be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the units of a layer are removed, and why so.

    "linear" and "rectified" add up what a removed unit changes of the answer; "exact" runs the network on without each
    unit; "ranked" does so for the most important units of each class alone, by a first-order estimate.
    """

    stem: Stem
    mode: Mode
    why: str


@dataclass(frozen=True, slots=True)
class UnitRemovals:
    """What removing each unit does, on both splits.

    Classes are the network's outputs, or what a grouping makes of them, and a last one for what is no class.
    `original` are the outcomes of the unchanged network, `taken` and the like `(class,)`; `without` those without each
    unit `(unit, class)`, of use where `removed` `(unit,)`: elsewhere the unit was not removed, and they are those of
    the unchanged network. `lead_drops` `(unit, class)` say by how much less a class's score leads the best other one,
    mean over the class's images; of units that were not removed, an estimate on the ranking split and NaN on the other.
    `correlation` `(unit, class)` is that of a unit's peak activation with the softmax score, over all images;
    `peaks` `(image, unit)`, NaN for images that were not seen. `recomputed` counts predictions that were too near to
    another one to be added up, and were made by running on.
    """

    plan: Plan
    original: dict[Split, Outcomes]
    without: dict[Split, Outcomes]
    lead_drops: dict[Split, npt.NDArray[np.float64]]
    removed: npt.NDArray[np.bool_]
    correlation: npt.NDArray[np.float64]
    peaks: npt.NDArray[np.float32]
    recomputed: int

    def drop(self, split: Split) -> npt.NDArray[np.float64]:
        """Balanced accuracy of the unchanged network less that without the unit `(unit, class)`; NaN if not known."""
        drop = self.original[split].balanced_accuracy - self.without[split].balanced_accuracy
        return np.where(self.removed[:, None], drop, np.nan)

    def order(self, output: int) -> npt.NDArray[np.intp]:
        """The units by their importance for a class on the ranking split, most important first `(unit,)`.

        By drop of balanced accuracy, then by drop of the lead, then by number. The drop of a unit that was not removed
        counts as none.
        """
        drop = np.nan_to_num(self.drop("ranking")[:, output])
        lead = np.nan_to_num(self.lead_drops["ranking"][:, output])
        return np.lexsort((np.arange(len(drop)), -lead, -drop))


def plan_removal(rest: Rest, example: Tensor, afforded: float = AFFORDED) -> Plan:
    """Choose how to remove the units of a layer.

    Args:
        rest: the network behind the layer.
        example: inputs of the network, a few pictures.
        afforded: forward passes for each image that may be spent on running on without every unit.
    """
    with torch.no_grad():
        whole, (point, _) = _counted(lambda: rest.run(example))
        stem = find_stem(rest, point)
        if stem.head is not None:
            linear = isinstance(stem.head, LinearHead)
            return Plan(stem, "linear" if linear else "rectified", _WHY_LINEAR if linear else _WHY_RECTIFIED)
        cut, _ = stem.split(point)
        behind, _ = _counted(lambda: stem.mixing(cut.output, cut.around))
    cost = stem.units * behind / max(whole, 1)
    how = f"running on without each of {stem.units} units costs {cost:.1f} forward passes an image"
    if rest.reason:
        how = f"the network is run as a whole for each unit, as {rest.reason}; {how}"
    if cost <= afforded:
        return Plan(stem, "exact", f"{how}, of {afforded:g} that may be spent")
    return Plan(stem, "ranked", f"{how}, more than the {afforded:g} that may be spent: only the best units are removed")


_WHY_LINEAR = "the scores are a linear function of the layer's pooled units: a removed unit's part is taken off them"
_WHY_RECTIFIED = (
    "a 1 x 1 convolution, a rectifier and a mean over the map follow the layer: a removed unit's part is taken off the "
    "convolution at each position"
)


def _counted(run: Callable[[], Any]) -> tuple[int, Any]:
    """Count the multiplications of convolutions and matrices in a call."""
    with FlopCounterMode(display=False) as counter:
        result = run()
    return counter.get_total_flops(), result


def remove_units(
    plan: Plan,
    batches: Batches,
    classes: npt.NDArray[np.integer[Any]],
    ranking: npt.NDArray[np.bool_],
    *,
    best: int = BEST,
    holding: Holding | None = None,
    grouping: Grouping | None = None,
    advance: Callable[[int], None] = lambda _images: None,
) -> UnitRemovals:
    """Remove every unit of a layer, one at a time, or the best of every class where all would cost too much.

    Args:
        plan: how.
        batches: the images; those that it does not give do not count.
        classes: the class that each image belongs to `(image,)`, -1 for none.
        ranking: which images are of the ranking split `(image,)`; all others are of the reporting split.
        best: units of every class to remove in ranked mode.
        holding: keeps what `remove_sets` needs of the images, as long as there is room.
        grouping: what the network's outputs stand for; by default each is a class of its own. A lead is then that of
            the image's highest output of its class.
        advance: told of images that are done.
    """
    with torch.no_grad():
        if plan.mode != "ranked":
            return _Removal(plan, classes, ranking, holding, grouping).run(batches, None, None, advance)
        estimate = estimate_lead_drops(plan.stem, batches, np.where(ranking, classes, -1), grouping)
        present = np.unique(classes[ranking & (classes >= 0)])
        chosen = np.argsort(-estimate[:, present], axis=0, kind="stable")[:best]
        return _Removal(plan, classes, ranking, holding, grouping).run(batches, np.unique(chosen), estimate, advance)


class _Removal:
    """What is known so far of every unit's removal."""

    def __init__(
        self,
        plan: Plan,
        classes: npt.NDArray[np.integer[Any]],
        ranking: npt.NDArray[np.bool_],
        holding: Holding | None,
        grouping: Grouping | None,
    ) -> None:
        self.plan, self.classes, self.ranking, self.holding = plan, classes, ranking, holding
        self._grouping = grouping
        self.peaks = np.full((len(classes), plan.stem.units), np.nan, dtype=np.float32)
        self.predicted = np.zeros(len(classes), dtype=np.int64)
        self.original: dict[Split, Outcomes] = {}
        self.without: dict[Split, Outcomes] = {}
        self.leads: dict[Split, npt.NDArray[np.float64]] = {}
        self.correlation: Correlation | None = None
        self.recomputed = 0

    def run(
        self,
        batches: Batches,
        chosen: npt.NDArray[np.intp] | None,
        estimate: npt.NDArray[np.float64] | None,
        advance: Callable[[int], None],
    ) -> UnitRemovals:
        """Go over the images, and remove the chosen units, or all of them."""
        units = self.plan.stem.units
        removed = np.full(units, chosen is None)
        if chosen is not None:
            removed[chosen] = True
        for numbers, inputs in batches():
            point, answer = self.plan.stem.rest.run(inputs)
            scores = scores_of(answer)
            self._grouping = self._grouping or Grouping.alike(scores.shape[1])
            self._note(numbers, point, scores, self._grouping)
            held = Held(numbers, *self.plan.stem.split(point), scores)
            if self.holding is not None:
                self.holding.keep(held)
            own = self._grouping.own_outputs(scores.float().cpu().numpy(), self.classes[numbers])
            found = self._predict(held, removed, own)
            self._count(numbers, leads_of(scores.float().cpu().numpy(), own), found, self._grouping)
            advance(len(numbers))
        return self._result(removed, estimate)

    def _note(self, numbers: npt.NDArray[np.integer[Any]], point: Point, scores: Tensor, grouping: Grouping) -> None:
        peaks = point.output.flatten(2).amax(dim=2).float().cpu().numpy()
        self.peaks[numbers] = peaks
        self.predicted[numbers] = scores.float().cpu().numpy().argmax(axis=1)
        if self.correlation is None:
            self.correlation = Correlation(peaks.shape[1], grouping.count + 1)
        self.correlation.observe(peaks, grouping.sums(scores.softmax(dim=1).double().cpu().numpy()))

    def _predict(self, held: Held, removed: npt.NDArray[np.bool_], classes: npt.NDArray[np.int64]) -> UnitPredictions:
        stem = self.plan.stem
        if stem.head is not None:
            features = stem.features(held.cut, held.silent, held.scores)
            found = stem.head.without_units(features, classes, torch.get_num_threads())
            self.recomputed += int(found.near.sum())
            wanted = found.near
        else:
            found = unchanged(held.scores.float().cpu().numpy(), classes, stem.units)
            differs = (held.cut.output != held.silent).reshape(len(classes), stem.units, -1).any(dim=2)
            wanted = differs.cpu().numpy() & removed
        _run_on(stem, held, wanted, classes, found)
        return found

    def _count(
        self,
        numbers: npt.NDArray[np.integer[Any]],
        own: npt.NDArray[np.float32],
        found: UnitPredictions,
        grouping: Grouping,
    ) -> None:
        taken, unchanged_taken = grouping.taken(found.outputs), grouping.taken(self.predicted[numbers])
        outputs = grouping.count + 1
        for split, of in zip(SPLITS, (self.ranking[numbers], ~self.ranking[numbers]), strict=True):
            classes = self.classes[numbers[of]]
            _add(self.original, split, count_outcomes(unchanged_taken[of], classes, outputs))
            _add(self.without, split, count_outcomes(taken[of], classes, outputs))
            drops = self.leads.setdefault(split, np.zeros((self.plan.stem.units, outputs)))
            np.add.at(
                drops.T, classes[classes >= 0], (own[of, None] - found.leads[of]).astype(np.float64)[classes >= 0]
            )

    def _result(self, removed: npt.NDArray[np.bool_], estimate: npt.NDArray[np.float64] | None) -> UnitRemovals:
        drops = {
            split: np.where(
                removed[:, None],
                self.leads[split] / np.where(self.original[split].images > 0, self.original[split].images, np.nan),
                estimate if estimate is not None and split == "ranking" else np.nan,
            )
            for split in SPLITS
        }
        correlation = self.correlation
        return UnitRemovals(
            self.plan,
            self.original,
            self.without,
            drops,
            removed,
            correlation.value if correlation else np.zeros((0, 0)),
            self.peaks,
            self.recomputed,
        )


def _add(sums: dict[Split, Outcomes], split: Split, counted: Outcomes) -> None:
    sums[split] = sums[split] + counted if split in sums else counted


def _run_on(
    stem: Stem,
    held: Held,
    wanted: npt.NDArray[np.bool_],
    classes: npt.NDArray[np.integer[Any]],
    found: UnitPredictions,
) -> None:
    """Run on from the cut without single units, where `wanted` `(image, unit)`, and write down what is found."""
    images, units = wanted.nonzero()
    at_once = variants_at_once(held.cut)
    for first in range(0, len(images), at_once):
        image, unit = images[first : first + at_once], units[first : first + at_once]
        removed = np.zeros((len(image), stem.units), dtype=np.bool_)
        removed[np.arange(len(unit)), unit] = True
        scores = stem.without(held.cut, held.silent, image, removed)
        found.outputs[image, unit] = scores.argmax(dim=1).cpu().numpy()
        found.leads[image, unit] = leads_of(scores.float().cpu().numpy(), classes[image])


def estimate_lead_drops(
    stem: Stem, batches: Batches, classes: npt.NDArray[np.integer[Any]], grouping: Grouping | None = None
) -> npt.NDArray[np.float64]:
    """Estimate to first order by how much less a class leads without each unit `(unit, class)`, mean over its images.

    The gradient of the lead (the class's score less the best other one) times what goes when the unit does, summed over
    its positions. The lead, and not the score: an image is taken for the class as long as that is above 0, and a unit
    that adds to all scores alike decides nothing.
    """
    sums: npt.NDArray[np.float64] | None = None
    images: dict[int, int] = defaultdict(int)
    for numbers, inputs in batches():
        of = classes[numbers] >= 0
        if not of.any():
            continue
        point, answer = stem.rest.run(inputs[torch.from_numpy(of).to(inputs.device)])
        scores = scores_of(answer).float().cpu().numpy()
        grouping = grouping or Grouping.alike(scores.shape[1])
        drops = _first_order(stem, point, grouping.own_outputs(scores, classes[numbers[of]]))
        outputs = grouping.count + 1
        sums = np.zeros((stem.units, outputs)) if sums is None else sums
        np.add.at(sums.T, classes[numbers[of]], drops)
        for output in classes[numbers[of]]:
            images[int(output)] += 1
    if sums is None:
        return np.zeros((stem.units, 0))
    counts = np.array([images[output] or np.nan for output in range(sums.shape[1])])
    means: npt.NDArray[np.float64] = sums / counts
    return means


def _first_order(stem: Stem, point: Point, classes: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
    """Estimated drops of the lead of each image's output `(image, unit)`."""
    cut, silent = stem.split(point)
    with torch.enable_grad():
        features = cut.output.detach().requires_grad_()
        scores = scores_of(stem.mixing(features, cut.around))
        own = torch.from_numpy(np.asarray(classes, dtype=np.int64)).to(scores.device)[:, None]
        others = scores.scatter(1, own, -torch.inf).amax(dim=1)
        (gradient,) = torch.autograd.grad((scores.gather(1, own)[:, 0] - others).sum(), features)
    change = gradient * (features.detach() - silent)
    drops = change.reshape(len(point), stem.units, -1).double().sum(dim=2)
    estimated: npt.NDArray[np.float64] = drops.cpu().numpy()
    return estimated
