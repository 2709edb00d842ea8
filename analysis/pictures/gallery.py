"""The gallery: some images of a run beside their label maps, so that a reader sees what was taken for the truth.

Of a label map, the positions of each concept are kept: the picture of the map, its counts and what the site lights up
are all made of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from dissectory.analysis import schema
from dissectory.analysis.pictures.hues import OWN, distinct_colors
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.concepts.vocabulary import Concept
    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress

    Mask = npt.NDArray[np.bool_]

_Item = TypeVar("_Item")

IMAGES = 24
"""About so many images are shown."""

SIDE = 256
"""Pixels across the largest picture."""

QUALITY = 80
"""WebP quality of the pictures, of which there are few."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image of the gallery, its view `(size, size, 3)`, and concepts' masks by their places in the vocabulary."""

    image: int
    view: npt.NDArray[np.uint8]
    masks: dict[int, Mask]


def draw_gallery(run: Run, setting: Setting, labels: LabelMaps, progress: Progress) -> None:
    """Draw some images and their label maps into a run, and write the tables of what they show.

    Raises:
        RunError: the run's folder cannot be written.
    """
    concepts, keys = setting.vocabulary.concepts, setting.vocabulary.keys
    categories = [name for name in schema.CATEGORIES if any(concept.category == name for concept in concepts)]
    readable = labels.readable.tolist()
    images = choose(readable, [setting.images.class_of(image) for image in readable])
    gallery: list[Labelled] = []
    with progress.stage("Drawing the gallery", len(images), "images") as advance:
        for image in images:
            masks = concept_masks(labels.of(image), setting.study.dissection.grid)
            gallery.append(Labelled(image, setting.images.view(image), masks))
            advance(1)
    colors = concept_colors(concepts, gallery)
    maps: list[tuple[int, str, int]] = []
    for one in gallery:
        _write(run, Pictures.gallery(one.image), _shrunk(one.view), lossless=False)
        for category in categories:
            inside = {place: mask for place, mask in one.masks.items() if concepts[place].category == category}
            drawn = draw_map(inside, colors, setting.study.dissection.grid)
            _write(run, Pictures.gallery(one.image, category), drawn, lossless=True)
            maps.append((one.image, category, int(np.count_nonzero(drawn[..., 3]))))
    _write_rows(run, schema.GALLERY, maps)
    shown = [
        (one.image, keys[place], int(mask.sum()), colors[place], runs(mask))
        for one in gallery
        for place, mask in one.masks.items()
    ]
    _write_rows(run, schema.GALLERY_CONCEPTS, shown)


def choose(images: Sequence[int], classes: Sequence[str | None], most: int = IMAGES) -> list[int]:
    """Choose about `most` images: as many of each class, evenly from the first one to the last.

    Where there are more classes than that, one image is chosen of each of so many. Images without a class are a class.

    >>> choose(range(10), ["a"] * 6 + ["b"] * 4, most=4)
    [1, 4, 7, 9]
    """
    pairs = sorted(zip(images, classes, strict=True), key=lambda pair: (pair[1] or "", pair[0]))
    groups = [[image for image, _ in group] for _, group in groupby(pairs, key=lambda pair: pair[1])]
    chosen = _evenly(groups, most)
    return [image for group in chosen for image in _evenly(group, most // len(chosen))]


def _evenly(items: Sequence[_Item], most: int) -> list[_Item]:
    """Choose at most so many, each from the middle of its share."""
    count = min(most, len(items))
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


def concept_colors(concepts: Sequence[Concept], gallery: Sequence[Labelled]) -> dict[int, str]:
    """Give every concept on some images a color `#rrggbb` like its own pixels, apart from those of its category.

    Concepts of large areas choose first. Colors recur in other categories, which never share a map.
    """
    totals: dict[int, npt.NDArray[np.int64]] = {}
    for one in gallery:
        for place, mask in one.masks.items():
            totals[place] = totals.get(place, np.zeros(4, dtype=np.int64)) + _ink(one.view, mask)
    colors = {place: OWN[concepts[place].name] for place in totals if _is_basic(concepts[place])}
    for category in schema.CATEGORIES:
        waiting = [place for place in sorted(totals) if concepts[place].category == category and place not in colors]
        waiting.sort(key=lambda place: -totals[place][3])
        means = [totals[place][:3] / totals[place][3] for place in waiting]
        colors |= dict(zip(waiting, distinct_colors(means), strict=True))
    return colors


def _is_basic(concept: Concept) -> bool:
    return concept.category == "color" and concept.name in OWN


def _ink(view: npt.NDArray[np.uint8], mask: Mask) -> npt.NDArray[np.int64]:
    """Red, green, blue and the number of the pixels under a mask's positions, added up `(4,)`."""
    middles = ((np.arange(len(mask)) + 0.5) * (len(view) / len(mask))).astype(np.intp)
    pixels = view[middles[:, None], middles][mask]
    return np.array([*pixels.sum(axis=0, dtype=np.int64), len(pixels)])


def concept_masks(labels: npt.NDArray[np.uint16], grid: int) -> dict[int, Mask]:
    """Where each concept is `(grid, grid)`, by its place in the vocabulary, out of a label map `(position, plane)`."""
    found = np.unique(labels[labels > 0]).tolist()
    return {label - 1: (labels == label).any(axis=1).reshape(grid, grid) for label in found}


def draw_map(masks: Mapping[int, Mask], colors: Mapping[int, str], grid: int) -> npt.NDArray[np.uint8]:
    """Draw a label map `(grid, grid, 4)`, clear where there is nothing.

    A position that carries several concepts shows one of them, its neighbors the others in turn.
    """
    drawn = np.zeros((grid, grid, 4), dtype=np.uint8)
    if not masks:
        return drawn
    stack = np.stack(list(masks.values()))
    inks = np.array([[*bytes.fromhex(colors[place][1:]), 255] for place in masks], dtype=np.uint8)
    several, (rows, columns) = stack.sum(axis=0), np.indices((grid, grid))
    turn = (rows + columns) % several.clip(1)
    for number, mask in enumerate(stack):
        before = stack[:number].sum(axis=0)
        drawn[mask & (before == turn)] = inks[number]
    return drawn


def runs(mask: Mask) -> str:
    """Write down where a mask is, row by row: how many positions without it, with it, without it, and so on.

    >>> runs(np.array([[False, True, True], [True, False, False]])), runs(np.array([[True]]))
    ('1 3', '0 1')
    """
    edges = np.flatnonzero(np.diff(mask.ravel().astype(np.int8), prepend=0, append=0))
    return " ".join(map(str, np.diff(edges, prepend=0).tolist()))


def _shrunk(view: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    if len(view) <= SIDE:
        return view
    return np.asarray(Image.fromarray(view).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _write(run: Run, name: str, picture: npt.NDArray[np.uint8], *, lossless: bool) -> None:
    with run.replacing(run.folder / name) as path:
        Image.fromarray(picture).save(path, "WEBP", quality=QUALITY, lossless=lossless)


def _write_rows(run: Run, table: schema.Table, rows: Sequence[tuple[object, ...]]) -> None:
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})
