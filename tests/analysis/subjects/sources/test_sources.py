"""Model sources are found by the text before the first colon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dissectory.analysis.subjects.sources import Network, find_source, model_source, python, timm, torchvision
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("torchvison:resnet18", r"unknown source 'torchvison'; did you mean 'torchvision'"),
        ("resnet18", r"it must be a source, a colon and a name, such as 'torchvision:resnet18'"),
        ("timm:", r"it must be a source, a colon and a name"),
    ],
)
def test_a_wrong_source_is_refused(source: str, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        find_source(source)


def test_what_follows_the_first_colon_is_the_name() -> None:
    assert find_source("python: a.py:build ") == (python.python_model, "a.py:build")
    assert find_source("timm:resnet18.a1") == (timm.timm_model, "resnet18.a1")
    assert find_source("torchvision:resnet18") == (torchvision.torchvision_model, "resnet18")


def test_a_source_is_registered_once() -> None:
    with pytest.raises(ValueError, match="the model source 'timm' is already registered"):

        @model_source("timm")
        def another(name: str, *, pretrained: bool, base: Path) -> Network:
            raise AssertionError((name, pretrained, base))
