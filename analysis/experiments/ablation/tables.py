"""The columns of the tables `unit_ablations`, `ablation_curves` and `detectors`, of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dissectory.analysis.experiments.ablation.sets import MODES
from dissectory.analysis.experiments.ablation.units import SPLITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.ablation.sets import ClassCurve, RandomSets
    from dissectory.analysis.experiments.ablation.units import UnitRemovals
    from dissectory.analysis.tally.separation import Separation

    Columns = dict[str, npt.NDArray[Any]]


def unit_ablations(layer: str, found: UnitRemovals, names: Mapping[int, str]) -> Columns:
    """Every unit, class and split; `names` are those of the classes to tell of, by output."""
    parts = [_of_split(layer, found, names, place) for place in range(len(SPLITS))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_split(layer: str, found: UnitRemovals, names: Mapping[int, str], place: int) -> Columns:
    split = SPLITS[place]
    outputs = np.array(list(names), dtype=np.int64)
    without, units = found.without[split], len(found.removed)
    rows = units * len(outputs)
    removed = np.repeat(found.removed, len(outputs))
    return {
        "layer": _same(layer, rows),
        "unit": np.repeat(np.arange(units), len(outputs)),
        "class": np.tile(np.array(list(names.values()), dtype=object), units),
        "split": _same(split, rows),
        "images": np.tile(without.images[outputs], units),
        "others": np.tile(without.others[outputs], units),
        "taken": _where(removed, without.taken[:, outputs].ravel()),
        "right": _where(removed, without.right[:, outputs].ravel()),
        "balanced_accuracy": np.where(removed, without.balanced_accuracy[:, outputs].ravel(), np.nan),
        "drop": found.drop(split)[:, outputs].ravel(),
        "lead_drop": found.lead_drops[split][:, outputs].ravel(),
    }


def ablation_curves(
    layer: str, curves: Sequence[ClassCurve], random: RandomSets | None, names: Mapping[int, str]
) -> Columns:
    """Every class, mode and number of units, a pair of them in one curve alone; `random` may have other sizes."""
    parts = [_of_curve(layer, curve, random, names[curve.output]) for curve in curves]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}


def _of_curve(layer: str, curve: ClassCurve, random: RandomSets | None, name: str) -> Columns:
    sizes = len(curve.sizes)
    rows = len(MODES) * sizes
    drawn = np.full((3, len(MODES), sizes), np.nan)
    if random is not None:
        known = [place for place, size in enumerate(curve.sizes) if size in random.sizes]
        among = [random.sizes.index(curve.sizes[place]) for place in known]
        drawn[:, :, known] = np.array(random.interval(curve.output))[:, :, among]
    return {
        "layer": _same(layer, rows),
        "class": _same(name, rows),
        "mode": np.repeat(np.array(MODES, dtype=object), sizes),
        "units": np.tile(np.array(curve.sizes), len(MODES)),
        "images": np.full(rows, curve.images),
        "others": np.full(rows, curve.others),
        "taken": curve.taken.ravel(),
        "right": curve.right.ravel(),
        "balanced_accuracy": curve.balanced_accuracy.ravel(),
        "labelled": np.full(rows, curve.labelled),
        "correct": curve.correct.ravel(),
        "all_class_accuracy": curve.all_class_accuracy.ravel(),
        "random": drawn[0].ravel(),
        "random_low": drawn[1].ravel(),
        "random_high": drawn[2].ravel(),
    }


def detectors(layer: str, kind: Literal["class", "concept"], positives: str, found: Separation) -> Columns:
    """Every unit as a detector of one set of images."""
    rows = len(found.threshold)
    return {
        "layer": _same(layer, rows),
        "unit": np.arange(rows),
        "kind": _same(kind, rows),
        "positives": _same(positives, rows),
        "images": np.full(rows, found.images),
        "others": np.full(rows, found.others),
        "threshold": found.threshold,
        "taken": found.taken,
        "right": found.right,
        "balanced_accuracy": found.balanced_accuracy,
        "area": found.area,
        "low": found.low,
        "high": found.high,
        "image_bins": _bins(found.image_bins),
        "other_bins": _bins(found.other_bins),
    }


def _same(value: str, rows: int) -> npt.NDArray[Any]:
    return np.full(rows, value, dtype=object)


def _where(known: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Counts, and nothing where they are not known."""
    values = counts.astype(object)
    values[~known] = None
    return values


def _bins(counts: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return np.array([" ".join(map(str, row)) for row in counts.tolist()], dtype=object)
