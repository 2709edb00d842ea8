"""Features of images at a tail's cut, cached so that the network does not compute them twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dissectory.analysis.experiments.class_ablation.tail import scores_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.class_ablation.images import SplitImages
    from dissectory.analysis.experiments.class_ablation.tail import Tail
    from dissectory.analysis.subjects.rest import Point


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """The features of some images at the cut.

    Attributes:
        numbers: the numbers of the images `(image,)`.
        cut: the values of the network at the cut.
        silent: the features if every unit is removed, of each image, or of one that represents all.
        scores: the scores of the unchanged network `(image, output)`.
    """

    numbers: npt.NDArray[np.integer[Any]]
    cut: Point
    silent: Tensor
    scores: Tensor

    def of(self, picked: npt.NDArray[np.bool_]) -> FeatureBatch:
        """Return the features of the picked images `(image,)`."""
        places = torch.from_numpy(picked.nonzero()[0]).to(self.cut.output.device)
        silent = self.silent if len(self.silent) == 1 < len(picked) else self.silent[places]
        return FeatureBatch(self.numbers[picked], self.cut.of(places), silent, self.scores[places])

    @property
    def bytes(self) -> int:
        """The memory that the features take."""
        tensors = (self.cut.output, *self.cut.around, self.silent, self.scores)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class FeatureCache:
    """Caches the features of the reporting images until the memory is full; the network runs again for the others.

    Args:
        tail: the tail of the layer.
        images: all images.
        budget: the bytes that the cache may take.
    """

    def __init__(self, tail: Tail, images: SplitImages, budget: float) -> None:
        self.tail, self.images = tail, images
        self._room = budget
        self._wanted = ~images.ranking
        self._cached: list[FeatureBatch] = []
        self._is_cached = np.zeros(len(images.ranking), dtype=np.bool_)

    def keep(self, batch: FeatureBatch) -> None:
        """Cache the reporting images of a batch if there is room for them."""
        picked = self._wanted[batch.numbers] & ~self._is_cached[batch.numbers]
        part = batch.of(picked)
        if picked.any() and part.bytes <= self._room:
            self._room -= part.bytes
            self._cached.append(part)
            self._is_cached[part.numbers] = True

    def batches(self) -> Iterator[FeatureBatch]:
        """Yield the features of all reporting images: those in the cache first."""
        yield from self._cached
        if self._is_cached[self._wanted].all():
            return
        for numbers, inputs in self.images.batches():
            picked = self._wanted[numbers] & ~self._is_cached[numbers]
            if picked.any():
                point, answer = self.tail.rest.run(inputs)
                yield FeatureBatch(numbers, *self.tail.split(point), scores_of(answer)).of(picked)
