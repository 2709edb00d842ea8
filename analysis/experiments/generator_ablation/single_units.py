"""Ablation of single units of a generator: what vanishes from its images without each unit, with pictures.

Areas are measured as in `work`, on images from the seeds that follow the study's own seeds. The pictures show the
study's own images, the first of each unit's top images.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dissectory.analysis.editing.generator import EditedGenerator, further_images, in_turn
from dissectory.analysis.editing.ranking import rank_units
from dissectory.analysis.experiments.generator_ablation import paths
from dissectory.analysis.experiments.generator_ablation.tables import UNIT_EFFECTS
from dissectory.analysis.pictures.sprites import thumbnail
from dissectory.analysis.pictures.strips import difference, write_strip
from dissectory.analysis.run import Pictures
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.tally.changes import Sample, change_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.editing.generator import GeneratedBatch
    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench, Keeper
    from dissectory.analysis.experiments.generator_ablation.declare import AblationSection
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress

    Areas = npt.NDArray[np.int64]
    Picture = npt.NDArray[np.uint8]
    Rows = dict[str, npt.NDArray[Any]]

NAMED, COLORS = 4, 2
"""How many of the most changed concepts are kept for each unit: concepts that are not colors, and colors."""


def remove_single_units(bench: Bench, section: AblationSection, layer: str, keeper: Keeper) -> None:
    """Ablate each unit of the layer alone: measure what changes, and generate pictures."""
    if section.single_images:
        ranking = rank_units(bench.run, bench.setting, layer)
        shards = keeper.open("alone", {"[ablation]": json.dumps([layer, section.single_images])})
        _measure(bench, ranking, section.single_images, shards)
        _draw(bench.run, bench.setting, layer, bench.progress)


def _measure(bench: Bench, ranking: Ranking, images: int, shards: Shards) -> None:
    """Measure the areas without each unit on some images, and write the table of changes."""
    run, setting = bench.run, bench.setting
    generator = EditedGenerator(setting, ranking.layer, further_images(setting, images))
    drawn = list(generator.drawn())
    before = np.concatenate([generator.areas(batch.labels) for batch in drawn])
    units = ranking.order.shape[1]
    groups = list(in_turn(units, max(1, setting.study.compute.batch // images)))
    missing = shards.missing(len(groups))
    done = units - sum(len(groups[number]) for number in missing)
    with bench.progress.stage("Ablating each unit", units, "units", done=done) as advance:
        for number in missing:
            areas = np.concatenate([_areas_without(generator, batch, groups[number]) for batch in drawn], axis=1)
            shards.write(number, number + 1, {"areas": areas.astype(np.int32)})
            advance(len(groups[number]))
    own, colors, rows = _labels_of(run, setting, ranking.layer), _colors(setting), []
    after = (areas for shard in shards for areas in shard.read("areas"))
    for unit, areas in enumerate(after):
        kept = most_changed((areas - before).sum(axis=0), colors, own.get(unit))
        rows.append(_rows(setting.vocabulary.keys, unit, kept, before, areas))
    columns: Rows = {
        column.name: np.concatenate([row[column.name] for row in rows]) for column in UNIT_EFFECTS.columns[1:]
    }
    layer = np.full(len(columns["unit"]), ranking.layer, dtype=object)
    run.write_table(UNIT_EFFECTS, {"layer": layer, **columns})


def _areas_without(generator: EditedGenerator, drawn: GeneratedBatch, units: Sequence[int]) -> Areas:
    """Measure the areas `(unit, image, concept)` with each of the units ablated alone."""
    wide = drawn.of([*range(len(drawn))] * len(units))
    output = wide.point.output.clone()
    for place, unit in enumerate(units):
        output[place * len(drawn) : (place + 1) * len(drawn), unit] = 0
    areas = generator.areas(generator.changed(wide, output))
    return areas.reshape(len(units), len(drawn), -1)


def _labels_of(run: Run, setting: Setting, layer: str) -> Mapping[int, int]:
    """Return the label of each unit that has one, as the concept's index in the vocabulary."""
    table = run.table("units")
    table = table[(table["layer"] == layer) & table["concept"].notna()]
    place = {name: number for number, name in enumerate(setting.vocabulary.keys)}
    return dict(zip(table["unit"].tolist(), table["concept"].astype(str).map(place).tolist(), strict=True))


def _colors(setting: Setting) -> npt.NDArray[np.bool_]:
    return np.array([concept.category == "color" for concept in setting.vocabulary.concepts])


def most_changed(change: Areas, colors: npt.NDArray[np.bool_], own: int | None) -> npt.NDArray[np.intp]:
    """Choose the concepts with the largest changes `(concept,)`, in grid positions, and the unit's `own` label.

    >>> most_changed(np.array([0, -3, 9, 2, 0, 5, 1, 7]), np.arange(8) == 7, own=0)
    array([0, 1, 2, 3, 5, 7])
    """
    ranked = np.argsort(-np.abs(change), kind="stable")
    ranked = ranked[change[ranked] != 0]
    kept = [*ranked[~colors[ranked]][:NAMED], *ranked[colors[ranked]][:COLORS], *([] if own is None else [own])]
    return np.unique(np.array(kept, dtype=np.intp))


def _rows(keys: Sequence[str], unit: int, kept: npt.NDArray[np.intp], before: Areas, after: Areas) -> Rows:
    change = change_of(Sample(before[:, kept], after[:, kept]))
    return {
        "unit": np.full(len(kept), unit),
        "concept": np.array(keys, dtype=object)[kept],
        "images": np.full(len(kept), len(before)),
        "pixels": after[:, kept].sum(axis=0),
        "baseline": before[:, kept].sum(axis=0),
        "change": change.share,
        "low": change.low,
        "high": change.high,
    }


def _draw(run: Run, setting: Setting, layer: str, progress: Progress) -> None:
    """Draw the first of each unit's top images, generated without the unit, and the differences: a strip for a unit."""
    assert isinstance(setting.images, Latents)  # noqa: S101 - a generator's images are latents
    generator, layout = EditedGenerator(setting, layer, setting.images), Pictures()
    table = run.table("unit_images")
    table = table[(table["layer"] == layer) & (table["rank"] < layout.without_tiles)]
    table = table.sort_values(["image", "unit", "rank"])  # an image of several units is generated once
    units, ranks, images = (table[name].to_numpy() for name in ("unit", "rank", "image"))
    (index,) = (info.index for info in setting.layers if info.name == layer)
    tiles: dict[int, dict[int, tuple[Picture, Picture]]] = defaultdict(dict)
    with progress.stage("Drawing ablations", len(units), "images") as advance:
        for places in in_turn(len(units), setting.study.compute.batch):
            batch, point = generator.draw(images[places].tolist())
            output = point.output.clone()
            output[torch.arange(len(places)), torch.from_numpy(units[places])] = 0
            after = generator.redraw(batch, point, output).views
            for unit, rank, was, now in zip(units[places], ranks[places], batch.views, after, strict=True):
                apart = difference(was, now, layout.amplified)
                tiles[unit][rank] = (thumbnail(now, layout.tile), thumbnail(apart, layout.tile))
            advance(len(places))
    for unit, of_ranks in tiles.items():
        rows = list(zip(*(of_ranks[rank] for rank in sorted(of_ranks)), strict=True))
        write_strip(run, paths.without(index, unit), rows, layout.without_tiles)
