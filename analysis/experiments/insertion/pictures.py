"""The pictures of an insertion: images before and after a concept's units are forced on, and their differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.editing.changes import forced
from dissectory.analysis.editing.pictures import SHOWN, rows_of_concepts, write_rows
from dissectory.analysis.experiments.insertion.paths import insertion
from dissectory.analysis.experiments.insertion.tables import INSERTION_PICTURES, NO_CONTEXT
from dissectory.analysis.pictures.sprites import thumbnail
from dissectory.analysis.pictures.strips import difference, write_strip
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from dissectory.analysis.editing.changes import Cells
    from dissectory.analysis.editing.generator import EditedGenerator
    from dissectory.analysis.editing.ranking import Ranking
    from dissectory.analysis.experiments.bench import Bench


@dataclass(frozen=True, slots=True)
class Insertion:
    """The result of forcing a concept's units on at one cell of an image, for one context.

    `context` is a concept that the image showed at the cell before, or -1 if there was none; `added` counts the grid
    positions of the whole image at which the inserted concept appeared.
    """

    image: int
    context: int
    added: int


@dataclass(frozen=True, slots=True)
class Forced:
    """Where a concept's `units` `(unit,)` are forced on, and the results.

    `rows` and `columns` `(image,)` give the cell in each image.
    """

    units: Cells
    rows: Cells
    columns: Cells
    found: list[Insertion] = field(default_factory=list)


def choose_insertions(found: Iterable[Insertion], colors: npt.NDArray[np.bool_]) -> list[Insertion]:
    """Choose the insertions to show: those with the most added positions, of different images and different contexts.

    Colors do not count as contexts, unless all concepts are colors.

    >>> places = [Insertion(0, 1, 5), Insertion(1, 1, 9), Insertion(2, -1, 7), Insertion(3, 0, 0), Insertion(2, 2, 7)]
    >>> [place.image for place in choose_insertions(places, np.array([False, False, True]))]
    [1, 2]
    """
    places = [place for place in found if place.added]
    if not colors.all():
        places = [place for place in places if place.context < 0 or not colors[place.context]]
    chosen: list[Insertion] = []
    for place in sorted(places, key=lambda place: (-place.added, place.image, place.context)):
        if all(place.image != other.image and place.context != other.context for other in chosen):
            chosen.append(place)
    return chosen[:SHOWN]


def draw_insertions(bench: Bench, generator: EditedGenerator, ranking: Ranking, places: Mapping[int, Forced]) -> None:
    """Draw some insertions of each concept: before, after, and the difference."""
    run, setting = bench.run, bench.setting
    layout, row_of, rows = Pictures(), rows_of_concepts(setting), []
    colors = np.array([concept.category == "color" for concept in setting.vocabulary.concepts])
    keys = (*setting.vocabulary.keys, NO_CONTEXT)
    for concept, one in places.items():
        chosen = choose_insertions(one.found, colors)
        if not chosen:
            continue
        images = [place.image for place in chosen]
        y, x = one.rows[images], one.columns[images]
        batch, point = generator.draw(images)
        output = forced(point.output, one.units, ranking.levels[one.units], y, x)
        after = generator.redraw(batch, point, output).views
        strip = [
            [thumbnail(view, layout.tile) for view in (was, now, difference(was, now, layout.amplified))]
            for was, now in zip(batch.views, after, strict=True)
        ]
        write_strip(run, insertion(row_of[concept]), strip, len(strip[0]))
        for rank, (place, *cell) in enumerate(zip(chosen, y, x, strict=True)):
            seed = generator.images.seeds[place.image]
            rows.append((ranking.layer, keys[concept], rank, seed, *cell, keys[place.context], place.added))
    write_rows(run, INSERTION_PICTURES, rows)
