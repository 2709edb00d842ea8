"""A network that computes features: on the device of the study, and in parts if a batch does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.features import FeatureNetwork
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

VIEWS = np.random.default_rng(3).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


class Maps(nn.Module):
    """Three maps: the colors times a buffer. The device has memory for `room` images."""

    scale: Tensor
    room = 9

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.full((1, 3, 1, 1), 2.0))
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> Tensor:
        self.seen.append(pictures)
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError
        return pictures * self.scale


def opened(base: Path, device: str = "cpu") -> tuple[FeatureNetwork, Any]:
    """Return the network that computes features, and its module."""
    network = FeatureNetwork(f"python:{__file__}:Maps", base, "artifacts.features", torch.device(device))
    return network, network._module


def test_features_are_the_means_of_maps(tmp_path: Path) -> None:
    features = opened(tmp_path)[0](VIEWS)
    assert features.dtype == np.float64
    np.testing.assert_allclose(features, 2 * VIEWS.mean(axis=(1, 2)) / 255, rtol=1e-6)


def test_a_batch_that_does_not_fit_runs_in_parts(tmp_path: Path) -> None:
    network, module = opened(tmp_path)
    expected = network(VIEWS)
    module.room, module.seen = 2, []
    np.testing.assert_array_equal(network(VIEWS), expected)
    assert [len(pictures) for pictures in module.seen] == [5, 2, 2, 1]
    module.room = 0
    with pytest.raises(SubjectError, match=r"not enough memory for the network of artifacts\.features and one image"):
        network(VIEWS)


def test_the_network_runs_on_its_device(tmp_path: Path) -> None:
    network, module = opened(tmp_path, "meta")
    with pytest.raises(RuntimeError, match="meta tensors"):  # tensors of the device "meta" have no numbers to check
        network(VIEWS)
    assert module.seen[0].is_meta
    assert module.scale.is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_features_from_a_cuda_device_are_the_same(tmp_path: Path) -> None:
    network, module = opened(tmp_path, "cuda")
    np.testing.assert_allclose(network(VIEWS), opened(tmp_path)[0](VIEWS), rtol=1e-6)
    assert module.seen[0].is_cuda
