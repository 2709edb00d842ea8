"""Passes over the images: all chosen layers in the same forward pass, as few passes as memory allows."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.experiments.classification import NO_PREDICTION
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tally.layer import LayerTally
from dissectory.analysis.tally.overlap import LabelMaps
from dissectory.analysis.tally.tail import ENTRY_BYTES, SLACK, Tail, bold_guess, count_above
from dissectory.analysis.tally.upsampling import Upsampler
from dissectory.errors import ImagesError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Skipped
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.subjects.layers import LayerInfo

_COMPACTION = 1.4
"""Compaction holds a part of a tail twice for a moment."""

PILOT_IMAGES = 64
"""Images that give a first guess of the thresholds."""
PILOT_SHARE = 12
"""The guess is the value that this many times the quantile exceed on those images. At 5, single units of
SqueezeNet-Places365 were guessed too boldly, which costs a whole second pass; at 9 none was."""
PILOT_CELLS = 16
"""Of larger maps, the pilot looks at about this many cells a side."""
PILOT_PAYS = 4
"""A pilot is worth its own pass where there are this many times its images."""

Guesses = Mapping[str, "npt.NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring units of one layer that are tallied together: `first` to `last`, without the last."""

    layer: LayerInfo
    first: int
    last: int

    @property
    def units(self) -> int:
        """How many units."""
        return self.last - self.first


def plan_passes(layers: Sequence[LayerInfo], unit_bytes: float, budget: float) -> list[list[Block]]:
    """Share the units of all layers out to passes, so that what a pass keeps of its units fits the budget.

    Usually there is one pass. A layer that does not fit is split; a single unit is always taken on.
    """
    at_once = max(1, int(budget / unit_bytes))
    passes: list[list[Block]] = [[]]
    room = at_once
    for layer in layers:
        first = 0
        while first < layer.units:
            if room == 0:
                passes.append([])
                room = at_once
            last = min(layer.units, first + room)
            passes[-1].append(Block(layer, first, last))
            room -= last - first
            first = last
    return passes


def unit_bytes(keep: int) -> float:
    """Memory that a pass needs for one unit that keeps `keep` values."""
    return keep * ENTRY_BYTES * SLACK * _COMPACTION


@dataclass
class Record:
    """What the first pass learns of the images themselves, apart from any unit.

    `sizes` `(image, 2)` are width and height, 0 where the file could not be decoded; `predicted` `(image,)` is the
    strongest output, -1 where there is none.
    """

    labels: LabelMaps
    sizes: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.intp]
    outputs: int = 0
    passes: int = 0
    skipped: tuple[Skipped, ...] = ()
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def readable(self) -> npt.NDArray[np.intp]:
        """Numbers of the images that could be decoded, ascending."""
        return np.flatnonzero(self.sizes[:, 0])


class Passes:
    """Runs the network over the images, and keeps the record of what was seen."""

    def __init__(self, setting: Setting) -> None:
        files, grid = len(setting.images), setting.study.dissection.grid
        vocabulary = setting.vocabulary
        self.setting = setting
        self.record = Record(
            LabelMaps(files, grid * grid, vocabulary.planes, len(vocabulary.concepts)),
            np.zeros((files, 2), dtype=np.int32),
            np.full(files, NO_PREDICTION, dtype=np.intp),
        )

    @property
    def above(self) -> int:
        """Positions that may be above a threshold, now that it is known which files can be read."""
        positions = len(self.record.readable) * self.setting.positions
        return count_above(self.setting.study.dissection.quantile, positions)

    @property
    def keep(self) -> int:
        """Values of a unit to keep: enough for the threshold if every file can be read."""
        positions = len(self.setting.images) * self.setting.positions
        return count_above(self.setting.study.dissection.quantile, positions) + 1

    def plan(self) -> list[list[Block]]:
        """Plan the passes within the study's memory budget."""
        budget = self.setting.study.compute.memory_gb * 1e9
        return plan_passes(self.setting.layers, unit_bytes(self.keep), budget)

    def run(
        self, blocks: Sequence[Block], guesses: Guesses, *, first: bool, advance: Callable[[int], None]
    ) -> list[LayerTally]:
        """Make one pass; the first one also labels the images and notes what the network says of them."""
        self.record.passes += 1
        tallies = [self._tally(block, guesses) for block in blocks]
        wanted: dict[str, list[tuple[Block, LayerTally]]] = defaultdict(list)
        for block, tally in zip(blocks, tallies, strict=True):
            wanted[block.layer.name].append((block, tally))
        for batch in self._batches(advance):
            if first:
                self._note(batch)
            answer = self._forward(batch, wanted)
            if first:
                self._predict(batch, answer)
        return tallies

    def pilot(self) -> dict[str, npt.NDArray[np.float32]]:
        """Guess a lower bound of every threshold `(unit,)` from a few images, where there are many; by layer."""
        files = len(self.setting.images)
        if files < PILOT_PAYS * PILOT_IMAGES:
            return {}
        with timed(self.record.seconds, "pilot"):
            views = [self._view(number * files // PILOT_IMAGES) for number in range(PILOT_IMAGES)]
            readable = np.array([view for view in views if view is not None])
            return self._guess(readable) if len(readable) else {}

    def _view(self, image: int) -> npt.NDArray[np.uint8] | None:
        try:
            return self.setting.images.view(image)
        except ImagesError:  # the pass itself says which files it skips
            return None

    def _guess(self, views: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        share = min(PILOT_SHARE * self.setting.study.dissection.quantile, 1)
        seen: dict[str, list[npt.NDArray[np.float32]]] = defaultdict(list)

        def observe(name: str, maps: Tensor) -> None:
            step = max(1, min(maps.shape[2:]) // PILOT_CELLS)
            seen[name].append(maps[:, :, ::step, ::step].float().nan_to_num(0, 0, 0).cpu().numpy())

        layers = {layer.name: layer for layer in self.setting.layers}
        for part in np.array_split(views, -(-len(views) // self.setting.study.compute.batch)):
            with torch.inference_mode(), watch(self.setting.model.module, list(layers), observe):
                self._answer(part)
        return {
            name: bold_guess(np.concatenate(seen.pop(name)), share, self._upsampler(layer))
            for name, layer in layers.items()
        }

    def _upsampler(self, layer: LayerInfo) -> Upsampler:
        dissection = self.setting.study.dissection
        return Upsampler(layer.height, layer.width, dissection.grid, dissection.border)

    def _tally(self, block: Block, guesses: Guesses) -> LayerTally:
        guess = guesses[block.layer.name][block.first : block.last] if block.layer.name in guesses else None
        tail = Tail(block.units, self.keep, self._upsampler(block.layer), guess)
        return LayerTally(tail, self.setting.study.dissection.top_images)

    def _answer(self, views: npt.NDArray[np.uint8]) -> object:
        return self.setting.model.module(self.setting.preprocessing.tensor(views).to(self.setting.device))

    def _batches(self, advance: Callable[[int], None]) -> Iterator[ViewBatch]:
        """Decoded batches; the time spent waiting for them is the decoder's."""
        compute = self.setting.study.compute
        skipped: list[Skipped] = []
        files, size = len(self.setting.images), compute.batch
        groups = [range(first, min(first + size, files)) for first in range(0, files, size)]
        batches = self.setting.images.batches(groups, compute.workers)
        while True:
            with timed(self.record.seconds, "decode"):
                batch = next(batches, None)
            if batch is None:
                break
            skipped += batch.skipped.values()
            if len(batch):
                yield batch
            advance(len(batch) + len(batch.skipped))
        self.record.skipped = tuple(skipped)

    def _note(self, batch: ViewBatch) -> None:
        with timed(self.record.seconds, "label"):
            planes = self.setting.vocabulary.label(batch)
        for image, size, labels in zip(batch.images, batch.sizes, planes, strict=True):
            self.record.sizes[image] = size
            self.record.labels.put(image, labels)

    def _forward(self, batch: ViewBatch, wanted: dict[str, list[tuple[Block, LayerTally]]]) -> object:
        tallied = 0.0

        def observe(name: str, maps: Tensor) -> None:
            nonlocal tallied
            start = time.perf_counter()
            self._check(name, maps, len(batch), wanted[name][0][0].layer)
            for block, tally in wanted[name]:
                tally.observe(batch.images, maps[:, block.first : block.last])
            tallied += time.perf_counter() - start

        start = time.perf_counter()
        with torch.inference_mode(), watch(self.setting.model.module, list(wanted), observe):
            answer = self._answer(batch.views)
        self.record.seconds["tally"] += tallied
        self.record.seconds["forward"] += time.perf_counter() - start - tallied
        return answer

    @staticmethod
    def _check(name: str, maps: Tensor, images: int, layer: LayerInfo) -> None:
        expected = (images, layer.units, layer.height, layer.width)
        if tuple(maps.shape) != expected:
            raise SubjectError(
                f"layer '{name}' gave {tuple(maps.shape)}, not {expected} (images, units, height, width): "
                "its maps are not of one size for all images. Leave it out of model.layers"
            )

    def _predict(self, batch: ViewBatch, answer: object) -> None:
        """Note the strongest output, where the network answers with one row of scores for each image."""
        scores = scores_of(answer)
        if scores is not None and len(scores) == len(batch):
            self.record.outputs = scores.shape[1]
            self.record.predicted[list(batch.images)] = scores.argmax(dim=1).cpu().numpy()


def scores_of(answer: object) -> Tensor | None:
    """Find the scores `(image, output)` in what a network answers: itself, its `logits`, or its first part."""
    if isinstance(answer, Mapping):
        answer = answer.get("logits", next(iter(answer.values()), None))
    elif hasattr(answer, "logits"):
        answer = answer.logits
    elif isinstance(answer, (tuple, list)):
        answer = answer[0] if answer else None
    return answer if isinstance(answer, torch.Tensor) and answer.ndim == 2 else None  # noqa: PLR2004 - image, output


@contextlib.contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the wall time of a block to a stage."""
    start = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - start
