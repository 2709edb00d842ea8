"""Where the tally's tensors are: fake tensors of a CUDA device, which need no such device.

An operation on a fake tensor computes only the shape, type and device of its result. It fails if its operands are on
different devices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from fakes.maps import swept
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from dissectory.analysis.tally.device import overlap, strongest
from dissectory.analysis.tally.device.blending import Blend
from dissectory.analysis.tally.device.levels import DeviceLevelCounts
from dissectory.analysis.tally.device.products import Pieces, counted, mask_type
from dissectory.analysis.tally.device.sweep import DeviceSweep
from dissectory.analysis.tally.information import LEVELS
from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.upsampling import Upsampler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

pytestmark = pytest.mark.usefixtures("_fake")
CUDA = torch.device("cuda:0")
UNITS, IMAGES, CONCEPTS, GRID = 5, 4, 3, 56
UPSAMPLER = Upsampler(7, 6, GRID)


@pytest.fixture
def kept() -> Kept:
    return swept(np.ones((IMAGES, UNITS, 7, 6), dtype=np.float32), UPSAMPLER, IMAGES).kept


@pytest.fixture
def _fake(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - made of real tensors
    monkeypatch.setattr("dissectory.analysis.tally.device.memory.pinned", lambda tensor, _device: tensor)
    shapes = ShapeEnv(allow_dynamic_output_shape_ops=True)
    with FakeTensorMode(shape_env=shapes, allow_non_fake_inputs=True):
        yield


def on_cuda(*tensors: Tensor) -> bool:
    return {tensor.device for tensor in tensors} == {CUDA}


def test_a_sweep_stays_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[Tensor] = []

    def to_host(*tensors: Tensor) -> list[np.ndarray]:
        copied.extend(tensors)
        return [np.zeros(tuple(tensor.shape)) for tensor in tensors]

    monkeypatch.setattr("dissectory.analysis.tally.device.sweep.to_host", to_host)
    monkeypatch.setattr("dissectory.analysis.tally.device.sweep.strongest", lambda maps, *_: Kept.nothing(len(maps)))
    sweep = DeviceSweep(UPSAMPLER, UNITS, 3, device=CUDA, memory=10**5)
    for first in (0, IMAGES):
        maps = torch.randn(IMAGES, UNITS, 7, 6, device=CUDA)
        sweep.observe(range(first, first + IMAGES), maps)
    assert len(sweep.moments) == 2
    assert on_cuda(sweep._counts, sweep._lowest, sweep._nonfinite, sweep._top._keys, sweep._top._cells, *copied)
    assert sum(tensor.numel() for tensor in copied) == 2 * 4 * UNITS


@pytest.mark.parametrize("border", ["zeros", "extend"])
def test_the_strongest_activations_are_found_on_the_device(border: str) -> None:
    blend = Blend.of(Upsampler(7, 6, GRID, border), CUDA)  # type: ignore[arg-type]
    maps, bound = torch.randn(UNITS, IMAGES, 7, 6, device=CUDA), torch.zeros(UNITS, device=CUDA)
    bordered = blend.bordered(maps)
    assert on_cuda(strongest._bands(bordered, bound, blend))
    entries = strongest._above(bordered, bound, blend, torch.zeros(9, 3, dtype=torch.int64, device=CUDA))
    assert on_cuda(entries.values, entries.positions, entries.pairs)
    assert (entries.values.dtype, entries.positions.dtype) == (torch.float32, torch.int32)


def test_overlaps_are_counted_on_the_device(kept: Kept) -> None:
    active = overlap._Active.of(kept, np.zeros(UNITS, dtype=np.float32), np.arange(IMAGES, dtype=np.int32), CUDA)
    assert on_cuda(active.units, active.rows, active.positions, active.per_unit)
    pieces = Pieces(GRID**2, mask_type(CUDA))
    labels = torch.zeros(IMAGES, GRID**2, 2, dtype=torch.int32, device=CUDA)
    units, concepts = active.masks(pieces, 0, IMAGES), pieces.concept_masks(labels, CONCEPTS)
    assert units.dtype == concepts.dtype == torch.float16
    assert units.shape == (IMAGES * 2, UNITS, GRID**2 // 2)
    met = counted(units, concepts)
    assert on_cuda(units, concepts, met)
    assert (met.shape, met.dtype) == ((UNITS, CONCEPTS + 1), torch.int64)
    assert on_cuda(active.per_row(torch.ones_like(active.rows, dtype=torch.bool), IMAGES))


def test_levels_are_counted_on_the_device() -> None:
    counts = DeviceLevelCounts(UPSAMPLER, np.zeros((UNITS, LEVELS), np.float32), CONCEPTS, device=CUDA, memory=10**6)
    labels = np.zeros((IMAGES, GRID**2, 2), dtype=np.uint16)
    counts.observe(torch.randn(IMAGES, UNITS, 7, 6, device=CUDA), labels)
    assert on_cuda(counts._above)
    assert counts._above.dtype == torch.int64
