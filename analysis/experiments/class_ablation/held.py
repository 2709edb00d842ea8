"""What a network holds of images where a layer's units are mixed, kept so that it need not be computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dissectory.analysis.experiments.class_ablation.stem import Stem, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dissectory.analysis.subjects.rest import Point

Batches = Callable[[], Iterable[tuple[npt.NDArray[np.integer[Any]], Tensor]]]
"""Goes over the images anew whenever it is called: their numbers `(image,)`, and what the network takes of them."""


@dataclass(frozen=True, slots=True)
class Held:
    """Some images at the cut: their numbers, features, features with every unit silent, and unchanged scores."""

    numbers: npt.NDArray[np.integer[Any]]
    cut: Point
    silent: Tensor
    scores: Tensor

    def of(self, picked: npt.NDArray[np.bool_]) -> Held:
        """Take some of the images."""
        places = torch.from_numpy(picked.nonzero()[0]).to(self.cut.output.device)
        silent = self.silent if len(self.silent) == 1 < len(picked) else self.silent[places]
        return Held(self.numbers[picked], self.cut.of(places), silent, self.scores[places])

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        tensors = (self.cut.output, *self.cut.around, self.silent, self.scores)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class Holding:
    """Keeps images at a layer's cut while there is room; the others are run again when they are needed.

    Args:
        stem: of the layer.
        wanted: images to keep `(image,)`.
        budget: bytes that may be kept.
    """

    def __init__(self, stem: Stem, wanted: npt.NDArray[np.bool_], budget: float) -> None:
        self._stem, self._wanted, self._room = stem, wanted, budget
        self._kept: list[Held] = []
        self._is_kept = np.zeros(len(wanted), dtype=np.bool_)

    def keep(self, held: Held) -> None:
        """Keep those images of a batch that are wanted, if there is room for them."""
        picked = self._wanted[held.numbers] & ~self._is_kept[held.numbers]
        part = held.of(picked)
        if picked.any() and part.bytes <= self._room:
            self._room -= part.bytes
            self._kept.append(part)
            self._is_kept[part.numbers] = True

    def over(self, batches: Batches) -> Iterator[Held]:
        """Go over all that is wanted: what is kept, then what is not."""
        yield from self._kept
        if self._is_kept[self._wanted].all():
            return
        for numbers, inputs in batches():
            picked = self._wanted[numbers] & ~self._is_kept[numbers]
            if picked.any():
                point, answer = self._stem.rest.run(inputs)
                yield Held(numbers, *self._stem.split(point), scores_of(answer)).of(picked)
