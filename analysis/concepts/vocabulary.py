"""Concepts, the sources that label pixels with them, and one vocabulary out of several sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from dissectory.analysis.schema import Category
    from dissectory.analysis.subjects.images import ViewBatch

    Planes = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that pixels can show, as one source names it."""

    name: str
    category: Category
    source: str


class ConceptSource(Protocol):
    """Anything that labels the pixels of images with its own concepts.

    A pixel can carry several labels: a source gives one or more *planes*, each of which labels a pixel once.
    """

    name: str
    """Short and unique within a study, such as `color` or a file's stem."""
    concepts: tuple[Concept, ...]
    planes: int

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
        """Label a batch on the grid.

        Args:
            batch: the images.
            earlier: what the sources before this one in the study answered for the same batch, in their order.

        Returns:
            `(batch, planes, grid, grid)`: k stands for `concepts[k - 1]`, 0 for nothing.
        """
        ...
