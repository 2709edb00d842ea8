"""Passes over the images: label maps, outputs and all layers at once, in the same forward pass.

    Pass(setting, layers, labels, outputs, seconds=seconds).run(advance)

Images are decoded in advance, and labeled in parallel with the forward pass. Batches that are already in the shards are
skipped.
"""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dissectory.analysis.measuring.forward import Forward
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.subjects.latents import Latents
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from torch import Tensor

    from dissectory.analysis.measuring.parts import LabelPart, LayerPart, OutputPart, Part
    from dissectory.analysis.measuring.seconds import Seconds
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.subjects.images import ViewBatch


SHARD_IMAGES = 256
"""At most this many images go into one shard: an interrupted run loses them, and their tally is held in memory."""


class Pass:
    """One pass over the images for some parts of the work."""

    def __init__(
        self,
        setting: Setting,
        layers: Sequence[LayerPart],
        labels: LabelPart | None = None,
        outputs: OutputPart | None = None,
        *,
        seconds: Seconds,
    ) -> None:
        self._setting = setting
        self._labels = labels
        self._outputs = outputs
        self._layers = {part.layer.name: part for part in layers}
        self._seconds = seconds
        self._order = batches(len(setting.images), setting.study.compute.batch)
        compute = setting.study.compute
        self._network = Forward(setting.model.module, compute.batch, autocast=compute.autocast)
        parts: list[Part] = [part for part in (labels, outputs, *layers) if part is not None]
        self._missing = {part: set(part.shards.missing(len(self._order))) for part in parts}
        self._open: list[Part] = []
        self._first = self._used = 0

    @property
    def todo(self) -> list[int]:
        """The numbers of the batches that at least one part lacks."""
        return sorted(set().union(*self._missing.values()))

    @property
    def done(self) -> int:
        """The number of images that every part already has."""
        return len(self._setting.images) - sum(len(self._order[number]) for number in self.todo)

    def run(self, advance: Callable[[int], None]) -> None:
        """Run the network on the missing batches, and write the shards."""
        todo = self.todo
        with (
            ThreadPoolExecutor(1, thread_name_prefix="label") as labeler,
            contextlib.closing(self._decoded(todo)) as decoded,
        ):
            for place, (number, batch) in enumerate(zip(todo, decoded, strict=True)):
                self._begin(number)
                self._observe(batch, labeler)
                following = todo[place + 1] if place + 1 < len(todo) else None
                if self._is_last(number, following):
                    self._write(number + 1)
                advance(len(self._order[number]))

    def _begin(self, number: int) -> None:
        """Begin a shard with a batch, unless one is open: open the parts that lack the batch."""
        if not self._open:
            self._open = [part for part, missing in self._missing.items() if number in missing]
            self._first, self._used = number, 0

    def _is_last(self, number: int, following: int | None) -> bool:
        """Whether the shard ends with a batch: it is full, or the next batch is missing in other parts."""
        step = max(1, SHARD_IMAGES // self._setting.study.compute.batch)
        if following != number + 1 or following % step == 0 or self._is_full():
            return True
        return self._open != [part for part, missing in self._missing.items() if following in missing]

    def _is_full(self) -> bool:
        """Whether one more batch could take more memory than the study allows.

        The tally of a part is in memory twice for a moment, while its arrays are joined and written.
        """
        sizes = [part.nbytes for part in self._open]
        used = sum(sizes)
        growth, self._used = used - self._used, used
        return used + growth + 2 * max(sizes) > self._setting.study.compute.memory_gb * 1e9

    def _write(self, last: int) -> None:
        with self._seconds.stage("shards"):
            for part in self._open:
                part.write(self._first, last)
        self._seconds.keep()
        self._open = []

    def _decoded(self, numbers: Sequence[int]) -> Generator[ViewBatch]:
        """Yield decoded batches; the time spent waiting for them counts as the stage "decode"."""
        groups = [self._order[number] for number in numbers]
        with contextlib.closing(self._setting.images.batches(groups, self._setting.study.compute.workers)) as found:
            while True:
                with self._seconds.stage("decode"):
                    batch = next(found, None)
                if batch is None:
                    return
                yield batch

    def _observe(self, batch: ViewBatch, labeler: ThreadPoolExecutor) -> None:
        """Give a batch to every open part.

        Photographs are labeled in parallel with the forward pass; generated images are labeled after it.
        """
        wanted = [name for name, part in self._layers.items() if part in self._open]
        labels = self._labels if self._labels in self._open else None
        if isinstance(self._setting.images, Latents):
            answer = self._forward(batch, wanted)
            with self._seconds.stage("label"):
                if labels:
                    labels.observe(self._setting.images.pictured(batch, answer))
            return
        labeling = labeler.submit(labels.observe, batch) if labels else None
        if len(batch) and (wanted or self._outputs in self._open):
            self._forward(batch, wanted)
        if labeling:
            with self._seconds.stage("label"):
                labeling.result()

    def _forward(self, batch: ViewBatch, wanted: Sequence[str]) -> object:
        """Run the network, and return its answer."""
        tallied = 0.0

        def observe(name: str, first: int, last: int, maps: Tensor) -> None:
            nonlocal tallied
            start = time.perf_counter()
            self._layers[name].observe(batch.images[first:last], maps)
            tallied += time.perf_counter() - start

        start = time.perf_counter()
        answer, calls = self._network.run(self._setting.inputs(batch), wanted, observe)
        _check_calls(calls, batch)
        if self._outputs and self._outputs in self._open:
            self._outputs.observe(batch.images, answer)
        self._seconds["tally"] += tallied
        self._seconds["forward"] += time.perf_counter() - start - tallied
        return answer


def _check_calls(calls: Mapping[str, int], batch: ViewBatch) -> None:
    """Refuse a network that does not call each layer exactly once for a batch."""
    for name, times in calls.items():
        if times != 1:
            raise SubjectError(
                f"layer '{name}' was called {times} times, not once, for the {len(batch)} images from "
                f"'{batch.paths[0]}' on: the network must call a layer once for every batch of images. Remove the "
                "layer from model.layers"
            )
