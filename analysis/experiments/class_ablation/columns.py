"""The columns of the tables of an ablation, for one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dissectory.analysis.experiments.class_ablation.sets import MODES
from dissectory.analysis.experiments.class_ablation.tables import CONFUSIONS
from dissectory.analysis.experiments.class_ablation.units import SPLITS
from dissectory.analysis.tables.core import CLASSES
from dissectory.analysis.tally.importance import classes_led

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.classes import ImageClasses
    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve, RandomSets
    from dissectory.analysis.experiments.class_ablation.units import UnitRemovals
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table
    from dissectory.analysis.tally.separation import Separation

    Columns = dict[str, npt.NDArray[Any]]

CONFUSED_AFTER = (0, 4, 20)
"""The numbers of removed units after which the predictions for a class's images are counted."""


def unit_ablations(layer: str, found: UnitRemovals, names: Mapping[int, str]) -> Columns:
    """Make the columns for every unit, class and split; `names` are the classes of the table, by number."""
    parts = [_of_split(layer, found, names, place) for place in range(len(SPLITS))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_split(layer: str, found: UnitRemovals, names: Mapping[int, str], place: int) -> Columns:
    """Make the columns for one split."""
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
    """Return the rank of each unit for each class `(unit, class)`; `None` if the class has no ranking images."""
    ranks = np.empty((len(found.removed), len(outputs)), dtype=object)
    for column, output in enumerate(outputs.tolist()):
        if found.original["ranking"].images[output]:
            ranks[found.order(output), column] = range(len(ranks))
    return ranks


def unit_importance(layer: str, found: UnitRemovals, names: Mapping[int, str]) -> Columns:
    """Make the columns for every unit: its effect on all classes in `names` that have ranking images."""
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
    """Average the known values of each row; NaN if no value is known."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=1)
    return np.asarray(np.divide(total, known.sum(axis=1), out=np.full(len(values), np.nan), where=known.any(axis=1)))


def ablation_curves(layer: str, curves: Sequence[ClassCurve], random: RandomSets, names: Mapping[int, str]) -> Columns:
    """Make the columns for every class, mode and number of units; `random` may have other sizes than the curves."""
    parts = [_of_curve(layer, curve, random, names[curve.output]) for curve in curves]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _of_curve(layer: str, curve: ClassCurve, random: RandomSets, name: str) -> Columns:
    """Make the columns for one class."""
    sizes = len(curve.sizes)
    rows = len(MODES) * sizes
    drawn = np.full((3, len(MODES), sizes), np.nan)
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


def confusions(layer: str, curves: Sequence[ClassCurve], classes: ImageClasses) -> Columns:
    """Make the columns for every class, number of removed units and class that is then predicted."""
    rows = [
        (layer, classes.names[curve.output], units, classes.taken_names[taken], int(curve.confused[place, taken]))
        for curve in curves
        for units in CONFUSED_AFTER
        if units in curve.sizes
        for place in (curve.sizes.index(units),)
        for taken in np.flatnonzero(curve.confused[place]).tolist()
    ]
    return _table(CONFUSIONS, rows)


def class_rows(run: Run, found: UnitRemovals, classes: ImageClasses) -> Columns:
    """Make the table of classes, with a row for each split, and with the classes that only the ablation has."""
    names = [column.name for column in CLASSES.columns]
    rows = {
        (name, split): [name, split, *_class_values(*counts)]
        for number, name in classes.names.items()
        for split, counts in _class_counts(found, number)
    }
    if run.has("classes"):
        earlier = run.table("classes").astype(object)
        known = {(row["class"], row["split"]): [row[name] for name in names] for row in earlier.to_dict("records")}
        rows = rows | known if classes.kind == "predicted" else known | rows
    ordered = sorted(rows.items(), key=lambda item: (item[0][0], ("all", *SPLITS).index(item[0][1])))
    return _table(CLASSES, [[_known(value) for value in row] for _, row in ordered])


def _class_counts(found: UnitRemovals, number: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Count all images, and those of a class, predicted as it, and both, in each split and in both together."""
    of = {
        split: (one.total, int(one.images[number]), int(one.taken[number]), int(one.right[number]))
        for split, one in found.original.items()
    }
    total, images, taken, right = (sum(values) for values in zip(*of.values(), strict=True))
    return iter([("all", (total, images, taken, right)), *of.items()])


def _class_values(total: int, images: int, taken: int, right: int) -> list[int | float | None]:
    """Compute the values of a row of the table of classes from these counts."""
    others = total - images
    negatives = others - (taken - right)
    return [
        images,
        taken,
        right,
        (right + negatives) / total if total else None,
        right / taken if taken else None,
        right / images if images else None,
        (right / images + negatives / others) / 2 if images and others else None,
    ]


def _known(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    """Return `None` if a value of a frame is missing."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN


def _table(table: Table, rows: Sequence[Sequence[Any]]) -> Columns:
    """Turn the rows of a table into columns."""
    return {
        column.name: np.array([row[place] for row in rows], dtype=object) for place, column in enumerate(table.columns)
    }


def detectors(
    layer: str,
    kind: Literal["class", "concept"],
    positives: str,
    found: Separation,
    correlation: npt.NDArray[np.float64] | None = None,
) -> Columns:
    """Make the columns for every unit as a detector of a set of images; `correlation` `(unit,)` is for classes only."""
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
    """Return the counts, and `None` for those that are not known."""
    values = counts.astype(object)
    values[~known] = None
    return values


def _bins(counts: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    return np.array([" ".join(map(str, row)) for row in counts.tolist()], dtype=object)
