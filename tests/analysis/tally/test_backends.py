"""Which backend counts on which device, and that both have one signature."""

from __future__ import annotations

import inspect

import pytest
import torch

from dissectory.analysis.tally.backends import BACKENDS, MOST_MEMORY, Backend, Compiled, OnDevice, backend_for


@pytest.mark.parametrize(("device", "name"), [("cpu", "compiled"), ("cuda", "device"), ("cuda:1", "device")])
def test_the_device_chooses_the_backend(device: str, name: str) -> None:
    backend = backend_for(torch.device(device), 4_000_000_000, 2)
    assert backend.name == name
    assert isinstance(backend, OnDevice if name == "device" else Compiled)


def test_a_device_with_very_much_memory_is_not_filled() -> None:
    backend = backend_for(torch.device("cuda"), 10**12, 2)
    assert isinstance(backend, OnDevice)
    assert backend.memory == MOST_MEMORY


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend_takes_the_same_arguments(name: str) -> None:
    backend = BACKENDS[name](torch.device("cpu"), 10**9, 1)
    assert backend.name == name
    for method in ("sweep", "level_counts", "count", "count_paired", "count_by_image"):
        wanted = list(inspect.signature(getattr(Backend, method)).parameters)[1:]
        assert list(inspect.signature(getattr(backend, method)).parameters) == wanted
