"""Everything that is tallied of one layer in the pass over the images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.histogram import Histograms
from dissectory.analysis.tally.moments import Moments
from dissectory.analysis.tally.peaks import TopImages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from dissectory.analysis.tally.tail import Tail


class LayerTally:
    """Tail, top images, histograms and moments of the units of one layer.

    `nonfinite` `(unit,)` counts activations that are not finite; they are tallied as 0 and must be reported.
    """

    def __init__(self, tail: Tail, top_images: int) -> None:
        self.tail = tail
        self.top = TopImages(tail.units, top_images)
        self.histograms = Histograms(tail.units)
        self.moments = Moments.none(tail.units)
        self.nonfinite = np.zeros(tail.units, dtype=np.int64)

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Take in the maps `(batch, unit, height, width)` of some images."""
        finite = self._finite(maps.detach().float())
        top, places = finite.flatten(2).max(dim=2)
        values, peaks, cells = finite.cpu().numpy(), top.cpu().numpy(), places.cpu().numpy()
        self.tail.observe(images, values, peaks)
        self.top.observe(images, peaks, cells)
        self.histograms.observe(values)
        self.moments = self.moments + Moments.of(values, peaks)

    def _finite(self, maps: Tensor) -> Tensor:
        if torch.isfinite(maps.sum()):  # one cheap look: a sum is finite only if everything is
            return maps
        strange = ~torch.isfinite(maps)
        self.nonfinite += strange.sum(dim=(0, 2, 3)).cpu().numpy()
        return maps.masked_fill(strange, 0)

    def __add__(self, other: LayerTally) -> LayerTally:
        """Add the tally of other images."""
        total = LayerTally(self.tail + other.tail, 0)
        total.top = self.top + other.top
        total.histograms = self.histograms + other.histograms
        total.moments = self.moments + other.moments
        total.nonfinite = self.nonfinite + other.nonfinite
        return total
