"""Memory of a device: a budget for temporary tensors, retries with less, and copies to and from the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from torch import Tensor

_Result = TypeVar("_Result")


def divided(work: Callable[[int, int], _Result], count: int, size: int) -> Iterator[_Result]:
    """Yield `work(first, last)` for neighboring ranges of up to `size` of `count` things.

    When the device has not enough memory for a range, all further ranges have half its size.

    Raises:
        torch.OutOfMemoryError: a single thing does not fit.
    """
    first, size = 0, max(1, min(size, count))
    while first < count:
        last = min(first + size, count)
        try:
            found = work(first, last)
        except torch.OutOfMemoryError:
            if last - first == 1:
                raise
            size = (last - first) // 2
            continue
        yield found
        first = last


def to_device(array: npt.NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to a device; uint16, for which torch has few operations, becomes int32.

    On a CUDA device, the host does not wait for the copy.
    """
    if array.dtype == np.uint16:
        return to_device(array.view(np.int16), device).to(torch.int32).bitwise_and_(0xFFFF)
    tensor = torch.from_numpy(np.array(array))  # a copy, because torch warns about memory that is not writable
    return pinned(tensor, device).to(device, non_blocking=True)


def pinned(tensor: Tensor, device: torch.device) -> Tensor:
    """Move a tensor of the host to pinned memory, from which copies to a CUDA device need no waiting."""
    return tensor.pin_memory() if device.type == "cuda" else tensor


def to_host(*tensors: Tensor) -> tuple[npt.NDArray[Any], ...]:
    """Copy tensors of one device to arrays that own their memory; the host waits once, for all copies."""
    copies = [tensor.to("cpu", non_blocking=True) for tensor in tensors]  # from CUDA, into pinned memory
    if tensors[0].is_cuda:
        torch.cuda.current_stream(tensors[0].device).synchronize()
    return tuple(np.array(copy.numpy()) for copy in copies)
