"""Concepts, the sources that label pixels with them, and one vocabulary out of several sources."""

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

    from dissectory.analysis.schema import Category
    from dissectory.analysis.subjects.images import ViewBatch

    Planes = npt.NDArray[np.uint16]
    SizeOf = Callable[[int], tuple[int, int] | None]

MOST_CONCEPTS = 65_535
"""What a 16-bit label can tell apart, beside nothing."""


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

    @property
    def name(self) -> str:
        """Short, such as `color` or a file's stem; the vocabulary makes it unique within a study."""
        ...

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """What the source can name."""
        ...

    @property
    def planes(self) -> int:
        """How many labels a pixel can carry at once, 1 or more."""
        ...

    def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
        """Label a batch on the grid.

        Args:
            batch: the images.
            earlier: what the sources before this one in the study answered for the same batch, in their order.

        Returns:
            `(batch, planes, grid, grid)`: k stands for `concepts[k - 1]`, 0 for nothing.
        """
        ...


@runtime_checkable
class CheckedSource(Protocol):
    """A source that can say before the long work begins whether it has what it needs."""

    def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
        """Look for what labeling the images needs.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
            size_of: gives the size of `paths[i]` for i. Images without one are skipped in the run: they need nothing.

        Raises:
            ConceptsError: naming the first images that cannot be labelled.
        """
        ...


@runtime_checkable
class FiledSource(Protocol):
    """A source whose labels depend on files beside the images."""

    def fingerprint(self, paths: Sequence[str]) -> str:
        """Hash all that the labels of the images depend on, apart from the images and the source's own code.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
        """
        ...


class Vocabulary:
    """Several sources as one: every concept has one number and one key, every pixel all its labels.

    `concepts` are those of the sources in their order, `keys` the names under which the tables know them:
    the concept's own name; where several concepts claim a name, each has its source appended.

    Raises:
        ConceptsError: if there are no concepts, or more than a 16-bit label can tell apart.
    """

    def __init__(self, sources: Sequence[ConceptSource]) -> None:
        """Merge `sources`, in the order in which each can see the labels of those before it."""
        self.sources = tuple(sources)
        self.concepts = _merged(self.sources)
        self.keys = unique_keys(self.concepts)
        self.planes = sum(source.planes for source in self.sources)

    def __len__(self) -> int:
        return len(self.concepts)

    def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
        """Let every source look for what it needs to label the images, before any long work.

        Args:
            paths: the images, relative to the image folder, with forward slashes.
            size_of: gives width and height of `paths[i]` for i, None where it cannot be decoded.

        Raises:
            ConceptsError: naming the first images that cannot be labelled.
        """
        for source in self.sources:
            if isinstance(source, CheckedSource):
                source.check(paths, size_of)

    def fingerprint(self, paths: Sequence[str]) -> str:
        """Hash all that the labels of the images `paths` depend on, apart from the images themselves."""
        total = hashlib.sha256(repr(self.concepts).encode())
        for source in self.sources:
            total.update(repr(type(source)).encode())
            if isinstance(source, FiledSource):
                total.update(source.fingerprint(paths).encode())
        return total.hexdigest()

    def label(self, batch: ViewBatch) -> Planes:
        """Label a batch with every source.

        Returns:
            `(batch, planes, grid, grid)`: k stands for `concepts[k - 1]`, 0 for nothing.
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
    """Name every concept with a string of its own, as short as it can be.

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
    # A longer form can meet what another concept is plainly called, brackets and all: numbers settle that.
    return unique_names(keys)


def _merged(sources: Sequence[ConceptSource]) -> tuple[Concept, ...]:
    """All concepts, each under its source's unique name."""
    merged: list[Concept] = []
    for name, source in zip(unique_names([source.name for source in sources]), sources, strict=True):
        merged += [replace(concept, source=name) for concept in source.concepts]
    if not merged:
        raise ConceptsError("the sources name no concepts at all: give [concepts] sources that do, such as 'color'")
    if len(merged) > MOST_CONCEPTS:
        raise ConceptsError(f"the sources name {len(merged)} concepts; at most {MOST_CONCEPTS} can be told apart")
    return tuple(merged)


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Number the second and later bearers of a name; what comes first never depends on what follows.

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
