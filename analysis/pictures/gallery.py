"""The gallery: some images of a run beside their label maps, so that a reader sees what was taken for the truth.

Of a label map, the positions of each concept are kept: the picture of the map, its counts and what the site lights up
are all made of them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from dissectory.analysis import schema
from dissectory.analysis.pictures.hues import concept_colors
from dissectory.analysis.run import Pictures
from dissectory.analysis.subjects.images import ViewBatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.setting import Setting
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


def draw_gallery(run: Run, setting: Setting, readable: Sequence[int], progress: Progress) -> None:
    """Draw some images and their label maps into a run, and write the tables of what they show.

    Args:
        run: where to.
        setting: the images, and the vocabulary that labels them.
        readable: numbers of the images that can be decoded, ascending.
        progress: where to report to.

    Raises:
        RunError: the run's folder cannot be written.
    """
    concepts, keys = setting.vocabulary.concepts, setting.vocabulary.keys
    colors = concept_colors(concepts)
    categories = [name for name in schema.CATEGORIES if any(concept.category == name for concept in concepts)]
    images = choose(readable, [setting.images.class_of(image) for image in readable])
    maps: list[tuple[int, str, int]] = []
    shown: list[tuple[int, str, int, str, str]] = []
    with progress.stage("Drawing the gallery", len(images), "images") as advance:
        for image in images:
            batch = _batch(setting, image)
            masks = concept_masks(setting.vocabulary.label(batch)[0])
            _write(run, Pictures.gallery(image), _shrunk(batch.views[0]), lossless=False)
            for category in categories:
                inside = {place: mask for place, mask in masks.items() if concepts[place].category == category}
                drawn = draw_map(inside, colors, setting.study.dissection.grid)
                _write(run, Pictures.gallery(image, category), drawn, lossless=True)
                maps.append((image, category, int(np.count_nonzero(drawn[..., 3]))))
            shown += [(image, keys[place], int(mask.sum()), colors[place], runs(mask)) for place, mask in masks.items()]
            advance(1)
    _write_rows(run, schema.GALLERY, maps)
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


def _batch(setting: Setting, image: int) -> ViewBatch:
    """One image as a batch, as the sources of concepts take it."""
    images = setting.images
    return ViewBatch((image,), (images.paths[image],), images.view(image)[None], (images.size_of(image) or (0, 0),))


def concept_masks(planes: npt.NDArray[np.uint16]) -> dict[int, Mask]:
    """Where each concept is `(grid, grid)`, by its place in the vocabulary, out of an image's planes of labels."""
    return {int(label) - 1: (planes == label).any(axis=0) for label in np.unique(planes[planes > 0])}


def draw_map(masks: Mapping[int, Mask], colors: Sequence[str], grid: int) -> npt.NDArray[np.uint8]:
    """Draw a label map `(grid, grid, 4)`, clear where there is nothing.

    A position that carries several concepts shows one of them, its neighbours the others in turn.
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
