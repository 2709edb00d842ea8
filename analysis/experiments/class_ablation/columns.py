"""The columns of the tables that tell what a classifier loses without its units, of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dissectory.analysis.experiments.class_ablation.sets import MODES
from dissectory.analysis.experiments.class_ablation.units import SPLITS
from dissectory.analysis.tally.importance import classes_led

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve, RandomSets
    from dissectory.analysis.experiments.class_ablation.units import UnitRemovals
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
        "rank": _ranks(found, outputs).ravel(),
    }


def _ranks(found: UnitRemovals, outputs: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The place of each unit among all by what each class loses `(unit, class)`; nothing without ranking images."""
    ranks = np.empty((len(found.removed), len(outputs)), dtype=object)
    for column, output in enumerate(outputs.tolist()):
        if found.original["ranking"].images[output]:
            ranks[found.order(output), column] = range(len(ranks))
    return ranks


def unit_importance(layer: str, found: UnitRemovals, names: Mapping[int, str]) -> Columns:
    """Every unit: what the classes in `names` that have ranking images lose together without it."""
    ranked = [output for output in names if found.original["ranking"].images[output]]
    units = len(found.removed)
    orders = np.array([found.order(output) for output in ranked], dtype=np.int64).reshape(len(ranked), units)
    return {
        "layer": _same(layer, units),
        "unit": np.arange(units),
        "classes_led": classes_led(orders, units),
        "mean_drop": _mean(found.drop("ranking")[:, ranked]),
        "mean_lead_drop": _mean(found.lead_drops["ranking"][:, ranked]),
    }


def _mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Mean over what is known in each row; NaN where nothing is."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.asarray(np.divide(total, known.sum(axis=1), out=np.full(len(values), np.nan), where=known.any(axis=1)))


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


def detectors(
    layer: str,
    kind: Literal["class", "concept"],
    positives: str,
    found: Separation,
    correlation: npt.NDArray[np.float64] | None = None,
) -> Columns:
    """Every unit as a detector of one set of images; `correlation` `(unit,)` is that with a class's share."""
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
        "correlation": np.full(rows, np.nan) if correlation is None else correlation,
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
