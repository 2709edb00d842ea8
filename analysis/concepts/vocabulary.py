"""Concepts, the concept sources that label pixels with them, and the vocabulary that merges several sources."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.tables.categories import Category

    Planes = npt.NDArray[np.uint16]
    SizeOf = Callable[[int], tuple[int, int] | None]

MOST_CONCEPTS = 65_535
"""How many concepts 16-bit labels can distinguish; 0 means no concept."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept that pixels can show, as one source names it."""

    name: str
    category: Category
    source: str


class ConceptSource(Protocol):
    """A source that labels the pixels of images with its own concepts.

    A pixel can have several labels. So a source returns one or more *planes*: label maps with one label per pixel.
    """

    @property
    def name(self) -> str:
        """A short name, such as `color` or a file's stem; the vocabulary makes it unique within a study."""
        ...

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """The concepts that the source can label."""
        ...

    @property
    def planes(self) -> int:
        """How many labels a pixel can have at once, 1 or more."""
        ...

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
        """Label a batch on the common grid.

        Args:
            batch: the images.
            earlier: the labels that the sources before this one gave for the same batch, in the order of the study.

        Returns:
            `(batch, planes, grid, grid)`: the value k means `concepts[k - 1]`, 0 means no concept.
        """
        ...


@runtime_checkable
class CheckedSource(Protocol):
    """A source that can check, before the long computation begins, whether it can label all images."""

    def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
        """Check that everything needed to label the images is present.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
            size_of: returns the width and height of image i, `paths[i]`; `None` if it cannot be decoded. The run skips
                such images, so they need no labels.

        Raises:
            ConceptsError: with the first images that cannot be labeled.
        """
        ...


@runtime_checkable
class FiledSource(Protocol):
    """A source whose labels depend on files other than the images."""

    def fingerprint(self, paths: Sequence[str]) -> str:
        """Hash everything that the labels depend on, except the images and the source's own code.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
        """
        ...


@runtime_checkable
class NotedSource(Protocol):
    """A source that can have something to say to the readers of a run."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Whole sentences for the manifest; empty if there is nothing to say."""
        ...


class Vocabulary:
    """Several sources as one: every concept has one number and one key, and every pixel has all its labels.

    `concepts` are those of the sources, in their order. `keys` are their names in the tables: the concept's own name,
    with the source appended if several concepts have the same name.

    Raises:
        ConceptsError: if there are no concepts, or more than 16-bit labels can distinguish.
    """

    def __init__(self, sources: Sequence[ConceptSource]) -> None:
        """Merge `sources`; each receives the labels of the sources before it."""
        self.sources = tuple(sources)
        self.concepts = _merged(self.sources)
        self.keys = unique_keys(self.concepts)
        self.planes = sum(source.planes for source in self.sources)

    def __len__(self) -> int:
        return len(self.concepts)

    def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
        """Let every source check that it can label the images, before the long computation.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
            size_of: returns the width and height of image i, `paths[i]`; `None` if it cannot be decoded.

        Raises:
            ConceptsError: with the first images that cannot be labeled.
        """
        for source in self.sources:
            if isinstance(source, CheckedSource):
                source.check(paths, size_of)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sources have to say to the readers of a run, in whole sentences."""
        return tuple(note for source in self.sources if isinstance(source, NotedSource) for note in source.notes)

    def fingerprint(self, paths: Sequence[str]) -> str:
        """Hash everything that the labels of the images `paths` depend on, except the images themselves."""
        total = hashlib.sha256(repr(self.concepts).encode())
        for source in self.sources:
            total.update(repr(type(source)).encode())
            if isinstance(source, FiledSource):
                total.update(source.fingerprint(paths).encode())
        return total.hexdigest()

    def label(self, batch: ViewBatch) -> Planes:
        """Label a batch with every source.

        Returns:
            `(batch, planes, grid, grid)`: the value k means `concepts[k - 1]`, 0 means no concept.
        """
        answers: list[Planes] = []
        for source in self.sources:
            answers.append(source.label(batch, tuple(answers)))
        offset = 0
        numbered = []
        for source, answer in zip(self.sources, answers, strict=True):
            numbered.append(np.where(answer > 0, answer + np.uint16(offset), np.uint16(0)))
            offset += len(source.concepts)
        return np.concatenate(numbered, axis=1)


def unique_keys(concepts: Sequence[Concept]) -> tuple[str, ...]:
    """Return a unique, short key for every concept.

    >>> tree = Concept("tree", "object", "camvid")
    >>> unique_keys([tree, Concept("sky", "object", "camvid"), Concept("tree", "object", "ade")])
    ('tree [camvid]', 'sky', 'tree [ade]')
    """
    forms: tuple[Callable[[Concept], str], ...] = (
        lambda concept: f"{concept.name} [{concept.source}]",
        lambda concept: f"{concept.name} [{concept.source}, {concept.category}]",
    )
    keys = [concept.name for concept in concepts]
    for form in forms:
        shared = {key for key, times in Counter(keys).items() if times > 1}
        keys = [form(concept) if key in shared else key for concept, key in zip(concepts, keys, strict=True)]
    # A longer form can equal another concept's own name, if that name contains brackets: add numbers then.
    return unique_names(keys)


def _merged(sources: Sequence[ConceptSource]) -> tuple[Concept, ...]:
    """Return all concepts, each with the unique name of its source."""
    merged: list[Concept] = []
    for name, source in zip(unique_names([source.name for source in sources]), sources, strict=True):
        merged += [replace(concept, source=name) for concept in source.concepts]
    if not merged:
        raise ConceptsError(
            "the concept sources have no concepts: list a source that has some, such as 'color', in [concepts] sources"
        )
    if len(merged) > MOST_CONCEPTS:
        raise ConceptsError(
            f"the concept sources have {len(merged)} concepts; at most {MOST_CONCEPTS} are possible: remove a source"
        )
    return tuple(merged)


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Add a number to the second and later occurrences of a name; no name depends on those after it.

    >>> unique_names(["labels", "color", "labels"])
    ('labels', 'color', 'labels 2')
    """
    taken: set[str] = set()
    unique = []
    for name in names:
        number, candidate = 1, name
        while candidate in taken:
            number += 1
            candidate = f"{name} {number}"
        taken.add(candidate)
        unique.append(candidate)
    return tuple(unique)
