"""Pictures of a dissection: each unit's top images, each concept's example images, and the gallery."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import numpy as np

from dissectory.analysis.measuring.label_maps import EXAMPLES
from dissectory.analysis.pictures.gallery import draw_gallery
from dissectory.analysis.pictures.sprites import Sprite, thumbnail, write_sprite
from dissectory.analysis.run import Pictures
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.tally.peaks import NO_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import numpy.typing as npt

    from dissectory.analysis.measuring.comparing import LayerResult
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress


def illustrate(
    run: Run, setting: Setting, record: Record, results: Sequence[LayerResult], progress: Progress
) -> Pictures:
    """Draw all pictures of a run, and return their layout."""
    layout = Pictures(unit_tiles=setting.study.dissection.top_images, concept_tiles=EXAMPLES)
    sprites = [*_unit_sprites(setting, results), *_concept_sprites(setting, record)]
    wanted = sorted({int(image) for sprite in sprites for image in sprite.images})
    workers = setting.study.compute.workers
    with ThreadPoolExecutor(workers) as pool, _Thumbnails(run, wanted, layout.tile) as thumbnails:

        def shrink(image: int) -> None:
            thumbnails[image] = thumbnail(setting.images.view(image), layout.tile)

        with progress.stage("Making thumbnails", len(wanted), "images") as advance:
            # Threads decode image files in parallel. A generator has threads of its own, so its images go one by one.
            for _ in map(shrink, wanted) if isinstance(setting.images, Latents) else pool.map(shrink, wanted):
                advance(1)
        with progress.stage("Drawing sprites", len(sprites), "sprites") as advance:
            for _ in pool.map(lambda sprite: write_sprite(run, sprite, thumbnails, layout), sprites):
                advance(1)
    draw_gallery(run, setting, record.labels, progress)
    return layout


class _Thumbnails:
    """Thumbnails in an unnamed temporary file, which disappears with the process; memory does not grow with the images.

    Threads may read and write different thumbnails at the same time.
    """

    def __init__(self, run: Run, images: Sequence[int], tile: int) -> None:
        self._place = {image: place for place, image in enumerate(images)}
        self._shape = (tile, tile, 3)
        self._size = tile * tile * 3
        self._file = tempfile.TemporaryFile(dir=run.folder)  # noqa: SIM115 - __exit__ closes it

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __setitem__(self, image: int, picture: npt.NDArray[np.uint8]) -> None:
        os.pwrite(self._file.fileno(), picture.tobytes(), self._place[image] * self._size)

    def __getitem__(self, image: int) -> npt.NDArray[np.uint8]:
        content = os.pread(self._file.fileno(), self._size, self._place[image] * self._size)
        return np.frombuffer(content, dtype=np.uint8).reshape(self._shape)


def _unit_sprites(setting: Setting, results: Sequence[LayerResult]) -> Iterator[Sprite]:
    dissection = setting.study.dissection
    for result in results:
        for unit in range(result.layer.units):
            images = [int(image) for image in result.top.images[unit] if image != NO_IMAGE]
            path = Pictures.unit(result.layer.index, unit)
            yield Sprite(path, images, result.lit[unit, : len(images)], dissection.grid, dissection.top_images)


def _concept_sprites(setting: Setting, record: Record) -> Iterator[Sprite]:
    """Make the concepts' sprites, numbered in the order of the table concepts, which is sorted by key."""
    grid = setting.study.dissection.grid
    order = sorted(range(len(setting.vocabulary.keys)), key=lambda number: setting.vocabulary.keys[number])
    for row, number in enumerate(order):
        images = [image for image, _ in record.labels.examples_of(number)]
        present = [(record.labels.of(image) == number + 1).any(axis=1) for image in images]
        packed = np.packbits(np.array(present, dtype=np.bool_).reshape(len(images), grid**2), axis=1)
        yield Sprite(Pictures.concept(row), images, packed, grid, EXAMPLES)
