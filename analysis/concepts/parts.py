"""The concept source `parts`: the top, bottom, left and right half of every connected piece of an object.

The definition is that of Bau et al. 2020 (supplement) and of the authors' segmenter. A piece is a set of grid
positions of one object that touch at a side or a corner (8-connectivity). The bounding box of a piece is cut into
halves, and each half labels the positions of the piece inside it. If the box has an odd number of rows, the middle row
belongs to the bottom; if it has an odd number of columns, the middle column belongs to the right. So every grid
position of an object is in the top or the bottom half, and in the left or the right half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from dissectory.analysis.concepts.registry import no_argument, register
from dissectory.analysis.concepts.vocabulary import Concept, unique_keys, unique_names
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.concepts.registry import SourceContext
    from dissectory.analysis.concepts.vocabulary import ConceptSource, Planes
    from dissectory.analysis.subjects.images import ViewBatch

HALVES = ("top", "bottom", "left", "right")
"""The parts of an object, in the order of its four part concepts."""

_TOUCHING = np.ones((3, 3), dtype=np.int_)


@dataclass(frozen=True, slots=True)
class _Origin:
    """An earlier source that has objects."""

    place: int
    """Index of the source among the earlier ones."""
    planes: int
    first: npt.NDArray[np.uint16]
    """`(concepts + 1,)`: for each label, the number of the concept 'top of ...', or 0 if the label is no object."""


class Parts:
    """The halves of the objects that earlier sources label, in two planes for each of their planes.

    The four part concepts of an object are adjacent, in the order of `HALVES`, and their names contain the object's
    name. If several sources have an object of the same name, the source is appended to it.
    """

    name = "parts"

    def __init__(self, earlier: Sequence[ConceptSource]) -> None:
        """Derive parts of the objects of `earlier`, the sources before this one.

        Raises:
            ConceptsError: if these sources have no objects.
        """
        objects: list[Concept] = []
        origins = []
        names = unique_names([source.name for source in earlier])
        for place, (name, source) in enumerate(zip(names, earlier, strict=True)):
            first = np.zeros(len(source.concepts) + 1, dtype=np.uint32)
            for label, concept in enumerate(source.concepts, start=1):
                if concept.category == "object":
                    first[label] = len(HALVES) * len(objects) + 1
                    objects.append(Concept(concept.name, concept.category, name))
            if first.any():
                origins.append(_Origin(place, source.planes, first.astype(np.uint16)))
        if not objects:
            raise ConceptsError(
                "the concept source 'parts' cuts objects into halves, but no source before it has any objects; "
                "list 'parts' after an 'onnx:FILE' or 'masks:FOLDER' that has objects"
            )
        self._origins = tuple(origins)
        self.planes = 2 * sum(origin.planes for origin in origins)
        self.concepts = tuple(
            Concept(f"{half} of {key}", "part", self.name) for key in unique_keys(objects) for half in HALVES
        )

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
        """Label the object halves in the earlier sources' labels."""
        grid = earlier[self._origins[0].place].shape[-1]
        labels = np.zeros((len(batch), self.planes, grid, grid), dtype=np.uint16)
        for image in range(len(batch)):
            plane = 0
            for origin in self._origins:
                for objects in earlier[origin.place][image]:
                    halve(objects, origin.first, labels[image, plane], labels[image, plane + 1])
                    plane += 2
        return labels


def halve(
    objects: npt.NDArray[np.uint16],
    first: npt.NDArray[np.uint16],
    vertical: npt.NDArray[np.uint16],
    horizontal: npt.NDArray[np.uint16],
) -> None:
    """Write the halves of the objects in one plane `(grid, grid)` into two planes of the same shape.

    Args:
        objects: labels of an earlier source.
        first: for each of these labels, the number of its concept 'top of ...', or 0 if the label is no object.
        vertical: receives the labels of top and bottom.
        horizontal: receives the labels of left and right.
    """
    for label in np.flatnonzero(np.bincount(objects.ravel(), minlength=len(first)) * (first > 0)):
        top = first[label]
        pieces, _ = ndimage.label(objects == label, structure=_TOUCHING)
        for piece, box in enumerate(ndimage.find_objects(pieces), start=1):
            inside = pieces[box] == piece
            rows, columns = (side.stop - side.start for side in box)
            vertical[box][: rows // 2][inside[: rows // 2]] = top
            vertical[box][rows // 2 :][inside[rows // 2 :]] = top + 1
            horizontal[box][:, : columns // 2][inside[:, : columns // 2]] = top + 2
            horizontal[box][:, columns // 2 :][inside[:, columns // 2 :]] = top + 3


@register("parts")
def open_parts(argument: str, context: SourceContext) -> Parts:
    """Open the concept source `parts`."""
    no_argument("parts", argument)
    return Parts(context.earlier)
