"""Insertion in a generator: the units of a concept are forced on at one place; does the concept appear?

As in Bau et al. 2020 ('Insertion in a GAN'): each image has one place, taken at random in the layer's map, where the
concept's best units are set to their thresholds. What appears is tallied by what the image showed there before.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis import schema
from dissectory.analysis.experiments.edit_pictures import Forced, Insertion, draw_insertions
from dissectory.analysis.experiments.editing import EditedGenerator, forced, further_images, rank_units
from dissectory.analysis.tally.changes import NINETY_NINE

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.experiments.editing import Labels
    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.study import InsertionSection
    from dissectory.progress import Progress

    Cells = npt.NDArray[np.intp]


def insert_concepts(run: Run, setting: Setting, section: InsertionSection, layer: str, progress: Progress) -> None:
    """Force units of a layer on, measure, and write the table."""
    ranking = rank_units(run, setting, layer)
    concepts = ranking.concepts(section.concepts)
    info = next(layer for layer in setting.layers if layer.name == ranking.layer)
    generator = EditedGenerator(setting, ranking.layer, further_images(setting, section.images))
    forcing = {
        concept: Forced(
            ranking.order[concept][: section.units],
            *np.divmod(places(section.images, info.height * info.width, setting.study.seed, concept), info.width),
        )
        for concept in concepts
    }
    added: dict[tuple[int, int], list[int]] = defaultdict(list)
    with progress.stage("Inserting concepts", len(generator), "images") as advance:
        for drawn in generator.drawn():
            numbers = list(drawn.batch.images)
            for concept, at in forcing.items():
                rows, columns = at.rows[numbers], at.columns[numbers]
                output = forced(drawn.point.output, at.units, ranking.thresholds[at.units], rows, columns)
                came = _appeared(drawn.labels, generator.changed(drawn, output), concept)
                positions = _middles(rows, columns, (info.height, info.width), setting.study.dissection.grid)
                for place, position in enumerate(positions):
                    carried = [int(label) - 1 for label in drawn.labels[place, position] if label]
                    for context in carried or [-1]:
                        added[concept, context].append(int(came[place]))
                        at.found.append(Insertion(numbers[place], context, int(came[place])))
            advance(len(numbers))
    _write(run, setting, ranking.layer, added)
    draw_insertions(run, setting, generator, ranking, forcing)


def places(images: int, cells: int, seed: int, concept: int) -> Cells:
    """Choose a cell of the layer's map for each image `(image,)`, of its own for every concept."""
    return np.random.default_rng([abs(seed), concept]).integers(cells, size=images)


def _appeared(before: Labels, after: Labels, concept: int) -> Cells:
    """How many positions of each image `(image,)` carry a concept that they did not carry before."""
    was, now = ((labels == concept + 1).any(axis=2) for labels in (before, after))
    count: Cells = (now & ~was).sum(axis=1)
    return count


def _middles(rows: Cells, columns: Cells, size: tuple[int, int], grid: int) -> Cells:
    """The positions of the grid under the middles of cells of a map."""
    height, width = size
    return (2 * rows + 1) * grid // (2 * height) * grid + (2 * columns + 1) * grid // (2 * width)


def _write(run: Run, setting: Setting, layer: str, added: dict[tuple[int, int], list[int]]) -> None:
    keys = (*setting.vocabulary.keys, schema.NO_CONTEXT)
    counts = list(added.values())
    means = np.array([np.mean(values) for values in counts])
    errors = np.array(
        [np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan for values in counts]
    )
    run.write_table(
        schema.INSERTIONS,
        {
            "layer": [layer] * len(added),
            "concept": [keys[concept] for concept, _ in added],
            "context": [keys[context] for _, context in added],
            "locations": [len(values) for values in counts],
            "added_pixels": [sum(values) for values in counts],
            "added": means,
            "low": means - NINETY_NINE * errors,
            "high": means + NINETY_NINE * errors,
        },
    )
