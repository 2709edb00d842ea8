"""`LevelCounts` in torch operations on a device; the numbers are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.tally.device.blending import Blend
from dissectory.analysis.tally.device.memory import divided, to_device, to_host
from dissectory.analysis.tally.device.products import Pieces, counted, mask_type
from dissectory.analysis.tally.information import Information, LevelCounts

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.tally.upsampling import Upsampler

_POSITION_BYTES = 64
"""Bytes of temporary tensors for each upsampled position."""


class DeviceLevelCounts(LevelCounts):
    """Counts of the positions above every level, on `device`, where temporary tensors use about `memory` bytes."""

    def __init__(
        self,
        upsampler: Upsampler,
        levels: npt.NDArray[np.float32],
        concepts: int,
        *,
        device: torch.device,
        memory: int,
        threads: int = 1,
    ) -> None:
        super().__init__(upsampler, levels, concepts, threads=threads)
        self._device = device
        self._memory = memory
        self._there = to_device(self._levels, device)
        self._blend = Blend.of(upsampler, device)
        self._pieces = Pieces(upsampler.positions, mask_type(device))
        # For each unit, level and concept, the positions above the level; in the first column, all of them.
        self._above = torch.zeros((*levels.shape, concepts + 1), dtype=torch.int64, device=device)

    @torch.inference_mode()
    def observe(self, maps: Tensor, labels: npt.NDArray[np.uint16]) -> None:
        """Count in the maps `(image, unit, height, width)` of some images; see `LevelCounts.observe`."""
        self._check(len(maps), labels)
        there, pieces, concepts = maps.detach().to(self._device), self._pieces, self._above.shape[2] - 1
        masks = pieces.concept_masks(to_device(labels, self._device), concepts)
        masks[:, :, 0] = 1

        def work(first: int, last: int) -> Tensor:
            some = there[:, first:last].to(torch.float32).transpose(0, 1)
            values = self._blend.upsampled(some.masked_fill(~some.isfinite(), 0))
            above = pieces.level_masks(values, self._there[first:last])
            return counted(above, masks).view(last - first, -1, concepts + 1)

        size = self._memory // (2 * len(maps) * self._bytes_each)
        found = list(divided(work, len(self._levels), size))
        self._above += torch.cat(found)

    @property
    def _bytes_each(self) -> int:
        """Bytes of temporary tensors for one unit in one image."""
        levels, concepts = self._above.shape[1:]
        pieces, item = self._pieces, self._pieces.dtype.itemsize
        positions = pieces.count * pieces.size
        return positions * (_POSITION_BYTES + levels * (1 + item)) + pieces.count * levels * concepts * item

    def best(self, positions: int, pixels: npt.NDArray[np.int64]) -> Information:
        """Return the best level of each unit for each concept; see `LevelCounts.best`."""
        above = to_host(self._above)[0]
        between = above - np.concatenate([above[:, 1:], np.zeros_like(above[:, :1])], axis=1)
        self._active[:, 1:] = between[:, :, 0]
        self._met[:, 1:, 1:] = between[:, :, 1:]
        return super().best(positions, pixels)
