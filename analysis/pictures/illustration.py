"""Pictures of a dissection: each unit's top images, each concept's example images, and the gallery.

Threads draw the sprites: Pillow encodes without Python's lock, and that is nine tenths of the work. Processes would be
no quicker, and would have to import the user's script again.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

import numpy as np

from dissectory.analysis.pictures.gallery import draw_gallery
from dissectory.analysis.pictures.sprites import thumbnail, write_sprite
from dissectory.analysis.pictures.views import views_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    import numpy.typing as npt

    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.pictures.plan import PicturePlan
    from dissectory.analysis.pictures.sprites import Sprite
    from dissectory.analysis.run import Run
    from dissectory.progress import Progress

CHUNK = 256
"""This many sprites are handed to the threads at once: so many at most are drawn after an error or an interrupt."""


def illustrate(run: Run, setting: Setting, record: Record, plan: PicturePlan, progress: Progress) -> None:
    """Draw the pictures of a run, except those that an interrupted run has drawn."""
    sprites = plan.begin(run)
    wanted = sorted({int(image) for sprite in sprites for image in sprite.images})
    tile = plan.layout.tile
    with ThreadPoolExecutor(setting.study.compute.workers) as pool, _Thumbnails(run, wanted, tile) as thumbnails:

        def shrink(image: int, view: npt.NDArray[np.uint8]) -> None:
            thumbnails[image] = thumbnail(view, tile)

        def draw(sprite: Sprite) -> None:
            write_sprite(run, sprite, thumbnails, plan.layout)

        with progress.stage("Making thumbnails", len(wanted), "images") as advance:
            for batch in views_of(setting, wanted):
                for _ in pool.map(shrink, batch.images, batch.views):
                    advance(1)
        done = len(plan.sprites) - len(sprites)
        with progress.stage("Drawing sprites", len(plan.sprites), "sprites", done=done) as advance:
            for first in range(0, len(sprites), CHUNK):
                for _ in pool.map(draw, sprites[first : first + CHUNK]):
                    advance(1)
    draw_gallery(run, setting, record.labels, progress)


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
