from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
import pytest
from labeling.given import Given

from dissectory.analysis.concepts.parts import HALVES, Parts
from dissectory.analysis.concepts.vocabulary import Concept, Vocabulary
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dissectory.analysis.concepts.vocabulary import Planes
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.tables.categories import Category

    Batch = Callable[..., ViewBatch]

Cell = tuple[int, int]


def concepts(source: str, *categories: Category) -> tuple[Concept, ...]:
    return tuple(Concept(f"c{place}", category, source) for place, category in enumerate(categories, start=1))


def piece_of(plane: Planes, start: Cell) -> set[Cell]:
    """Return all grid positions connected to `start` over sides and corners."""
    side = len(plane)
    found, todo = {start}, deque([start])
    while todo:
        row, column = todo.popleft()
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                cell = row + down, column + right
                inside = 0 <= cell[0] < side and 0 <= cell[1] < side
                if inside and cell not in found and plane[cell] == plane[start]:
                    found.add(cell)
                    todo.append(cell)
    return found


def slow(plane: Planes, cell: Cell) -> tuple[str, str]:
    """Return the two halves of a grid position from the definition: compare its center with the middle of the box."""
    piece = piece_of(plane, cell)
    rows, columns = [row for row, _ in piece], [column for _, column in piece]
    middle_row = (min(rows) + max(rows) + 1) / 2
    middle_column = (min(columns) + max(columns) + 1) / 2
    return "top" if cell[0] + 0.5 < middle_row else "bottom", "left" if cell[1] + 0.5 < middle_column else "right"


def test_against_the_definition(batch_of: Batch) -> None:
    rng = np.random.default_rng(3)
    # Blocks of several sizes make pieces with odd and even boxes that touch only at sides and corners.
    small = rng.integers(0, 4, (3, 2, 7, 7), dtype=np.uint16)
    first = Given("a", concepts("a", "object", "part", "object"), small.repeat(2, axis=2).repeat(2, axis=3))
    second = Given("b", concepts("b", "material"), np.ones((3, 1, 14, 14), dtype=np.uint16))
    third = Given("c", concepts("c", "object"), rng.integers(0, 2, (3, 1, 14, 14), dtype=np.uint16))
    parts = Parts([first, second, third])
    assert parts.planes == 6
    labels = parts.label(batch_of(np.zeros((3, 8, 8, 3))), [first.answer, second.answer, third.answer])
    assert labels.shape == (3, 6, 14, 14)
    names = ["", *(concept.name for concept in parts.concepts)]
    origins = [(first, 0), (first, 1), (third, 0)]
    for image, number, row, column in np.ndindex(3, 3, 14, 14):
        source, plane = origins[number]
        objects = source.answer[image, plane]
        found = [names[label] for label in labels[image, 2 * number : 2 * number + 2, row, column]]
        label = objects[row, column]
        concept = source.concepts[label - 1] if label else None
        if concept is None or concept.category != "object":
            assert found == ["", ""]
        else:
            key = concept.name if concept.name == "c3" else f"{concept.name} [{concept.source}]"
            assert found == [f"{half} of {key}" for half in slow(objects, (row, column))]


@pytest.mark.parametrize(("rows", "top"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_the_middle_row_belongs_to_the_bottom(batch_of: Batch, rows: int, top: int) -> None:
    plane = np.zeros((1, 1, 8, 8), dtype=np.uint16)
    plane[0, 0, 2 : 2 + rows, 3] = 1
    source = Given("a", concepts("a", "object"), plane)
    labels = Parts([source]).label(batch_of(np.zeros((1, 8, 8, 3))), [plane])
    assert labels[0, 0, 2 : 2 + rows, 3].tolist() == [1] * top + [2] * (rows - top)
    assert set(labels[0, 1, 2 : 2 + rows, 3].tolist()) == {4}


def test_names_and_order() -> None:
    class Source:
        name = "a"
        planes = 1
        concepts = (Concept("glass", "material", "a"), Concept("tree", "object", "a"))

        def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
            raise NotImplementedError

    parts = Parts([Source()])
    assert [concept.name for concept in parts.concepts] == [f"{half} of tree" for half in HALVES]
    assert {concept.category for concept in parts.concepts} == {"part"}


def test_parts_of_two_objects_with_one_name_have_different_keys() -> None:
    plane = np.zeros((1, 1, 2, 2), dtype=np.uint16)
    sources = [Given("labels", concepts("labels", "object"), plane) for _ in range(2)]
    vocabulary = Vocabulary([*sources, Parts(sources)])
    assert vocabulary.keys[:2] == ("c1 [labels]", "c1 [labels 2]")
    assert "top of c1 [labels]" in vocabulary.keys
    assert "top of c1 [labels 2]" in vocabulary.keys
    assert len(set(vocabulary.keys)) == 10


def test_sources_without_objects_are_refused() -> None:
    source = Given("a", concepts("a", "material"), np.zeros((1, 1, 2, 2), dtype=np.uint16))
    with pytest.raises(ConceptsError, match="no source before it has any objects"):
        Parts([source])
