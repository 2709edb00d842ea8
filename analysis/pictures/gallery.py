"""The gallery: some images of a run beside their label maps, so that a reader can check the segmentation.

The gallery stores the grid positions of each concept. The drawn label map, the counts, and the regions that the site
highlights all come from these positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from dissectory.analysis.pictures.hues import OWN, distinct_colors
from dissectory.analysis.pictures.views import views_of
from dissectory.analysis.run import Pictures
from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.analysis.tables.core import GALLERY, GALLERY_CONCEPTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.concepts.vocabulary import Concept
    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table
    from dissectory.progress import Progress

    Mask = npt.NDArray[np.bool_]

_Item = TypeVar("_Item")

IMAGES = 24
"""The gallery shows about this many images."""

SIDE = 256
"""The largest width and height of a gallery image, in pixels."""

QUALITY = 80
"""WebP quality of the gallery images; it may be high because they are few."""


@dataclass(frozen=True, slots=True)
class Labeled:
    """An image of the gallery, its view `(size, size, 3)`, and the mask of each concept by its vocabulary index."""

    image: int
    view: npt.NDArray[np.uint8]
    masks: dict[int, Mask]


def draw_gallery(run: Run, setting: Setting, labels: LabelMaps, progress: Progress) -> None:
    """Draw the gallery of a run, and write the tables gallery and gallery_concepts.

    Raises:
        RunError: if the run's folder cannot be written.
    """
    concepts, keys = setting.vocabulary.concepts, setting.vocabulary.keys
    categories = [name for name in CATEGORIES if any(concept.category == name for concept in concepts)]
    readable = labels.readable.tolist()
    images = choose(readable, [setting.images.class_of(image) for image in readable])
    gallery: list[Labeled] = []
    with progress.stage("Drawing the gallery", len(images), "images") as advance:
        for batch in views_of(setting, images):
            for image, view in zip(batch.images, batch.views, strict=True):
                masks = concept_masks(labels.of(image), setting.study.dissection.grid)
                gallery.append(Labeled(image, view, masks))
            advance(len(batch))
    colors = concept_colors(concepts, gallery)
    maps: list[tuple[int, str, int]] = []
    for labeled in gallery:
        _write(run, Pictures.gallery(labeled.image), _shrunk(labeled.view), lossless=False)
        for category in categories:
            inside = {place: mask for place, mask in labeled.masks.items() if concepts[place].category == category}
            drawn = draw_map(inside, colors, setting.study.dissection.grid)
            _write(run, Pictures.gallery(labeled.image, category), drawn, lossless=True)
            maps.append((labeled.image, category, int(np.count_nonzero(drawn[..., 3]))))
    _write_rows(run, GALLERY, maps)
    shown = [
        (labeled.image, keys[place], int(mask.sum()), colors[place], runs(mask))
        for labeled in gallery
        for place, mask in labeled.masks.items()
    ]
    _write_rows(run, GALLERY_CONCEPTS, shown)


def choose(images: Sequence[int], classes: Sequence[str | None], most: int = IMAGES) -> list[int]:
    """Choose about `most` images: equally many of each class, evenly spaced from the first to the last.

    If there are more than `most` classes, choose one image from each of `most` evenly spaced classes. The images
    without a class form a class of their own.

    >>> choose(range(10), ["a"] * 6 + ["b"] * 4, most=4)
    [1, 4, 7, 9]
    """
    pairs = sorted(zip(images, classes, strict=True), key=lambda pair: (pair[1] or "", pair[0]))
    groups = [[image for image, _ in group] for _, group in groupby(pairs, key=lambda pair: pair[1])]
    chosen = _evenly(groups, most)
    return [image for group in chosen for image in _evenly(group, most // len(chosen))]


def _evenly(items: Sequence[_Item], most: int) -> list[_Item]:
    """Choose at most `most` items: divide the sequence into equal parts and take the middle item of each."""
    count = min(most, len(items))
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


def concept_colors(concepts: Sequence[Concept], gallery: Sequence[Labeled]) -> dict[int, str]:
    """Give every concept in the gallery a color `#rrggbb` that resembles its pixels and differs within its category.

    Concepts with a large area choose first. Colors repeat only across categories, which never share a label map.
    """
    totals: dict[int, npt.NDArray[np.int64]] = {}
    for labeled in gallery:
        for place, mask in labeled.masks.items():
            totals[place] = totals.get(place, np.zeros(4, dtype=np.int64)) + _ink(labeled.view, mask)
    colors = {place: OWN[concepts[place].name] for place in totals if _is_basic(concepts[place])}
    for category in CATEGORIES:
        waiting = [place for place in sorted(totals) if concepts[place].category == category and place not in colors]
        waiting.sort(key=lambda place: -totals[place][3])
        means = [totals[place][:3] / totals[place][3] for place in waiting]
        colors |= dict(zip(waiting, distinct_colors(means), strict=True))
    return colors


def _is_basic(concept: Concept) -> bool:
    return concept.category == "color" and concept.name in OWN


def _ink(view: npt.NDArray[np.uint8], mask: Mask) -> npt.NDArray[np.int64]:
    """Return the sums of red, green and blue over the pixels of a mask, and the number of these pixels `(4,)`."""
    middles = ((np.arange(len(mask)) + 0.5) * (len(view) / len(mask))).astype(np.intp)
    pixels = view[middles[:, None], middles][mask]
    return np.array([*pixels.sum(axis=0, dtype=np.int64), len(pixels)])


def concept_masks(labels: npt.NDArray[np.uint16], grid: int) -> dict[int, Mask]:
    """Return the mask `(grid, grid)` of each concept, by vocabulary index, in a label map `(position, plane)`."""
    found = np.unique(labels[labels > 0]).tolist()
    return {label - 1: (labels == label).any(axis=1).reshape(grid, grid) for label in found}


def draw_map(masks: Mapping[int, Mask], colors: Mapping[int, str], grid: int) -> npt.NDArray[np.uint8]:
    """Draw a label map `(grid, grid, 4)`, transparent where no position has a concept.

    A position with several concepts shows one of them; its neighbors show the others, in turn.
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
    """Encode a mask by run lengths, row by row: positions outside the mask, inside, outside, and so on.

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


def _write_rows(run: Run, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    run.write_table(table, {column.name: [row[index] for row in rows] for index, column in enumerate(table.columns)})
