"""How a tally is computed: by compiled kernels on the host, or in torch operations where the activations are.

    backend = backend_for(torch.device("cuda"), memory=4_000_000_000, threads=8)
    sweep = backend.sweep(upsampler, units, top_images)

Both give the same counts, thresholds, peaks and histograms. The manifest of a run records the backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from dissectory.analysis.tally import overlap
from dissectory.analysis.tally.device.levels import DeviceLevelCounts
from dissectory.analysis.tally.device.overlap import DeviceCounts
from dissectory.analysis.tally.device.sweep import DeviceSweep
from dissectory.analysis.tally.information import LevelCounts
from dissectory.analysis.tally.sweep import LayerSweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import torch

    from dissectory.analysis.tally.kept import Kept
    from dissectory.analysis.tally.sweeping import Sweep
    from dissectory.analysis.tally.upsampling import Upsampler

    _F32 = npt.NDArray[np.float32]
    _I32 = npt.NDArray[np.int32]
    _I64 = npt.NDArray[np.int64]
    _U16 = npt.NDArray[np.uint16]


MOST_MEMORY = 16_000_000_000
"""The device's tally uses at most this many bytes: more would not make it faster, and some operations of CUDA take no
tensors of more than 2^31 elements."""


class Backend(Protocol):
    """One way to compute a tally; `name` is its name in the manifest."""

    name: ClassVar[str]

    def sweep(self, upsampler: Upsampler, units: int, top_images: int, bound: _F32 | None = None) -> Sweep:
        """Begin the statistics of one layer; see `LayerSweep`."""
        ...

    def level_counts(self, upsampler: Upsampler, levels: _F32, concepts: int) -> LevelCounts:
        """Begin the counts above every level; see `LevelCounts`."""
        ...

    def count(self, kept: Kept, thresholds: _F32, labels: _U16, row_of: _I32, concepts: int) -> tuple[_I64, _I64]:
        """Count where units are active, and which concepts are there; see `overlap.count`."""
        ...

    def count_paired(
        self, kept: Kept, images: _I32, labels: _U16, moves: Sequence[int], concepts: int
    ) -> tuple[_I64, _I64]:
        """Count with the label maps of other images; see `overlap.count_paired`."""
        ...

    def count_by_image(
        self, kept: Kept, thresholds: _F32, concept: npt.NDArray[np.integer[Any]], labels: _U16, row_of: _I32
    ) -> tuple[_I32, _I32]:
        """Count in every image; see `overlap.count_by_image`."""
        ...


@dataclass(frozen=True, slots=True)
class Compiled:
    """Compiled kernels on the host; `threads` share the units. Activations on a device are copied to the host."""

    name: ClassVar[str] = "compiled"
    threads: int = 1

    def sweep(self, upsampler: Upsampler, units: int, top_images: int, bound: _F32 | None = None) -> Sweep:
        """Begin the statistics of one layer."""
        return LayerSweep(upsampler, units, top_images, bound=bound, threads=self.threads)

    def level_counts(self, upsampler: Upsampler, levels: _F32, concepts: int) -> LevelCounts:
        """Begin the counts above every level."""
        return LevelCounts(upsampler, levels, concepts, threads=self.threads)

    def count(self, kept: Kept, thresholds: _F32, labels: _U16, row_of: _I32, concepts: int) -> tuple[_I64, _I64]:
        """Count where units are active, and which concepts are there."""
        return overlap.count(kept, thresholds, labels, row_of, concepts, self.threads)

    def count_paired(
        self, kept: Kept, images: _I32, labels: _U16, moves: Sequence[int], concepts: int
    ) -> tuple[_I64, _I64]:
        """Count with the label maps of other images."""
        return overlap.count_paired(kept, images, labels, moves, concepts, self.threads)

    def count_by_image(
        self, kept: Kept, thresholds: _F32, concept: npt.NDArray[np.integer[Any]], labels: _U16, row_of: _I32
    ) -> tuple[_I32, _I32]:
        """Count in every image."""
        return overlap.count_by_image(kept, thresholds, concept, labels, row_of, self.threads)


@dataclass(frozen=True, slots=True)
class OnDevice:
    """Torch operations on `device`: only activations above the bounds travel to the host.

    Temporary tensors use about `memory` bytes of the device. `threads` share what remains on the host.
    """

    name: ClassVar[str] = "device"
    device: torch.device
    memory: int
    threads: int = 1
    _counts: DeviceCounts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_counts", DeviceCounts(self.device, self.memory))

    def sweep(self, upsampler: Upsampler, units: int, top_images: int, bound: _F32 | None = None) -> Sweep:
        """Begin the statistics of one layer."""
        return DeviceSweep(
            upsampler, units, top_images, device=self.device, memory=self.memory, bound=bound, threads=self.threads
        )

    def level_counts(self, upsampler: Upsampler, levels: _F32, concepts: int) -> LevelCounts:
        """Begin the counts above every level."""
        return DeviceLevelCounts(
            upsampler, levels, concepts, device=self.device, memory=self.memory, threads=self.threads
        )

    def count(self, kept: Kept, thresholds: _F32, labels: _U16, row_of: _I32, concepts: int) -> tuple[_I64, _I64]:
        """Count where units are active, and which concepts are there."""
        return self._counts.count(kept, thresholds, labels, row_of, concepts)

    def count_paired(
        self, kept: Kept, images: _I32, labels: _U16, moves: Sequence[int], concepts: int
    ) -> tuple[_I64, _I64]:
        """Count with the label maps of other images."""
        return self._counts.count_paired(kept, images, labels, moves, concepts)

    def count_by_image(
        self, kept: Kept, thresholds: _F32, concept: npt.NDArray[np.integer[Any]], labels: _U16, row_of: _I32
    ) -> tuple[_I32, _I32]:
        """Count in every image."""
        return self._counts.count_by_image(kept, thresholds, concept, labels, row_of)


BACKENDS: Mapping[str, Callable[[torch.device, int, int], Backend]] = {
    Compiled.name: lambda _device, _memory, threads: Compiled(threads),
    OnDevice.name: OnDevice,
}
"""How each backend is made, from a device, bytes of its memory, and a number of threads."""


def backend_for(device: torch.device, memory: int, threads: int) -> Backend:
    """Return the backend for a network on `device`: torch operations on CUDA, compiled kernels elsewhere."""
    name = OnDevice.name if device.type == "cuda" else Compiled.name
    return BACKENDS[name](device, min(memory, MOST_MEMORY), threads)
