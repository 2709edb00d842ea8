"""The views of some images, for pictures: decoded again, or generated again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.analysis.subjects.latents import Latents
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.subjects.images import ViewBatch


def views_of(setting: Setting, images: Sequence[int]) -> Iterator[ViewBatch]:
    """Yield the views of some images, in order and in batches, which a generator needs to be quick.

    Raises:
        ImagesError: an image file can no longer be decoded.
    """
    compute = setting.study.compute
    groups = [images[first : first + compute.batch] for first in range(0, len(images), compute.batch)]
    if isinstance(setting.images, Latents):
        yield from setting.images.views(groups)
        return
    for batch in setting.images.batches(groups, compute.workers):
        for skipped in batch.skipped.values():
            raise ImagesError(
                f"{skipped.path} could be decoded before, and cannot be decoded now ({skipped.reason}): leave the "
                "images as they are while a run is made, and run the study again"
            )
        yield batch
