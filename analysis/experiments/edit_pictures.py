"""Pictures of what was done to a generator's images: without a concept's units, and with them forced on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis import schema
from dissectory.analysis.editing.generator import forced, without
from dissectory.analysis.pictures.sprites import thumbnail
from dissectory.analysis.pictures.strips import difference, write_strip
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.editing.generator import Cells, EditedGenerator, Ranking
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

SIZES = (0, 2, 4, 8, 20)
"""How many units are removed from one picture to the next; areas are measured for these numbers among others."""

SHOWN = 5
"""Images shown of each concept."""


def rows_of_concepts(setting: Setting) -> list[int]:
    """The row of each concept of the vocabulary in the table concepts, which is sorted by name."""
    keys = setting.vocabulary.keys
    order = sorted(range(len(keys)), key=lambda number: keys[number])
    rows: list[int] = np.argsort(order).tolist()
    return rows


@dataclass(frozen=True, slots=True)
class Pictured:
    """Some images, and the areas `(image,)` of a concept in them for each number of its units that were removed."""

    images: Sequence[int]
    areas: Mapping[int, npt.NDArray[np.integer]]


def draw_removals(
    run: Run, setting: Setting, generator: EditedGenerator, ranking: Ranking, found: Mapping[int, Pictured]
) -> None:
    """Draw images without more and more units of each concept, those in which its area was largest."""
    layout, row_of, rows = Pictures(), rows_of_concepts(setting), []
    for concept, one in found.items():
        if not one.images:
            continue
        places = np.argsort(-one.areas[0], kind="stable")[:SHOWN].tolist()
        images = [one.images[place] for place in places]
        batch, point = generator.draw(images)
        seeds, columns = [generator.images.seeds[image] for image in images], []
        for size, area in one.areas.items():
            views = generator.redraw(batch, point, without(point.output, ranking.order[concept][:size])).views
            columns.append([thumbnail(view, layout.tile) for view in views])
            rows += [
                (ranking.layer, setting.vocabulary.keys[concept], rank, size, seeds[rank], area[place])
                for rank, place in enumerate(places)
            ]
        write_strip(run, Pictures.ablation(row_of[concept]), list(zip(*columns, strict=True)), len(one.areas))
    _write(run, schema.ABLATION_PICTURES, rows)


@dataclass(frozen=True, slots=True)
class Insertion:
    """One place where a concept's units were forced on: what stood there, or -1, and how many positions appeared."""

    image: int
    context: int
    added: int


@dataclass(frozen=True, slots=True)
class Forced:
    """Where a concept's `units` `(unit,)` were forced on: a cell of each image `(image,)`, and what was found there."""

    units: Cells
    rows: Cells
    columns: Cells
    found: list[Insertion] = field(default_factory=list)


def choose_insertions(found: Iterable[Insertion], colors: npt.NDArray[np.bool_]) -> list[Insertion]:
    """Choose the place of each context at which most appeared, of those the ones with most, of different images.

    Colors are no contexts where anything has another name.

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


def draw_insertions(
    run: Run, setting: Setting, generator: EditedGenerator, ranking: Ranking, places: Mapping[int, Forced]
) -> None:
    """Draw some places of each concept before and after its units were forced on there, and the difference."""
    layout, row_of, rows = Pictures(), rows_of_concepts(setting), []
    colors = np.array([concept.category == "color" for concept in setting.vocabulary.concepts])
    keys = (*setting.vocabulary.keys, schema.NO_CONTEXT)
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
        write_strip(run, Pictures.insertion(row_of[concept]), strip, len(strip[0]))
        for rank, (place, *cell) in enumerate(zip(chosen, y, x, strict=True)):
            seed = generator.images.seeds[place.image]
            rows.append((ranking.layer, keys[concept], rank, seed, *cell, keys[place.context], place.added))
    _write(run, schema.INSERTION_PICTURES, rows)


def _write(run: Run, table: schema.Table, rows: Sequence[tuple[object, ...]]) -> None:
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})
