"""Normalization equals torchvision's; a study's keys override the weights' preprocessing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import functional

from dissectory.analysis.study.sections import ImagesSection
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.preprocessing import Preprocessing, resolve
from dissectory.errors import StudyError

OWN = Preprocessing(Geometry(288, 320, "crop", "bicubic"), (0.5, 0.4, 0.3), (0.2, 0.2, 0.1))


def section(**keys: Any) -> ImagesSection:  # noqa: ANN401 - keys of any of the section's types
    return ImagesSection(Path("photos"), **keys)


def test_the_tensor_equals_torchvision_s_exactly() -> None:
    views = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    scaled = torch.stack([functional.to_tensor(view) for view in views])
    wanted = functional.normalize(scaled, list(OWN.mean), list(OWN.std))
    tensor = OWN.tensor(views)
    assert tensor.dtype == torch.float32
    assert tensor.shape == (2, 3, 9, 9)
    assert tensor.is_contiguous()
    torch.testing.assert_close(tensor, wanted, rtol=0, atol=0)


def test_views_are_not_changed_and_may_be_read_only() -> None:
    views = np.full((1, 4, 4, 3), 255, dtype=np.uint8)
    views.flags.writeable = False
    assert OWN.tensor(views)[0, 0, 0, 0] == torch.tensor(0.5) / torch.tensor(0.2)
    assert (views == 255).all()


def test_an_empty_section_keeps_the_weights_preprocessing() -> None:
    assert resolve(section(), OWN) == OWN


def test_every_key_counts() -> None:
    keys = section(
        size=100, resize=120, fit="stretch", interpolation="nearest", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )
    wanted = Preprocessing(Geometry(100, 120, "stretch", "nearest"), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert resolve(keys, OWN) == wanted


@pytest.mark.parametrize(("size", "resize"), [(224, 256), (112, 128), (299, 342), (64, 73)])
def test_resize_follows_size(size: int, resize: int) -> None:
    assert resolve(section(size=size), Preprocessing()).geometry == Geometry(size, resize)
    assert resize == round(size / 0.875)


def test_resize_follows_size_in_the_weights_ratio() -> None:
    assert resolve(section(size=144), OWN).geometry.resize == 160
    assert resolve(section(size=288), OWN).geometry.resize == 320


def test_resize_alone_keeps_size() -> None:
    assert resolve(section(resize=288), OWN).geometry == Geometry(288, 288, "crop", "bicubic")


@pytest.mark.parametrize("keys", [{"resize": 200}, {"size": 400, "resize": 200}])
def test_resize_below_size_is_refused(keys: dict[str, int]) -> None:
    size = keys.get("size", 288)
    with pytest.raises(
        StudyError, match=rf"images.resize is 200 and images.size is {size}: .* set resize to {size} or more"
    ):
        resolve(section(**keys), OWN)
