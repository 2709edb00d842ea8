"""Insertion in a generator: the units of a concept are forced on at one cell; does the concept appear?

As in Bau et al. 2020 ('Insertion in a GAN'): in each image, the concept's best units are raised to their levels at one
random cell of the layer's map. The areas that appear are tallied by what the image showed there before.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.editing.changes import forced
from dissectory.analysis.editing.generator import EditedGenerator, further_images, in_turn
from dissectory.analysis.editing.ranking import rank_units
from dissectory.analysis.experiments.insertion.pictures import Forced, Insertion, draw_insertions
from dissectory.analysis.experiments.insertion.tables import INSERTIONS, NO_CONTEXT
from dissectory.analysis.experiments.paint.trials import best_layer_to_paint
from dissectory.analysis.tally.changes import mean_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from dissectory.analysis.editing.generator import GeneratedBatch, Labels
    from dissectory.analysis.experiments.bench import Bench, Keeper
    from dissectory.analysis.experiments.insertion.declare import InsertionSection
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run

    Cells = npt.NDArray[np.intp]


def check(setting: Setting, section: InsertionSection) -> None:
    """Check that the layer is dissected.

    Raises:
        StudyError: the layer is not dissected.
    """
    setting.check_layer("insertion.layer", section.layer)


def run(bench: Bench, section: InsertionSection) -> None:
    """Force units on in the study's layer or else in the layer in which the most concepts can be painted."""
    keeper = bench.keeper("insertion")
    insert_concepts(bench, section, section.layer or bench.once(best_layer_to_paint), keeper)
    keeper.discard_others()


def insert_concepts(bench: Bench, section: InsertionSection, layer: str, keeper: Keeper) -> None:
    """Force units of a layer on, measure what appears, and write the table. An interrupted run resumes."""
    run, setting = bench.run, bench.setting
    ranking = rank_units(run, setting, layer)
    info = next(info for info in setting.layers if info.name == layer)
    generator = EditedGenerator(setting, layer, further_images(setting, section.images))
    forcing = {
        concept: Forced(
            ranking.order[concept][: section.units],
            *np.divmod(places(section.images, info.height * info.width, setting.study.seed, concept), info.width),
        )
        for concept in ranking.concepts(section.concepts)
    }
    if not forcing:
        _write(run, setting, layer, forcing)
        return
    shards = keeper.open("inserted", {"[insertion]": _digest(layer, forcing, ranking.levels)})
    groups = list(in_turn(len(generator), setting.study.compute.batch))
    missing = shards.missing(len(groups))
    done = len(generator) - sum(len(groups[number]) for number in missing)
    with bench.progress.stage("Inserting concepts", len(generator), "images", done=done) as advance:
        for number in missing:
            drawn = generator.drawn_of(groups[number])
            found = [_force(generator, drawn, concept, at, ranking.levels) for concept, at in forcing.items()]
            came, contexts = (np.array(part) for part in zip(*found, strict=True))
            shards.write(number, number + 1, {"came": came, "contexts": contexts})
            advance(len(drawn))
    came, contexts = (_joined(shards, name) for name in ("came", "contexts"))
    for place, at in enumerate(forcing.values()):
        for image in range(len(generator)):
            carried = [int(label) - 1 for label in contexts[place, image] if label]
            at.found.extend(Insertion(image, context, int(came[place, image])) for context in carried or [-1])
    _write(run, setting, layer, forcing)
    draw_insertions(bench, generator, ranking, forcing)


def _joined(shards: Shards, name: str) -> npt.NDArray[np.integer]:
    """Read an array `(concept, image, ...)` from all shards."""
    return np.concatenate([shard.read(name) for shard in shards], axis=1)


def _digest(layer: str, forcing: Mapping[int, Forced], levels: npt.NDArray[np.float32]) -> str:
    """Hash everything that defines the insertions: layer, concepts, units, levels and cells."""
    total = hashlib.sha256(layer.encode())
    for concept, at in forcing.items():
        for part in (np.array(concept), at.units, levels[at.units], at.rows, at.columns):
            total.update(part.tobytes())
    return total.hexdigest()


def _force(
    generator: EditedGenerator, drawn: GeneratedBatch, concept: int, at: Forced, levels: npt.NDArray[np.float32]
) -> tuple[Cells, Labels]:
    """Force a concept's units on in a batch of images.

    Returns:
        The number of added positions in each image `(image,)`, and the labels at the cell before `(image, plane)`.
    """
    numbers = list(drawn.batch.images)
    rows, columns = at.rows[numbers], at.columns[numbers]
    output = forced(drawn.point.output, at.units, levels[at.units], rows, columns)
    came = _appeared(drawn.labels, generator.changed(drawn, output), concept)
    size = (output.shape[2], output.shape[3])
    positions = _middles(rows, columns, size, math.isqrt(drawn.labels.shape[1]))
    return came, drawn.labels[np.arange(len(drawn)), positions]


def places(images: int, cells: int, seed: int, concept: int) -> Cells:
    """Choose a random cell of the layer's map for each image `(image,)`, different for every concept."""
    return np.random.default_rng([abs(seed), concept]).integers(cells, size=images)


def _appeared(before: Labels, after: Labels, concept: int) -> Cells:
    """Count the positions of each image `(image,)` that carry a concept after an edit but not before."""
    was, now = ((labels == concept + 1).any(axis=2) for labels in (before, after))
    count: Cells = (now & ~was).sum(axis=1)
    return count


def _middles(rows: Cells, columns: Cells, size: tuple[int, int], grid: int) -> Cells:
    """Return the grid positions at the centers of cells of a map with `size` (height, width)."""
    height, width = size
    return (2 * rows + 1) * grid // (2 * height) * grid + (2 * columns + 1) * grid // (2 * width)


def _write(run: Run, setting: Setting, layer: str, forcing: Mapping[int, Forced]) -> None:
    added: dict[tuple[int, int], list[int]] = defaultdict(list)
    for concept, at in forcing.items():
        for insertion in at.found:
            added[concept, insertion.context].append(insertion.added)
    keys = (*setting.vocabulary.keys, NO_CONTEXT)
    means = [mean_of(np.array(values)) for values in added.values()]
    run.write_table(
        INSERTIONS,
        {
            "layer": [layer] * len(added),
            "concept": [keys[concept] for concept, _ in added],
            "context": [keys[context] for _, context in added],
            "locations": [len(values) for values in added.values()],
            "added_pixels": [sum(values) for values in added.values()],
            "added": [mean for mean, _, _ in means],
            "low": [max(low, 0.0) for _, low, _ in means],
            "high": [high for _, _, high in means],
        },
    )
