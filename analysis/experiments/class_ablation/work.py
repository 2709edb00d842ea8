"""What a classifier loses without its units: every unit removed alone, sets of them, and units as detectors.

Bau et al. 2020, 'Understanding the role of individual units in a deep neural network'.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.experiments.class_ablation import columns as tables
from dissectory.analysis.experiments.class_ablation.classes import ImageClasses, check_classes, classes_of
from dissectory.analysis.experiments.class_ablation.held import Batches, Holding
from dissectory.analysis.experiments.class_ablation.sets import remove_random_sets, remove_sets, sizes_below
from dissectory.analysis.experiments.class_ablation.switch_writer import Counted, SwitchWriter
from dissectory.analysis.experiments.class_ablation.tables import CONFUSIONS
from dissectory.analysis.experiments.class_ablation.units import Plan, UnitRemovals, plan_removal, remove_units
from dissectory.analysis.experiments.experiment import Addition
from dissectory.analysis.measuring.label_maps import COVERED
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.run import Ablation
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.core import CLASSES
from dissectory.analysis.tally.outcomes import halves
from dissectory.analysis.tally.separation import Peaks
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.class_ablation.columns import Columns
    from dissectory.analysis.experiments.class_ablation.declare import ClassAblationSection
    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve
    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

    Advance = Callable[[int], None]

FEW_CLASSES = 16
"""So many classes have their whole curves measured where the study does not say which, and it costs little."""
CONFUSED_AFTER = (0, 4, 20)
"""Removed units after which is told what a class's images are taken for."""
DETECTORS_EACH = 8
"""Units of each class, the most important ones, that are told of as detectors of it."""


def check(setting: Setting, section: ClassAblationSection) -> None:
    """Check that the layers are of the study, and that images will have classes.

    Raises:
        StudyError: a layer is not of the study, or images will have no classes.
    """
    for layer in section.layers:
        setting.check_layer("ablation.layers", layer)
    check_classes(setting, section)


def run(bench: Bench, section: ClassAblationSection) -> Addition:
    """Ablate units, measure, and write the tables.

    Returns:
        How it was done in each layer, for the manifest.

    Raises:
        StudyError: a class whose curve is wanted has no images.
        SubjectError: the network does not answer with scores.
    """
    run, setting = bench.run, bench.setting
    layers = section.layers or (setting.layers[-1].name,)
    work = _Work.of(bench, section)
    found: dict[str, list[Columns]] = defaultdict(list)
    done = []
    writer = SwitchWriter(run, work.classes.numbers, work.classes.names, work.classes.outputs, work.classes.grouping)
    for layer in layers:
        with bench.progress.stage(f"Removing the units of {layer}", len(work.readable), "images") as advance:
            done.append(_ablate(work, layer, found, writer, advance))
    writer.write(setting.images.view)
    for name, parts in found.items():
        table = all_tables()[name]
        columns = {column.name: np.concatenate([part[column.name] for part in parts]) for column in table.columns}
        run.write_table(table, columns)
    return Addition(ablations=tuple(done))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is the same for every layer. `readable` are the numbers of the images; `ranking` `(image,)`."""

    run: Run
    setting: Setting
    section: ClassAblationSection
    labels: LabelMaps
    classes: ImageClasses
    ranking: npt.NDArray[np.bool_]
    readable: npt.NDArray[np.intp]

    @classmethod
    def of(cls, bench: Bench, section: ClassAblationSection) -> _Work:
        setting, record = bench.setting, bench.record
        classes = classes_of(setting, section, record.predictions)
        numbers = np.where(record.labels.sizes[:, 0] > 0, classes.numbers, -1)
        ranking = halves(numbers, setting.study.seed, section.ranking_share)
        return cls(bench.run, setting, section, record.labels, classes, ranking, record.labels.readable)

    def batches(self) -> Iterator[tuple[npt.NDArray[np.integer[Any]], Tensor]]:
        """Go over the images."""
        compute = self.setting.study.compute
        groups = batches(len(self.setting.images), compute.batch)
        assert isinstance(self.setting.images, ImageFolder)  # noqa: S101 - a classifier's study has images
        for batch in self.setting.images.batches(groups, compute.workers):
            if len(batch):
                yield np.array(batch.images), self.setting.inputs(batch)[0]

    def with_curves(self, plan: Plan) -> list[int]:
        """Classes whose whole curve is wanted, by number."""
        names, wanted = self.classes.names, self.section.curves
        if wanted is None:
            return list(names) if len(names) <= FEW_CLASSES and plan.stem.head is not None else []
        numbers = {name: number for number, name in names.items()}
        for name in wanted:
            if name not in numbers:
                raise StudyError(
                    f"ablation.curves names '{name}', which is not a class with images; {nearest(name, list(numbers))}"
                )
        return [numbers[name] for name in wanted]


def _ablate(
    work: _Work, layer: str, tables_of: dict[str, list[Columns]], writer: SwitchWriter, advance: Advance
) -> Ablation:
    """Remove the units of one layer."""
    setting, section, classes = work.setting, work.section, work.classes
    given: Batches = work.batches
    example = next(iter(given()))[1][:2]
    plan = plan_removal(find_rest(setting.model.module, layer, example), example)
    holding = Holding(plan.stem, ~work.ranking, setting.study.compute.memory_gb * 2**30)
    found = remove_units(
        plan, given, classes.numbers, work.ranking, holding=holding, grouping=classes.grouping, advance=advance
    )
    ranked = [number for number in classes.names if found.original["ranking"].images[number]]
    orders = {number: found.order(number) for number in ranked}
    curves = _curves(work, found, holding, orders)
    random = remove_random_sets(
        plan.stem,
        holding,
        given,
        classes.numbers,
        sizes=(0, *sizes_below(plan.stem.units)),
        seed=setting.study.seed,
        draws=section.random_sets,
        grouping=classes.grouping,
    )
    tables_of["unit_ablations"].append(tables.unit_ablations(layer, found, classes.names))
    tables_of["unit_importance"].append(tables.unit_importance(layer, found, classes.names))
    if curves:
        tables_of["ablation_curves"].append(tables.ablation_curves(layer, curves, random, classes.names))
        tables_of["confusions"].append(_confusions(layer, curves, classes))
    tables_of["detectors"].extend(_detectors(work, layer, found, orders))
    if "classes" not in tables_of:
        tables_of["classes"].append(_class_rows(work.run, found, classes))
    counted = Counted(found, curves, orders)
    writer.add(layer, plan, holding.over(given), counted, megabytes=section.switch_mb)
    ranking, reporting = (found.original[split].total for split in ("ranking", "reporting"))
    return Ablation(layer, plan.mode, plan.why, classes.kind, int(ranking), int(reporting))


def _curves(
    work: _Work, found: UnitRemovals, holding: Holding, orders: Mapping[int, npt.NDArray[np.intp]]
) -> list[ClassCurve]:
    """Sets of the most important units of every class; for some classes of every size."""
    units = found.plan.stem.units
    whole = {number: orders[number] for number in work.with_curves(found.plan) if number in orders}
    others = {number: order for number, order in orders.items() if number not in whole}
    return [
        curve
        for some, sizes in ((whole, range(units + 1)), (others, (0, *sizes_below(units))))
        for curve in remove_sets(
            found.plan.stem,
            holding,
            work.batches,
            work.classes.numbers,
            some,
            sizes=sizes,
            grouping=work.classes.grouping,
        )
    ]


def _confusions(layer: str, curves: Sequence[ClassCurve], classes: ImageClasses) -> Columns:
    """What images of each class are taken for without its most important units."""
    rows = [
        (layer, classes.names[curve.output], units, classes.taken_names[taken], int(curve.confused[place, taken]))
        for curve in curves
        for units in CONFUSED_AFTER
        if units in curve.sizes
        for place in (curve.sizes.index(units),)
        for taken in np.flatnonzero(curve.confused[place]).tolist()
    ]
    names = [column.name for column in CONFUSIONS.columns]
    return {name: np.array([row[place] for row in rows], dtype=object) for place, name in enumerate(names)}


def _detectors(
    work: _Work, layer: str, found: UnitRemovals, orders: Mapping[int, npt.NDArray[np.intp]]
) -> Iterator[Columns]:
    """Units as detectors: of their label, of the class that they tell best, and of classes they matter most to."""
    seen = work.readable
    peaks = Peaks(found.peaks[seen])
    numbers = work.classes.numbers[seen]
    best_area = np.full(found.peaks.shape[1], -np.inf)
    best: npt.NDArray[np.int64] = np.full(found.peaks.shape[1], -1, dtype=np.int64)
    of_classes = {}
    for number, name in work.classes.names.items():
        if 0 < (numbers == number).sum() < len(numbers):
            separation = peaks.separation(numbers == number)
            of_classes[number] = tables.detectors(layer, "class", name, separation, found.correlation[:, number])
            better = separation.area > best_area
            best_area[better], best[better] = separation.area[better], number
    for number, columns in of_classes.items():
        told = best == number
        told[orders.get(number, np.empty(0, dtype=np.intp))[:DETECTORS_EACH]] = True
        yield {name: values[told] for name, values in columns.items()}
    units = work.run.table("units")
    labels = units[units["layer"] == layer].sort_values("unit")["concept"].to_numpy(dtype=object)
    covered = _covered(work)
    for concept in sorted({label for label in labels if isinstance(label, str)}):
        images = covered[seen, work.setting.vocabulary.keys.index(concept)]
        if 0 < images.sum() < len(images):
            columns = tables.detectors(layer, "concept", concept, peaks.separation(images))
            yield {name: values[labels == concept] for name, values in columns.items()}


def _covered(work: _Work) -> npt.NDArray[np.bool_]:
    """Whether each concept covers more than a part of each image `(image, concept)`."""
    covered: npt.NDArray[np.bool_] = work.labels.areas > COVERED * work.setting.positions
    return covered


def _class_rows(run: Run, found: UnitRemovals, classes: ImageClasses) -> Columns:
    """The table of classes, with rows for the splits, and with the classes that an ablation adds."""
    names = [column.name for column in CLASSES.columns]
    rows = {
        (name, split): [name, split, *_figures(*counts)]
        for number, name in classes.names.items()
        for split, counts in _splits(found, number)
    }
    if run.has("classes"):
        earlier = run.table("classes").astype(object)
        known = {(row["class"], row["split"]): [row[name] for name in names] for row in earlier.to_dict("records")}
        rows = rows | known if classes.kind == "predicted" else known | rows
    ordered = sorted(rows.items(), key=lambda item: (item[0][0], ("all", "ranking", "reporting").index(item[0][1])))
    return {
        name: np.array([_known(row[place]) for _, row in ordered], dtype=object) for place, name in enumerate(names)
    }


def _known(value: Any) -> Any:  # noqa: ANN401 - any value of a table
    """None for what is missing in a frame."""
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN


def _splits(found: UnitRemovals, number: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
    """Images in all, of the class, taken for it and right, of each split and of both together."""
    of = {
        split: (one.total, int(one.images[number]), int(one.taken[number]), int(one.right[number]))
        for split, one in found.original.items()
    }
    total, images, taken, right = (sum(values) for values in zip(*of.values(), strict=True))
    return iter([("all", (total, images, taken, right)), *of.items()])


def _figures(total: int, images: int, taken: int, right: int) -> list[int | float | None]:
    """What the table of classes tells beside names, of these counts."""
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
