"""A generator with an edited layer: images before and after the layer's output changes, and their label maps.

The images are generated from seeds that follow the study's own seeds, so the units are not evaluated on the images that
selected them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dissectory.analysis.subjects.images import ViewBatch
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.subjects.rest import Point, find_rest
from dissectory.analysis.tally.overlap import distinct
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.setting import Setting

    Labels = npt.NDArray[np.uint16]
    Areas = npt.NDArray[np.int64]


_EXAMPLES = 3
"""Number of images on which a generator is tried before it is run from a layer on. A generator that takes classes is
given the classes of these images."""


@dataclass(frozen=True, slots=True)
class GeneratedBatch:
    """Some images before any edit: their views, the layer's output, and their label maps `(image, position, plane)`."""

    batch: ViewBatch
    point: Point
    labels: Labels

    def __len__(self) -> int:
        return len(self.batch)

    def of(self, rows: Sequence[int]) -> GeneratedBatch:
        """Select images by their rows; a row may be given more than once."""
        return GeneratedBatch(_of(self.batch, rows), self.point.of(torch.tensor(list(rows))), self.labels[list(rows)])


def in_turn(count: int, size: int) -> Iterator[range]:
    """Divide the numbers below `count` into consecutive batches of `size`."""
    return (range(first, min(first + size, count)) for first in range(0, count, size))


def first_images(setting: Setting, count: int) -> Latents:
    """Return the first images of the study, at most `count`."""
    return _images(setting, 0, min(count, len(setting.images)))


def further_images(setting: Setting, count: int) -> Latents:
    """Return `count` images from the seeds that follow the study's own seeds."""
    return _images(setting, len(setting.images), count)


def _images(setting: Setting, first: int, count: int) -> Latents:
    section = setting.study.latents
    assert section is not None  # noqa: S101 - only a generator's study asks for edits
    section = dataclasses.replace(section, seed=section.seed + first, count=count)
    return Latents(setting.model.module, section, setting.device)


class EditedGenerator:
    """A generator that can be run from one layer on, with an edited output of that layer, for some images."""

    def __init__(self, setting: Setting, layer: str, images: Latents) -> None:
        self._setting = setting
        self.layer = layer
        self.images = images
        self._rest = find_rest(setting.model.module, layer, *images.inputs(range(len(images))[:_EXAMPLES]))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def concepts(self) -> int:
        """The number of concepts."""
        return len(self._setting.vocabulary)

    def drawn(self, images: Sequence[int] | None = None) -> Iterator[GeneratedBatch]:
        """Generate images without any edit, and label them: all by default, batch by batch, in the given order."""
        images = range(len(self)) if images is None else images
        for places in in_turn(len(images), self._setting.study.compute.batch):
            yield self.drawn_of([images[place] for place in places])

    def drawn_of(self, numbers: Sequence[int]) -> GeneratedBatch:
        """Generate one batch of images without any edit, and label them."""
        batch, point = self.draw(numbers)
        return GeneratedBatch(batch, point, self._labels(batch))

    def draw(self, numbers: Sequence[int]) -> tuple[ViewBatch, Point]:
        """Generate one batch of images without any edit, and return them with the layer's output.

        A number that is given more than once is generated once.
        """
        wanted, rows = np.unique(np.asarray(numbers, dtype=np.intp), return_inverse=True)
        if len(wanted) < len(rows):
            batch, point = self.draw(wanted.tolist())
            return _of(batch, rows.tolist()), point.of(torch.from_numpy(rows))
        (batch,) = self.images.batches([numbers])
        with torch.inference_mode():
            point, answer = self._rest.run(*self.images.inputs(numbers))
        return self.images.pictured(batch, answer), point

    def redraw(self, batch: ViewBatch, point: Point, output: Tensor) -> ViewBatch:
        """Generate images from an edited `output` of the layer; images whose output is unchanged are reused.

        Raises:
            SubjectError: the edited images are not finite.
        """
        differs = (output != point.output).flatten(1).any(dim=1)
        rows = differs.nonzero()[:, 0]
        if not len(rows):
            return batch
        with torch.inference_mode():
            answer = self._rest(output[rows], point.of(rows).around)
        views = batch.views.copy()
        try:
            views[rows.cpu().numpy()] = self.images.pictured(_of(batch, rows.tolist()), answer).views
        except SubjectError:  # the same images were finite before the edit
            raise SubjectError(
                f"the generator's images are not finite if units of {self.layer} are changed: name another layer of "
                "the study in the section of the experiment"
            ) from None
        return dataclasses.replace(batch, views=views)

    def changed(self, drawn: GeneratedBatch, output: Tensor) -> Labels:
        """Return the label maps of the images with an edited `output` of the layer.

        Images that the edit does not change keep their label maps.
        """
        batch = self.redraw(drawn.batch, drawn.point, output)
        rows = np.flatnonzero((batch.views != drawn.batch.views).any(axis=(1, 2, 3)))
        labels = drawn.labels.copy()
        if len(rows):
            labels[rows] = self._labels(_of(batch, rows.tolist()))
        return labels

    def _labels(self, batch: ViewBatch) -> Labels:
        vocabulary, grid = self._setting.vocabulary, self._setting.study.dissection.grid
        planes = vocabulary.label(batch)
        found: Labels = distinct(np.moveaxis(planes, 1, 3).reshape(len(batch), grid**2, vocabulary.planes))
        return found

    def areas(self, labels: Labels) -> Areas:
        """Count the grid positions that carry each concept `(image, concept)`."""
        found: Areas = np.array([np.bincount(image.ravel(), minlength=self.concepts + 1)[1:] for image in labels])
        return found


def _of(batch: ViewBatch, rows: Sequence[int]) -> ViewBatch:
    return ViewBatch(
        tuple(batch.images[row] for row in rows),
        tuple(batch.paths[row] for row in rows),
        batch.views[list(rows)],
        tuple(batch.sizes[row] for row in rows),
    )
