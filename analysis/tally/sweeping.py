"""What a sweep over the maps of one layer offers, whether it is compiled or runs on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.histogram import Histograms
    from dissectory.analysis.tally.kept import Kept
    from dissectory.analysis.tally.moments import Moments
    from dissectory.analysis.tally.peaks import TopImages

    _F32 = npt.NDArray[np.float32]


class Sweep(Protocol):
    """Top images, histograms, moments and the strongest activations of the units of one layer, for some images."""

    bound: _F32
    """Only upsampled activations above it are kept `(unit,)`."""
    moments: tuple[Moments, ...]
    """One entry for each batch."""
    units: int

    @property
    def top(self) -> TopImages:
        """The top images so far."""
        ...

    @property
    def nonfinite(self) -> npt.NDArray[np.int64]:
        """The number of activations that are not finite `(unit,)`; they are tallied as 0."""
        ...

    @property
    def histograms(self) -> Histograms:
        """The histograms of all activations so far."""
        ...

    @property
    def lowest(self) -> _F32:
        """A lower bound of all upsampled values `(unit,)`."""
        ...

    @property
    def kept(self) -> Kept:
        """The kept activations of all images so far."""
        ...

    @property
    def nbytes(self) -> int:
        """Size of the kept activations and of the counts so far, in bytes."""
        ...

    def observe(self, images: Sequence[int], maps: Tensor) -> None:
        """Add the maps `(batch, unit, height, width)` of some images."""
        ...

    def raise_bound(self, find: Callable[[Kept, _F32], _F32]) -> None:
        """Raise bounds `(unit,)`, and drop the activations that are no longer above them."""
        ...
