"""Ablation in a generator: the units that fit a concept best are removed; what vanishes from its images?

As in Bau et al. 2020 ('Ablation in a GAN'): areas of the concept, and of every other one, against the same images
unchanged, with 99 % intervals; beside it the same with as many units taken at random. Units are ranked by IoU and,
where it was measured, by the information quality ratio. The images are those, of many that are drawn, that show the
concept: from others there is nothing to remove.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis import schema
from dissectory.analysis.experiments import edit_pictures
from dissectory.analysis.experiments.edit_pictures import Pictured, draw_removals
from dissectory.analysis.experiments.editing import EditedGenerator, further_images, in_turn, rank_units, without
from dissectory.analysis.tally.changes import change_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.experiments.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import AblationSection
    from dissectory.progress import Progress

    Areas = npt.NDArray[np.int32]
    Order = npt.NDArray[np.intp]

Keep = Callable[[str, Mapping[str, str]], "Shards"]
"""Opens what is kept of a part of the work while a run goes on, by its kind and what it depends on."""

SIZES = (0, 1, 2, 4, 8, 12, 16, 20, 30)
"""How many units are removed, as far as the layer has so many."""


RANDOM = "random"
"""Stands for the order in which units are taken at random where others stand for scores."""


def ablate_generator(
    run: Run, setting: Setting, section: AblationSection, layer: str, *, keep: Keep, progress: Progress
) -> None:
    """Remove units of a layer, measure, and write the table; where that was begun before, it is gone on with."""
    rankings = {score: rank_units(run, setting, layer, score) for score in _scores(setting)}
    generator = EditedGenerator(setting, layer, further_images(setting, section.among))
    before = _areas(generator, keep("drawn", {"[ablation]": json.dumps([layer, len(generator)])}), setting, progress)
    concepts = rankings["iou"].concepts(section.concepts)
    chosen = {concept: np.flatnonzero(before[:, concept])[: section.images].tolist() for concept in concepts}
    rows, pictured = [], {}
    with progress.stage("Removing units", sum(map(len, chosen.values())), "images") as advance:
        for concept, images in chosen.items():
            orders = {score: ranking.order[concept] for score, ranking in rankings.items()}
            removal = _Removal.of(orders, abs(setting.study.seed), concept)
            areas = removal.areas(generator, images, keep, advance)
            rows += [
                _rows(setting.vocabulary.keys, (concept, score, size), areas, len(generator))
                for score in rankings
                for size in removal.sizes
            ]
            own = {size: areas["iou", size][:, concept] for size in edit_pictures.SIZES if size in removal.sizes}
            pictured[concept] = Pictured(images, own)
    _write(run, layer, rows)
    draw_removals(run, setting, generator, rankings["iou"], pictured)


def _scores(setting: Setting) -> tuple[str, ...]:
    """By what units are ranked."""
    return ("iou", "iqr") if setting.study.dissection.information_ratio else ("iou",)


def _areas(generator: EditedGenerator, shards: Shards, setting: Setting, progress: Progress) -> Areas:
    """Areas `(image, concept)` of all images as they are."""
    groups = list(in_turn(len(generator), setting.study.compute.batch))
    missing = shards.missing(len(groups))
    done = len(generator) - sum(len(groups[number]) for number in missing)
    with progress.stage("Drawing other images", len(generator), "images", done=done) as advance:
        for number in missing:
            drawn = generator.drawn_of(groups[number])
            shards.write(number, number + 1, {"areas": generator.areas(drawn.labels).astype(np.int32)})
            advance(len(drawn))
    return np.concatenate([shard.read("areas") for shard in shards])


@dataclass(frozen=True, slots=True)
class _Removal:
    """The removal of a concept's units: in several orders, each of the `sizes` first ones."""

    concept: int
    orders: Mapping[str, Order]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, orders: Mapping[str, Order], seed: int, concept: int) -> _Removal:
        """Remove units in the orders of scores, and at random, of each concept at another."""
        units = len(next(iter(orders.values())))
        random = np.random.default_rng([seed, concept]).permutation(units)
        return cls(concept, {**orders, RANDOM: random}, tuple(size for size in SIZES if size <= units))

    @property
    def sets(self) -> dict[tuple[int, ...], list[tuple[str, int]]]:
        """Each set of units that is removed, once, and for which orders and sizes that is."""
        found: dict[tuple[int, ...], list[tuple[str, int]]] = {}
        for score, order in self.orders.items():
            for size in self.sizes:
                found.setdefault(tuple(sorted(order[:size].tolist())), []).append((score, size))
        return found

    def areas(
        self, generator: EditedGenerator, images: Sequence[int], keep: Keep, advance: Callable[[int], None]
    ) -> dict[tuple[str, int], Areas]:
        """Areas `(image, concept)` of some images for each order and size; measured, if that is not done yet."""
        asked = json.dumps([generator.layer, self.concept, list(images), list(self.sets)])
        shards = keep("removed", {"[ablation]": hashlib.sha256(asked.encode()).hexdigest()})
        if not len(shards):
            shards.write(0, 1, {"areas": self._measured(generator, images, advance)})
        else:
            advance(len(images))
        (shard,) = shards
        areas = shard.read("areas")
        return {key: areas[place] for place, keys in enumerate(self.sets.values()) for key in keys}

    def _measured(self, generator: EditedGenerator, images: Sequence[int], advance: Callable[[int], None]) -> Areas:
        """Areas `(set, image, concept)`."""
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
    keys: Sequence[str], removed: tuple[int, str, int], areas: Mapping[tuple[str, int], Areas], drawn: int
) -> dict[str, npt.NDArray[Any]]:
    """The rows of one set: of the concept that it was removed for, and of each that was or came to be there."""
    concept, score, size = removed
    before, after, random = areas[score, 0], areas[score, size], areas[RANDOM, size]
    there = np.union1d(np.flatnonzero((before + after + random).any(axis=0)), [concept])
    before, after, random = before[:, there], after[:, there], random[:, there]
    change, control = change_of(before, after), change_of(before, random)
    return {
        "concept": np.full(len(there), keys[concept], dtype=object),
        "ranking": np.full(len(there), score, dtype=object),
        "units": np.full(len(there), size),
        "measured": np.array(keys, dtype=object)[there],
        "drawn": np.full(len(there), drawn),
        "images": np.full(len(there), len(before)),
        "pixels": after.sum(axis=0),
        "baseline": before.sum(axis=0),
        "change": change.share,
        "low": change.low,
        "high": change.high,
        "random_pixels": random.sum(axis=0),
        "random_change": control.share,
        "random_low": control.low,
        "random_high": control.high,
    }


def _write(run: Run, layer: str, rows: Sequence[Mapping[str, npt.NDArray[Any]]]) -> None:
    columns: dict[str, Any] = {
        column.name: np.concatenate([row[column.name] for row in rows]) if rows else []
        for column in schema.GENERATOR_ABLATIONS.columns[1:]
    }
    names = np.full(len(columns["units"]), layer, dtype=object)
    run.write_table(schema.GENERATOR_ABLATIONS, {"layer": names, **columns})
