"""The parts of a pass over the images: label maps, the network's outputs, the activations of each layer.

Each part tallies the batches that it observes. At the end of a shard, it writes its tally to disk and starts a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor

from dissectory.analysis.measuring.activations import arrays_of, blocks, bound_of, kept_of
from dissectory.analysis.measuring.classification import NO_PREDICTION
from dissectory.analysis.tally.bounds import first_bound, raised
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.overlap import distinct
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.concepts.vocabulary import Planes, Vocabulary
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.tally.backends import Backend
    from dissectory.analysis.tally.sweeping import Sweep
    from dissectory.analysis.tally.upsampling import Upsampler

    Arrays = dict[str, npt.NDArray[Any]]


class Part(Protocol):
    """One part of the work in a pass."""

    @property
    def shards(self) -> Shards:
        """The shards that the part writes."""
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the part holds until it writes its shard."""
        ...

    def write(self, first: int, last: int) -> None:
        """Write the tally of the batches `first` to `last - 1` as a shard, and start a new tally."""
        ...


@dataclass(eq=False)
class LabelPart:
    """The label maps of the images on the grid, the images' sizes, and the files that could not be decoded."""

    shards: Shards
    vocabulary: Vocabulary
    grid: int
    _rows: list[Arrays] = field(default_factory=list)
    _skipped: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes of the label maps since the last shard."""
        return sum(array.nbytes for rows in self._rows for array in rows.values())

    def observe(self, batch: ViewBatch) -> None:
        """Label the images of a batch."""
        planes = self.vocabulary.label(batch) if len(batch) else self._nothing()
        labels = distinct(np.moveaxis(planes, 1, 3).reshape(len(batch), self.grid**2, self.vocabulary.planes))
        concepts = len(self.vocabulary)
        areas = [np.bincount(image.ravel(), minlength=concepts + 1)[1:] for image in labels]
        self._rows.append(
            {
                "images": np.array(batch.images, dtype=np.int32),
                "sizes": np.array(batch.sizes, dtype=np.int32).reshape(-1, 2),
                "labels": labels,
                "areas": np.array(areas, dtype=np.int32).reshape(-1, concepts),
            }
        )
        self._skipped += [(image, skipped.path, skipped.reason) for image, skipped in batch.skipped.items()]

    def _nothing(self) -> Planes:
        return np.empty((0, self.vocabulary.planes, self.grid, self.grid), dtype=np.uint16)

    def write(self, first: int, last: int) -> None:
        """Write a shard."""
        arrays = {name: np.concatenate([rows[name] for rows in self._rows]) for name in self._rows[0]}
        self.shards.write(first, last, arrays, {"skipped": self._skipped})
        self._rows, self._skipped = [], []


@dataclass(eq=False)
class OutputPart:
    """The network's highest-scoring output for each image."""

    shards: Shards
    outputs: int = 0
    _images: list[int] = field(default_factory=list)
    _predicted: list[int] = field(default_factory=list)
    nbytes: int = 0

    def observe(self, images: Sequence[int], answer: object) -> None:
        """Record each image's highest-scoring output if the network gives one row of scores for each image.

        An image with a score that is NaN has no highest-scoring output: `NO_PREDICTION` is recorded.
        """
        scores = scores_of(answer)
        if scores is not None and len(scores) == len(images):
            self.outputs = scores.shape[1]
            self._images += images
            strongest = scores.argmax(dim=1).masked_fill(scores.isnan().any(dim=1), NO_PREDICTION)
            self._predicted += strongest.tolist()

    def write(self, first: int, last: int) -> None:
        """Write a shard."""
        arrays = {
            "images": np.array(self._images, dtype=np.int32),
            "predicted": np.array(self._predicted, dtype=np.int32),
        }
        self.shards.write(first, last, arrays, {"outputs": self.outputs})
        self._images, self._predicted = [], []


class LayerPart:
    """The activations of one layer: all that may exceed the thresholds, top images, histograms and moments.

    Only activations above a bound are kept. Each unit's bound is estimated on the first batch, and raised whenever the
    number of images has doubled, so that at least the share `quantile` of all positions is expected above it. This
    share is the study's quantile, or a larger one if a bound turned out too high. `known` `(unit,)` holds bounds that
    are known to be valid, NaN for other units.
    """

    def __init__(
        self,
        layer: LayerInfo,
        shards: Shards,
        upsampler: Upsampler,
        top_images: int,
        tally: Backend,
        *,
        total: int,
        quantile: float,
        known: npt.NDArray[np.float32] | None = None,
        threads: int = 1,
    ) -> None:
        """Continue from the shards on disk, if there are any; `total` is the number of all images."""
        self.layer = layer
        self.shards = shards
        self._upsampler = upsampler
        self._top_images = top_images
        self._tally = tally
        self._total = total
        self._quantile = quantile
        self._known = np.full(layer.units, np.nan, dtype=np.float32) if known is None else known
        self._threads = threads
        self._seen = sum(shard.note["images"] for shard in shards)
        self._raised_at = max((shard.note["raised"] for shard in shards), default=0)
        self._sweep: Sweep | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the tally since the last shard."""
        return self._sweep.nbytes if self._sweep else 0

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Tally the activation maps `(batch, unit, height, width)` of some images.

        Raises:
            SubjectError: the maps do not have the size that they had when the layers were listed.
        """
        expected = (len(images), self.layer.units, self.layer.height, self.layer.width)
        if tuple(maps.shape) != expected:
            raise SubjectError(
                f"layer '{self.layer.name}' has an output of shape {tuple(maps.shape)}, not {expected} (images, units, "
                "height, width): its maps must have the same size for all images. Remove the layer from model.layers"
            )
        if self._sweep is None:
            self._sweep = self._new_sweep(self._next_bound(maps))
        self._sweep.observe(images, maps)
        self._seen += len(images)
        if len(self.shards) == 0 and self._is_due():
            self._sweep.raise_bound(self._raised)

    def write(self, first: int, last: int) -> None:
        """Write a shard."""
        sweep = self._sweep or self._new_sweep()
        images = self._seen - sum(shard.note["images"] for shard in self.shards)
        self.shards.write(first, last, arrays_of(sweep), {"images": images, "raised": self._raised_at})
        self._sweep = None

    def _new_sweep(self, bound: npt.NDArray[np.float32] | None = None) -> Sweep:
        return self._tally.sweep(self._upsampler, self.layer.units, self._top_images, bound)

    def _next_bound(self, maps: Tensor) -> npt.NDArray[np.float32]:
        """Find the bounds of a new shard `(unit,)`, whose first maps are given."""
        if not any(shard.note["images"] for shard in self.shards):
            return self._first_bound(maps)
        bound = bound_of(self.shards)
        if self._is_due():
            for first, last in blocks(self.shards):
                kept = Kept.joined([kept_of(shard, first, last) for shard in self.shards])
                bound[first:last] = self._raised(kept, bound[first:last], self._threads)
        return bound

    def _first_bound(self, maps: Tensor) -> npt.NDArray[np.float32]:
        if self._quantile >= 1:
            bound = np.full(self.layer.units, -np.inf, dtype=np.float32)
        else:
            bound = first_bound(maps, self._total, self._quantile, self._upsampler, self._threads)
        return np.where(np.isnan(self._known), bound, self._known)

    def _is_due(self) -> bool:
        """Whether the number of images has doubled since the bounds were last raised."""
        if self._seen < max(2 * self._raised_at, 1) or self._quantile >= 1:
            return False
        self._raised_at = self._seen
        return True

    def _raised(self, kept: Kept, bound: npt.NDArray[np.float32], threads: int = 1) -> npt.NDArray[np.float32]:
        """Raise bounds from the kept activations of all images so far."""
        positions = self._upsampler.positions
        return raised(kept, self._seen, self._total, self._quantile, positions, bound, threads)


def scores_of(answer: object) -> Tensor | None:
    """Find the scores `(image, output)` in a network's answer; `None` if it has none.

    The scores are the answer itself, its `logits`, or its first element.
    """
    if isinstance(answer, Mapping):
        answer = answer.get("logits", next(iter(answer.values()), None))
    elif hasattr(answer, "logits"):
        answer = answer.logits
    elif isinstance(answer, (tuple, list)):
        answer = answer[0] if answer else None
    return answer if isinstance(answer, Tensor) and answer.ndim == 2 else None  # noqa: PLR2004 - image, output
