"""A generator with the output of one layer changed: what becomes of its images.

Images are drawn of the seeds that follow the study's own, so that no unit is judged on the images it was chosen on.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from dissectory.analysis.study import AblationSection
from dissectory.analysis.subjects.images import ViewBatch
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.subjects.rest import Point, find_rest
from dissectory.analysis.tally.overlap import distinct
from dissectory.errors import StudyError, SubjectError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

    Labels = npt.NDArray[np.uint16]
    Areas = npt.NDArray[np.int64]
    Cells = npt.NDArray[np.intp]


_EXAMPLES = 3
"""Images whose classes, where it is told them, a generator is tried on before it is run on from a layer."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Some images as they are: their views, the layer's output, and their label maps `(image, position, plane)`."""

    batch: ViewBatch
    point: Point
    labels: Labels

    def __len__(self) -> int:
        return len(self.batch)

    def of(self, rows: Sequence[int]) -> Drawn:
        """Take some of the images, by their rows; one may come more than once."""
        return Drawn(_of(self.batch, rows), self.point.of(torch.tensor(list(rows))), self.labels[list(rows)])


def in_turn(count: int, size: int) -> Iterator[range]:
    """Share things out to batches of `size`, one after the other."""
    return (range(first, min(first + size, count)) for first in range(0, count, size))


def first_images(setting: Setting, count: int) -> Latents:
    """The first images of the study."""
    return _images(setting, 0, min(count, len(setting.images)))


def further_images(setting: Setting, count: int) -> Latents:
    """Images of the seeds that follow the study's own."""
    return _images(setting, len(setting.images), count)


def _images(setting: Setting, first: int, count: int) -> Latents:
    section = setting.study.latents
    assert section is not None  # noqa: S101 - only a generator's study asks for edits
    section = dataclasses.replace(section, seed=section.seed + first, count=count)
    return Latents(setting.model.module, section, setting.device)


class EditedGenerator:
    """A generator from one layer on, on some images."""

    def __init__(self, setting: Setting, layer: str, images: Latents) -> None:
        self._setting = setting
        self.layer = layer
        self.images = images
        self._rest = find_rest(setting.model.module, layer, *images.inputs(range(len(images))[:_EXAMPLES]))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def concepts(self) -> int:
        """How many concepts are measured."""
        return len(self._setting.vocabulary)

    def drawn(self, images: Sequence[int] | None = None) -> Iterator[Drawn]:
        """Draw some images as they are, or all, batch by batch in their order, and label them."""
        images = range(len(self)) if images is None else images
        for places in in_turn(len(images), self._setting.study.compute.batch):
            yield self.drawn_of([images[place] for place in places])

    def drawn_of(self, numbers: Sequence[int]) -> Drawn:
        """Draw some images as they are, and label them."""
        batch, point = self.draw(numbers)
        return Drawn(batch, point, self._labels(batch))

    def draw(self, numbers: Sequence[int]) -> tuple[ViewBatch, Point]:
        """Draw some images as they are."""
        (batch,) = self.images.batches([numbers])
        with torch.inference_mode():
            point, answer = self._rest.run(*self.images.inputs(numbers))
        return self.images.pictured(batch, answer), point

    def redraw(self, batch: ViewBatch, point: Point, output: Tensor) -> ViewBatch:
        """Draw images with another `output` of the layer than their point's; what that does not change is not drawn."""
        differs = (output != point.output).flatten(1).any(dim=1)
        rows = differs.nonzero()[:, 0]
        if not len(rows):
            return batch
        with torch.inference_mode():
            answer = self._rest(output[rows], point.of(rows).around)
        views = batch.views.copy()
        try:
            views[rows.cpu().numpy()] = self.images.pictured(_of(batch, rows.tolist()), answer).views
        except SubjectError:  # it drew the same images as they are
            raise SubjectError(
                f"the generator draws pictures that are not finite where units of {self.layer} are changed: name "
                "another layer of the study in [ablation], [insertion], [paint] or [artifacts]"
            ) from None
        return dataclasses.replace(batch, views=views)

    def changed(self, drawn: Drawn, output: Tensor) -> Labels:
        """Label the images as they are with another `output` of the layer; those that stay as they are keep theirs."""
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
        """How many positions carry each concept `(image, concept)`."""
        found: Areas = np.array([np.bincount(image.ravel(), minlength=self.concepts + 1)[1:] for image in labels])
        return found


def _of(batch: ViewBatch, rows: Sequence[int]) -> ViewBatch:
    return ViewBatch(
        tuple(batch.images[row] for row in rows),
        tuple(batch.paths[row] for row in rows),
        batch.views[list(rows)],
        tuple(batch.sizes[row] for row in rows),
    )


@dataclass(frozen=True, slots=True)
class Ranking:
    """The units of a layer by how well they fit each concept.

    `order` `(concept, unit)` has the highest score first, equal ones by number; `best` `(concept,)` is that score.
    `levels` `(unit,)` are those of a unit that is on: its threshold or, where that is not above 0, the median of its
    activations above 0; 0 where there are none.
    """

    layer: str
    order: npt.NDArray[np.intp]
    best: npt.NDArray[np.float64]
    levels: npt.NDArray[np.float32]

    def concepts(self, count: int | None = None) -> list[int]:
        """Concepts that a unit fits at all, the best fitted first; at most so many."""
        ranked = np.argsort(-self.best, kind="stable")[:count]
        return [int(concept) for concept in ranked if self.best[concept] > 0]


def rank_units(run: Run, setting: Setting, layer: str, score: str = "iou") -> Ranking:
    """Rank the units of a layer by a score in the table of units and concepts, `iou` or `iqr`."""
    units, pairs = run.table("units"), run.table("unit_concepts")
    units, pairs = units[units["layer"] == layer].sort_values("unit"), pairs[pairs["layer"] == layer]
    place = {name: number for number, name in enumerate(setting.vocabulary.keys)}
    scores = np.zeros((len(place), len(units)))
    concepts = pairs["concept"].astype(str).map(place).to_numpy(dtype=np.intp)
    scores[concepts, pairs["unit"].to_numpy()] = pairs[score].fillna(0).to_numpy()
    order = np.argsort(-scores, axis=1, kind="stable")
    thresholds = units["threshold"].fillna(0).to_numpy(dtype=np.float32)
    levels = np.where(thresholds > 0, thresholds, _usual_levels(run, layer, len(units)))
    return Ranking(layer, order, scores.max(axis=1), levels)


def _usual_levels(run: Run, layer: str, units: int) -> npt.NDArray[np.float32]:
    """The median of the activations above 0 of each unit `(unit,)`, to the middle of a bin; 0 where there are none.

    The bin that 0 is in does not count: most of what is there may be nothing.
    """
    bins = run.table("unit_histograms")
    bins = bins[(bins["layer"] == layer) & (bins["low"] > 0)].sort_values(["unit", "bin"])
    levels = np.zeros(units, dtype=np.float32)
    for unit, own in bins.groupby("unit"):
        counted = own["count"].to_numpy().cumsum()
        middle = own.iloc[int(np.searchsorted(counted, counted[-1] / 2))]
        levels[int(str(unit))] = (middle["low"] + middle["high"]) / 2
    return levels


def most_matched(run: Run) -> str:
    """The layer with most matched units, the first of equal ones."""
    table = run.table("layers").sort_values("index")
    return str(table["layer"].iloc[int(table["matched_units"].to_numpy().argmax())])


def without(maps: Tensor, units: Cells) -> Tensor:
    """Set units of maps `(image, unit, height, width)` to zero."""
    changed = maps.clone()
    changed[:, units.tolist()] = 0
    return changed


def forced(maps: Tensor, units: Cells, levels: npt.NDArray[np.float32], rows: Cells, columns: Cells) -> Tensor:
    """Raise units of maps `(image, unit, height, width)` to levels `(unit,)` at one cell of each image; lower none."""
    changed = maps.clone()
    images, wanted = torch.arange(len(maps)), torch.from_numpy(units)
    at = (images[:, None], wanted[None], torch.from_numpy(rows)[:, None], torch.from_numpy(columns)[:, None])
    changed[at] = changed[at].maximum(torch.from_numpy(levels).to(maps))
    return changed


def check_layers(setting: Setting) -> None:
    """Look, before any long work, whether the layers are dissected that a study wants changed.

    Raises:
        StudyError: one is not.
    """
    names = [layer.name for layer in setting.layers]
    study = setting.study
    ablation = study.ablation if isinstance(study.ablation, AblationSection) else None
    sections = {"insertion": study.insertion, "paint": study.paint, "artifacts": study.artifacts}
    for key, section in (("ablation", ablation), *sections.items()):
        if section and section.layer and section.layer not in names:
            raise StudyError(
                f"{key}.layer is '{section.layer}', which is not one of the layers of the study; "
                f"{nearest(section.layer, names)}"
            )
