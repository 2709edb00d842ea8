"""Pictures of a dissection: each unit's top images, each concept's examples, the gallery."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.tabulation import CONCEPT_EXAMPLES, concept_examples
from dissectory.analysis.pictures.gallery import draw_gallery
from dissectory.analysis.pictures.sprites import Sprite, thumbnail, write_sprite
from dissectory.analysis.run import Pictures
from dissectory.analysis.tally.peaks import NO_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.dissection import BlockResult
    from dissectory.analysis.experiments.passes import Record
    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress


def illustrate(
    run: Run, setting: Setting, record: Record, results: Sequence[BlockResult], progress: Progress
) -> Pictures:
    """Draw all pictures of a run; returns how they are laid out."""
    layout = Pictures(unit_tiles=setting.study.dissection.top_images, concept_tiles=CONCEPT_EXAMPLES)
    sprites = [*_unit_sprites(setting, results), *_concept_sprites(setting, record)]
    wanted = sorted({int(image) for sprite in sprites for image in sprite.images})
    workers = setting.study.compute.workers
    with ThreadPoolExecutor(workers) as pool:
        with progress.stage("Shrinking pictures", len(wanted), "images") as advance:
            thumbnails = {}
            for image, small in zip(wanted, pool.map(lambda i: _thumbnail(setting, i, layout), wanted), strict=True):
                thumbnails[image] = small
                advance(1)
        with progress.stage("Drawing sprites", len(sprites), "sprites") as advance:
            for _ in pool.map(lambda sprite: write_sprite(run, sprite, thumbnails, layout), sprites):
                advance(1)
    draw_gallery(run, setting, record.readable.tolist(), progress)
    return layout


def _thumbnail(setting: Setting, image: int, layout: Pictures) -> npt.NDArray[np.uint8]:
    return thumbnail(setting.images.view(image), layout.tile)


def _unit_sprites(setting: Setting, results: Sequence[BlockResult]) -> Iterator[Sprite]:
    grid = setting.study.dissection.grid
    for result in results:
        for row in range(result.block.units):
            images = [int(image) for image in result.top.images[row] if image != NO_IMAGE]
            path = Pictures.unit(result.block.layer.index, result.block.first + row)
            yield Sprite(path, images, result.lit[row, : len(images)], grid, setting.study.dissection.top_images)


def _concept_sprites(setting: Setting, record: Record) -> Iterator[Sprite]:
    """Concepts are numbered as their table is sorted."""
    grid = setting.study.dissection.grid
    order = sorted(range(len(setting.vocabulary.keys)), key=lambda number: setting.vocabulary.keys[number])
    for row, number in enumerate(order):
        images = [int(image) for image in concept_examples(record, number)]
        labels = record.labels.labels[images]
        packed = np.packbits((labels == number + 1).any(axis=2), axis=1)
        yield Sprite(Pictures.concept(row), images, packed, grid, CONCEPT_EXAMPLES)
