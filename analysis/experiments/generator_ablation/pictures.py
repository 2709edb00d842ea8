"""The pictures of an ablation: images with an increasing number of a concept's units ablated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.editing.changes import without
from dissectory.analysis.editing.pictures import SHOWN, rows_of_concepts, write_rows
from dissectory.analysis.experiments.generator_ablation.paths import ablation
from dissectory.analysis.experiments.generator_ablation.tables import ABLATION_PICTURES
from dissectory.analysis.pictures.sprites import thumbnail
from dissectory.analysis.pictures.strips import write_strip
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.editing.generator import EditedGenerator
    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench

SIZES = (0, 2, 4, 8, 20)
"""Numbers of ablated units that are shown; they are among the numbers for which areas are measured."""


@dataclass(frozen=True, slots=True)
class Pictured:
    """Some images, and the areas `(image,)` of a concept in them, by the number of its units that are ablated."""

    images: Sequence[int]
    areas: Mapping[int, npt.NDArray[np.integer]]


def draw_removals(bench: Bench, generator: EditedGenerator, ranking: Ranking, found: Mapping[int, Pictured]) -> None:
    """Draw the images with the largest areas of each concept, with an increasing number of its units ablated."""
    run, setting = bench.run, bench.setting
    layout, row_of, rows = Pictures(), rows_of_concepts(setting), []
    for concept, pictured in found.items():
        if not pictured.images:
            continue
        places = np.argsort(-pictured.areas[0], kind="stable")[:SHOWN].tolist()
        images = [pictured.images[place] for place in places]
        batch, point = generator.draw(images)
        seeds, columns = [generator.images.seeds[image] for image in images], []
        for size, area in pictured.areas.items():
            views = generator.redraw(batch, point, without(point.output, ranking.order[concept][:size])).views
            columns.append([thumbnail(view, layout.tile) for view in views])
            rows += [
                (ranking.layer, setting.vocabulary.keys[concept], rank, size, seeds[rank], area[place])
                for rank, place in enumerate(places)
            ]
        write_strip(run, ablation(row_of[concept]), list(zip(*columns, strict=True)), len(pictured.areas))
    write_rows(run, ABLATION_PICTURES, rows)
