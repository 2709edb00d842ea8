"""Ablation in a generator: the units that match a concept best are ablated; what vanishes from its images?

As in Bau et al. 2020 ('Ablation in a GAN'), the areas of the concept, and of every other concept, are compared with the
areas in the same images before the ablation, with 99 % intervals; random units are ablated for comparison. Units are
ranked by IoU and, if it was measured, by the information quality ratio. Many images are generated, and units are
ablated in some that show the concept and in as many that do not. Each of them represents all images of its kind, so
that even a rare concept is measured on enough images.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.editing.changes import without
from dissectory.analysis.editing.generator import EditedGenerator, further_images, in_turn
from dissectory.analysis.editing.ranking import rank_units
from dissectory.analysis.experiments.generator_ablation import pictures
from dissectory.analysis.experiments.generator_ablation.pictures import Pictured, draw_removals
from dissectory.analysis.experiments.generator_ablation.single_units import remove_single_units
from dissectory.analysis.experiments.generator_ablation.tables import GENERATOR_ABLATIONS
from dissectory.analysis.experiments.generator_ablation.trials import layer_to_remove_from
from dissectory.analysis.tally.changes import Sample, change_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.bench import Bench, Keeper
    from dissectory.analysis.experiments.generator_ablation.declare import AblationSection
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress

    Areas = npt.NDArray[np.int32]
    Order = npt.NDArray[np.intp]

SIZES = (0, 1, 2, 4, 8, 12, 16, 20, 30)
"""Numbers of units to ablate, up to the layer's number of units."""

RANDOM = "random"
"""The name of the random order of units, next to the names of scores."""


def check(setting: Setting, section: AblationSection) -> None:
    """Check that the layer is dissected.

    Raises:
        StudyError: the layer is not dissected.
    """
    setting.check_layer("ablation.layer", section.layer)


def run(bench: Bench, section: AblationSection) -> None:
    """Ablate sets of units, then single units, in the study's layer or else in the layer that trials choose."""
    layer = section.layer or layer_to_remove_from(bench)
    keeper = bench.keeper("ablation")
    ablate_sets(bench, section, layer, keeper)
    with bench.seconds.stage("single units"):
        remove_single_units(bench, section, layer, keeper)
    keeper.discard_others()


def ablate_sets(bench: Bench, section: AblationSection, layer: str, keeper: Keeper) -> None:
    """Ablate the best units of each concept, measure the areas, and write the table. An interrupted run resumes."""
    setting, progress = bench.setting, bench.progress
    rankings = {score: rank_units(bench.run, setting, layer, score) for score in _scores(setting)}
    generator = EditedGenerator(setting, layer, further_images(setting, section.among))
    shards = keeper.open("drawn", {"[ablation]": json.dumps([layer, len(generator)])})
    before = _areas(generator, shards, setting, progress)
    concepts = rankings["iou"].concepts(section.concepts)
    chosen = {concept: _kinds(before[:, concept], section.images) for concept in concepts}
    rows, pictured = [], {}
    total = sum(len(kind.images) for kinds in chosen.values() for kind in kinds)
    with progress.stage("Ablating units", total, "images") as advance:
        for concept, kinds in chosen.items():
            orders = {score: ranking.order[concept] for score, ranking in rankings.items()}
            removal = _ConceptRemoval.of(orders, abs(setting.study.seed), concept)
            areas = [removal.areas(generator, kind.images, keeper, advance) for kind in kinds]
            for score, size in itertools.product(rankings, removal.sizes):
                rows.append(_rows(setting.vocabulary.keys, (concept, score, size), kinds, areas))
            own = {size: areas[0]["iou", size][:, concept] for size in pictures.SIZES if size in removal.sizes}
            pictured[concept] = Pictured(kinds[0].images, own)
    _write(bench.run, layer, rows)
    draw_removals(bench, generator, rankings["iou"], pictured)


@dataclass(frozen=True, slots=True)
class _Kind:
    """The images in which units are ablated, out of `all` images that show a concept, or that do not show it."""

    images: list[int]
    all: int

    def sample(self, before: Areas, after: Areas) -> Sample:
        """Make a sample from the areas `(image, concept)` of these images before and after an edit."""
        return Sample(before, after, self.all)


def _kinds(areas: Areas, images: int) -> tuple[_Kind, _Kind]:
    """Choose the first images that show a concept, by its areas `(image,)`, and the first that do not show it.

    If no image shows the concept, none are chosen.
    """
    shows, not_shows = np.flatnonzero(areas).tolist(), np.flatnonzero(areas == 0).tolist()
    return _Kind(shows[:images], len(shows)), _Kind(not_shows[:images] if shows else [], len(not_shows))


def _scores(setting: Setting) -> tuple[str, ...]:
    """Return the scores by which units are ranked."""
    return ("iou", "iqr") if setting.study.dissection.information_ratio else ("iou",)


def _areas(generator: EditedGenerator, shards: Shards, setting: Setting, progress: Progress) -> Areas:
    """Measure the areas `(image, concept)` of all images before any edit."""
    groups = list(in_turn(len(generator), setting.study.compute.batch))
    missing = shards.missing(len(groups))
    done = len(generator) - sum(len(groups[number]) for number in missing)
    with progress.stage("Generating images", len(generator), "images", done=done) as advance:
        for number in missing:
            drawn = generator.drawn_of(groups[number])
            shards.write(number, number + 1, {"areas": generator.areas(drawn.labels).astype(np.int32)})
            advance(len(drawn))
    return np.concatenate([shard.read("areas") for shard in shards])


@dataclass(frozen=True, slots=True)
class _ConceptRemoval:
    """The ablation of a concept's units: the first units of several orders, in each of several `sizes`."""

    concept: int
    orders: Mapping[str, Order]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, orders: Mapping[str, Order], seed: int, concept: int) -> _ConceptRemoval:
        """Add a random order, which differs from concept to concept, to the orders of the scores."""
        units = len(next(iter(orders.values())))
        random = np.random.default_rng([seed, concept]).permutation(units)
        return cls(concept, {**orders, RANDOM: random}, tuple(size for size in SIZES if size <= units))

    @property
    def sets(self) -> dict[tuple[int, ...], list[tuple[str, int]]]:
        """The different sets of units, each with the orders and sizes that it belongs to."""
        found: dict[tuple[int, ...], list[tuple[str, int]]] = {}
        for score, order in self.orders.items():
            for size in self.sizes:
                found.setdefault(tuple(sorted(order[:size].tolist())), []).append((score, size))
        return found

    def areas(
        self, generator: EditedGenerator, images: Sequence[int], keeper: Keeper, advance: Callable[[int], None]
    ) -> dict[tuple[str, int], Areas]:
        """Return the areas `(image, concept)` of some images for each order and size.

        They are measured, or read from an interrupted run.
        """
        asked = json.dumps([generator.layer, self.concept, list(images), list(self.sets)])
        shards = keeper.open("removed", {"[ablation]": hashlib.sha256(asked.encode()).hexdigest()})
        if not len(shards):
            shards.write(0, 1, {"areas": self._measured(generator, images, advance)})
        else:
            advance(len(images))
        (shard,) = shards
        areas = shard.read("areas")
        return {key: areas[place] for place, keys in enumerate(self.sets.values()) for key in keys}

    def _measured(self, generator: EditedGenerator, images: Sequence[int], advance: Callable[[int], None]) -> Areas:
        """Measure the areas `(set, image, concept)`."""
        found: list[list[Areas]] = [[] for _ in self.sets]
        for drawn in generator.drawn(images):
            for of_set, units in zip(found, self.sets, strict=True):
                output = without(drawn.point.output, np.array(units, dtype=np.intp))
                labels = generator.changed(drawn, output) if units else drawn.labels
                of_set.append(generator.areas(labels).astype(np.int32))
            advance(len(drawn))
        nothing = np.empty((0, generator.concepts), dtype=np.int32)
        return np.stack([np.concatenate([nothing, *of_set]) for of_set in found])


def _rows(
    keys: Sequence[str],
    removed: tuple[int, str, int],
    kinds: tuple[_Kind, _Kind],
    areas: Sequence[Mapping[tuple[str, int], Areas]],
) -> dict[str, npt.NDArray[Any]]:
    """Make the rows of one set of units: for its own concept, and for each concept in any image, edited or not."""
    concept, score, size = removed
    paired = list(zip(kinds, areas, strict=True))
    change = change_of(*(kind.sample(of[score, 0], of[score, size]) for kind, of in paired))
    control = change_of(*(kind.sample(of[score, 0], of[RANDOM, size]) for kind, of in paired))
    there = np.union1d(np.flatnonzero(change.before + change.after + control.after), [concept])
    return {
        "concept": np.full(len(there), keys[concept], dtype=object),
        "ranking": np.full(len(there), score, dtype=object),
        "units": np.full(len(there), size),
        "measured": np.array(keys, dtype=object)[there],
        "drawn": np.full(len(there), sum(kind.all for kind in kinds)),
        "images": np.full(len(there), len(kinds[0].images)),
        "others": np.full(len(there), len(kinds[1].images)),
        "pixels": np.rint(change.after[there]).astype(np.int64),
        "baseline": np.rint(change.before[there]).astype(np.int64),
        "change": change.share[there],
        "low": change.low[there],
        "high": change.high[there],
        "random_pixels": np.rint(control.after[there]).astype(np.int64),
        "random_change": control.share[there],
        "random_low": control.low[there],
        "random_high": control.high[there],
    }


def _write(run: Run, layer: str, rows: Sequence[Mapping[str, npt.NDArray[Any]]]) -> None:
    columns: dict[str, Any] = {
        column.name: np.concatenate([row[column.name] for row in rows]) if rows else []
        for column in GENERATOR_ABLATIONS.columns[1:]
    }
    names = np.full(len(columns["units"]), layer, dtype=object)
    run.write_table(GENERATOR_ABLATIONS, {"layer": names, **columns})
