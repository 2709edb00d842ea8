"""The ablation of a classifier: every unit removed by itself, sets of units, and units as detectors of classes.

Bau et al. 2020, 'Understanding the role of individual units in a deep neural network'.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.experiments.class_ablation import columns as tables
from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
from dissectory.analysis.experiments.class_ablation.classes import ImageClasses, check_classes, classes_of
from dissectory.analysis.experiments.class_ablation.detectors import class_detectors, concept_detectors
from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.removals import LayerRemovals
from dissectory.analysis.experiments.class_ablation.sets import remove_random_sets, remove_sets, sizes_below
from dissectory.analysis.experiments.class_ablation.switch_writer import SwitchWriter
from dissectory.analysis.experiments.class_ablation.units import UnitRemovals, remove_units
from dissectory.analysis.experiments.experiment import Addition
from dissectory.analysis.measuring.label_maps import COVERED
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.run import Ablation
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tally.outcomes import halves
from dissectory.analysis.tally.separation import Peaks
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.class_ablation.columns import Columns
    from dissectory.analysis.experiments.class_ablation.declare import ClassAblationSection
    from dissectory.analysis.experiments.class_ablation.plan import Plan
    from dissectory.analysis.experiments.class_ablation.sets import RandomSets
    from dissectory.analysis.measuring.setting import Setting

FEW_CLASSES = 16
"""The most classes whose curves have every size by default; the study can name the classes instead."""


def check(setting: Setting, section: ClassAblationSection) -> None:
    """Check that the study has the layers, and that images will have classes.

    Raises:
        StudyError: the study does not have a layer, or images will have no classes.
    """
    for layer in section.layers:
        setting.check_layer("ablation.layers", layer)
    check_classes(setting, section)


def run(bench: Bench, section: ClassAblationSection) -> Addition:
    """Ablate units, measure, and write the tables and the switchboards.

    Returns:
        How the units of each layer were removed, for the manifest.

    Raises:
        StudyError: a class whose curve is wanted has no images.
        SubjectError: the output of the network is not one row of scores for each image.
    """
    setting, work = bench.setting, _Work.of(bench, section)
    found: dict[str, list[Columns]] = defaultdict(list)
    done: list[Ablation] = []
    writer = SwitchWriter(bench.run, work.classes)
    for layer in section.layers or (setting.layers[-1].name,):
        with bench.progress.stage(f"Removing the units of {layer}", len(work.readable), "images") as advance:
            plan = work.plan(layer)
            cache = FeatureCache(plan.tail, work.images, setting.study.compute.memory_gb * 2**30)
            removals = work.remove(plan, cache, advance)
            sizes = (0, *sizes_below(plan.tail.units))
            random = remove_random_sets(cache, sizes, setting.study.seed, section.random_sets)
            for name, columns in work.columns(layer, removals, random):
                found[name].append(columns)
            if not done:
                found["classes"].append(tables.class_rows(bench.run, removals.units, work.classes))
            writer.add(layer, removals, cache.batches(), megabytes=section.switch_mb)
            done.append(_ablation(layer, removals.units, work.classes))
    writer.write(setting.images.view)
    for name, parts in found.items():
        table = all_tables()[name]
        columns = {column.name: np.concatenate([part[column.name] for part in parts]) for column in table.columns}
        bench.run.write_table(table, columns)
    return Addition(ablations=tuple(done))


@dataclass(frozen=True, slots=True)
class _Work:
    """What all layers have in common; `readable` are the numbers of the images that could be read."""

    bench: Bench
    section: ClassAblationSection
    classes: ImageClasses
    images: SplitImages
    readable: npt.NDArray[np.intp]

    @classmethod
    def of(cls, bench: Bench, section: ClassAblationSection) -> _Work:
        """Find the classes of the images, and split the images."""
        setting, labels = bench.setting, bench.record.labels
        classes = classes_of(setting, section, bench.record.predictions)
        readable = np.where(labels.sizes[:, 0] > 0, classes.numbers, -1)
        ranking = halves(readable, setting.study.seed, section.ranking_share)
        images = SplitImages(partial(_batches, setting), classes.numbers, ranking, classes.grouping)
        return cls(bench, section, classes, images, labels.readable)

    def plan(self, layer: str) -> Plan:
        """Choose how to remove the units of a layer, by the first images."""
        _, inputs = next(iter(self.images.batches()))
        example = inputs[:2]
        return plan_removal(find_rest(self.bench.setting.model.module, layer, example), example)

    def remove(self, plan: Plan, cache: FeatureCache, advance: Callable[[int], None]) -> LayerRemovals:
        """Remove each unit of a layer, and sets of the most important units of every class."""
        units = remove_units(plan, self.images, cache=cache, advance=advance)
        ranked = [number for number in self.classes.names if units.original["ranking"].images[number]]
        orders = {number: units.order(number) for number in ranked}
        whole = {number: orders[number] for number in self._with_whole_curves(plan) if number in orders}
        others = {number: order for number, order in orders.items() if number not in whole}
        count = plan.tail.units
        curves = remove_sets(cache, whole, range(count + 1)) + remove_sets(cache, others, (0, *sizes_below(count)))
        return LayerRemovals(units, orders, curves)

    def _with_whole_curves(self, plan: Plan) -> list[int]:
        """Return the numbers of the classes whose curves have every size."""
        names, wanted = self.classes.names, self.section.curves
        if wanted is None:
            return list(names) if len(names) <= FEW_CLASSES and plan.tail.head is not None else []
        numbers = {name: number for number, name in names.items()}
        for name in wanted:
            if name not in numbers:
                raise StudyError(
                    f"ablation.curves names '{name}', which is not a class with images; {nearest(name, list(numbers))}"
                )
        return [numbers[name] for name in wanted]

    def columns(self, layer: str, removals: LayerRemovals, random: RandomSets) -> Iterator[tuple[str, Columns]]:
        """Make the columns of a layer for each table."""
        units, names = removals.units, self.classes.names
        yield "unit_ablations", tables.unit_ablations(layer, units, names)
        yield "unit_importance", tables.unit_importance(layer, units, names)
        if removals.curves:
            yield "ablation_curves", tables.ablation_curves(layer, removals.curves, random, names)
            yield "confusions", tables.confusions(layer, removals.curves, self.classes)
        for columns in self._detectors(layer, removals):
            yield "detectors", columns

    def _detectors(self, layer: str, removals: LayerRemovals) -> Iterator[Columns]:
        """Measure the units as detectors, on the images that could be read."""
        setting, seen = self.bench.setting, self.readable
        peaks = Peaks(removals.units.peaks[seen])
        yield from class_detectors(layer, peaks, removals, self.classes.numbers[seen], self.classes.names)
        units = self.bench.run.table("units")
        labels = units[units["layer"] == layer].sort_values("unit")["concept"].to_numpy(dtype=object)
        covered = self.bench.record.labels.areas[seen] > COVERED * setting.positions
        yield from concept_detectors(layer, peaks, labels, covered, setting.vocabulary.keys)


def _batches(setting: Setting) -> Iterator[tuple[npt.NDArray[np.integer[Any]], Tensor]]:
    """Go over the images: the numbers of each batch, and the network's inputs."""
    compute, images = setting.study.compute, setting.images
    assert isinstance(images, ImageFolder)  # noqa: S101 - a classifier's study has images
    for batch in images.batches(batches(len(images), compute.batch), compute.workers):
        if len(batch):
            yield np.array(batch.images), setting.inputs(batch)[0]


def _ablation(layer: str, units: UnitRemovals, classes: ImageClasses) -> Ablation:
    """Describe how the units of a layer were removed."""
    ranking, reporting = (units.original[split].total for split in ("ranking", "reporting"))
    return Ablation(layer, units.plan.mode, units.plan.why, classes.kind, int(ranking), int(reporting))
