"""The second threshold: another pass over the images, which counts the active positions of units at many levels."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.activations import histograms_of
from dissectory.analysis.measuring.forward import Forward
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.tally.information import Information, LevelCounts, candidate_levels
from dissectory.analysis.tally.upsampling import Upsampler
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.parts import LayerPart
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.progress import Progress


@dataclass(frozen=True, slots=True)
class Candidates:
    """A layer and the candidate levels of its units `(unit, level)`.

    `done` holds the results so far; each of its shards covers a range of units, not of batches.
    """

    layer: LayerInfo
    levels: npt.NDArray[np.float32]
    done: Shards

    @classmethod
    def of(cls, part: LayerPart, thresholds: npt.NDArray[np.float32], done: Shards) -> Candidates:
        """Choose the levels from the histograms of a layer's activations."""
        return cls(part.layer, candidate_levels(histograms_of(part.shards, part.layer.units), thresholds), done)

    @property
    def found(self) -> Information:
        """The results of all units, read from the shards."""
        ratios, thresholds = ([shard.read(name) for shard in self.done] for name in ("ratio", "threshold"))
        return Information(np.concatenate(ratios), np.concatenate(thresholds))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """The units `first` to `last - 1` of a layer."""

    of: Candidates
    first: int
    last: int


def find_information(setting: Setting, layers: Sequence[Candidates], labels: LabelMaps, *, progress: Progress) -> int:
    """Find how informative every unit is about every concept, and write the results to the layers' shards.

    Each pass over the images counts as many units as memory allows. Units that are already in a shard are skipped.

    Returns:
        The number of passes.
    """
    concepts = int((labels.pixels > 0).sum())
    most = max(1, int(setting.study.compute.memory_gb * 1e9) // LevelCounts.bytes_each(concepts))
    passes = list(_passes(layers, most))
    if not passes:
        return 0
    with progress.stage("Second thresholds", len(passes) * len(setting.images), "images") as advance:
        for stretches in passes:
            counting = _Counting(setting, stretches, labels)
            counting.run(advance)
            counting.write()
    return len(passes)


def _passes(layers: Sequence[Candidates], most: int) -> Iterator[list[_Stretch]]:
    """Divide the missing units among passes: at most `most` units in each pass, and one range of units per layer."""
    stretches: list[_Stretch] = []
    for layer in layers:
        missing = layer.done.missing(layer.layer.units)
        while missing:
            room = most - sum(stretch.last - stretch.first for stretch in stretches)
            if room == 0 or any(stretch.of is layer for stretch in stretches):
                yield stretches
                stretches, room = [], most
            first, run = missing[0], [unit for place, unit in enumerate(missing) if unit - missing[0] == place]
            last = first + min(len(run), room)
            stretches.append(_Stretch(layer, first, last))
            missing = [unit for unit in missing if unit >= last]
    if stretches:
        yield stretches


class _Counting:
    """One pass over the images, for some units; concepts that occur in no image are left out of the counts."""

    def __init__(self, setting: Setting, stretches: Sequence[_Stretch], labels: LabelMaps) -> None:
        self._setting = setting
        compute = setting.study.compute
        self._network = Forward(setting.model.module, compute.batch, autocast=compute.autocast)
        self._labels = labels
        self._stretches = {stretch.of.layer.name: stretch for stretch in stretches}
        self._occurring = np.flatnonzero(labels.pixels)
        self._numbers = np.zeros(len(labels.pixels) + 1, dtype=np.uint16)
        self._numbers[1 + self._occurring] = 1 + np.arange(len(self._occurring))
        self._counts = {name: self._counts_of(stretch) for name, stretch in self._stretches.items()}

    def _counts_of(self, stretch: _Stretch) -> LevelCounts:
        layer, dissection = stretch.of.layer, self._setting.study.dissection
        upsampler = Upsampler(layer.height, layer.width, dissection.grid, dissection.border)
        levels = stretch.of.levels[stretch.first : stretch.last]
        return self._setting.tally.level_counts(upsampler, levels, len(self._occurring))

    def run(self, advance: Callable[[int], None]) -> None:
        """Run the network on all images, and count."""
        setting, compute = self._setting, self._setting.study.compute
        groups = batches(len(setting.images), compute.batch)
        with contextlib.closing(setting.images.batches(groups, compute.workers)) as decoded:
            for number, (group, batch) in enumerate(zip(groups, decoded, strict=True)):
                self._check(group, batch)
                if len(batch):
                    self._observe(batch, number)
                advance(len(group))

    def _check(self, group: Sequence[int], batch: ViewBatch) -> None:
        """Refuse images that can be decoded now but had no label map, and those with a label map that cannot."""
        changed = {image for image in group if self._labels.sizes[image, 0]} ^ set(batch.images)
        if changed:
            path = self._setting.images.paths[min(changed)]
            raise ImagesError(
                f"'{path}' has changed since this run began: start the run again, which measures the image again"
            )

    def _observe(self, batch: ViewBatch, number: int) -> None:
        """Count the images of a batch."""
        rows = self._labels.between(number, number + 1)
        labels = self._numbers[rows.labels[rows.row_of(len(self._setting.images))[list(batch.images)]]]

        def observe(name: str, first: int, last: int, maps: Tensor) -> None:
            stretch = self._stretches[name]
            self._counts[name].observe(maps[:, stretch.first : stretch.last], labels[first:last])

        self._network.run(self._setting.inputs(batch), list(self._counts), observe)

    def write(self) -> None:
        """Write the results to the layers' shards."""
        positions = len(self._labels.readable) * self._setting.positions
        for name, stretch in self._stretches.items():
            found = self._counts[name].best(positions, self._labels.pixels[self._occurring])
            units, concepts = stretch.last - stretch.first, len(self._labels.pixels)
            ratio = np.zeros((units, concepts))
            threshold = np.full((units, concepts), np.nan, dtype=np.float32)
            ratio[:, self._occurring], threshold[:, self._occurring] = found.ratio, found.threshold
            stretch.of.done.write(stretch.first, stretch.last, {"ratio": ratio, "threshold": threshold})
