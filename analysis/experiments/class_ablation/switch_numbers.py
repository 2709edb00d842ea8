"""The numbers of a switchboard: what a browser needs to predict with any set of units, and the browser's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dissectory.analysis.tally.removal import LinearHead, RectifiedHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.cache import FeatureBatch
    from dissectory.analysis.experiments.class_ablation.tail import Tail

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class SwitchNumbers:
    """Base, weight and change of some images (see the module `switches`); `slope` is `None` if they are linear."""

    base: _F32
    weight: _F32
    change: _F32
    slope: float | None

    @classmethod
    def of(cls, tail: Tail, batch: FeatureBatch) -> SwitchNumbers:
        """Make the numbers of some images; they have one base if it is the same for all of them."""
        features, head = tail.features(batch.cut, batch.silent, batch.scores), tail.head
        silent = features.silent[:1] if (features.silent == features.silent[:1]).all() else features.silent
        if isinstance(head, RectifiedHead):
            base = silent.transpose(0, 2, 1) @ head.weight + head.bias
            return cls(base, head.weight[:, None], features.change, head.slope)
        assert isinstance(head, LinearHead)  # noqa: S101 - no other layer gets a switchboard
        removed = np.ones((len(silent), tail.units), dtype=np.bool_)
        with torch.no_grad():
            scores = tail.without(batch.cut, batch.silent, np.arange(len(silent)), removed)
        return cls(scores.float().cpu().numpy()[:, None], head.weight, features.change, None)

    def without(self, sets: Sequence[_Ints]) -> npt.NDArray[np.intp]:
        """Predict without each set of units, and with only this set kept `(image, set, 2)`, as a browser does."""
        whole = self.base + self._part(np.arange(self.change.shape[1]))
        found = np.empty((len(self.change), len(sets), 2), dtype=np.intp)
        for place, units in enumerate(sets):
            part = self._part(units)
            found[:, place, 0] = self._predict(whole - part)
            found[:, place, 1] = self._predict(self.base + part)
        return found

    def _part(self, units: _Ints) -> _F64:
        """Compute the part of some units in the values `(image, position, output)`."""
        change, weight = self.change[:, units].astype(np.float64), self.weight[units].astype(np.float64)
        if self.slope is None:
            together: _F64 = change.reshape(len(change), -1) @ weight.reshape(-1, weight.shape[2])
            return together[:, None]
        by_place: _F64 = change.transpose(0, 2, 1) @ weight[:, 0]
        return by_place

    def _predict(self, values: _F64) -> npt.NDArray[np.intp]:
        """Find the output with the highest score `(image,)`, the first of equal ones."""
        if self.slope is not None:
            values = np.where(values > 0, values, self.slope * values)
        predicted: npt.NDArray[np.intp] = values.mean(axis=1).argmax(axis=1)
        return predicted
