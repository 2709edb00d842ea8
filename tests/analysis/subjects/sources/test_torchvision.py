"""Torchvision's classifiers are built as their default weights need them."""

from __future__ import annotations

import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.sources.torchvision import _preprocessing, torchvision_model
from dissectory.errors import SubjectError


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnt18", r"torchvision has no classifier 'resnt18'; did you mean 'resnet18'"),
        ("fasterrcnn_resnet50_fpn", "torchvision has no classifier 'fasterrcnn_resnet50_fpn'"),
    ],
)
def test_an_unknown_network_names_the_nearest(name: str, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        torchvision_model(name, pretrained=True, base=Path())


def test_the_error_for_failed_downloads_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(
        SubjectError, match=r"torchvision's resnet18 cannot be downloaded or read .*no route.*set model.weights"
    ):
        torchvision_model("resnet18", pretrained=True, base=Path())


def test_a_weights_file_of_a_ported_network_equals_its_default_weights(tmp_path: Path) -> None:
    """Torchvision's googlenet rescales its input only if torchvision loads the weights itself."""
    module = torchvision_model("googlenet", pretrained=False, base=tmp_path).module
    assert getattr(module, "transform_input") is True  # noqa: B009


@pytest.mark.parametrize(
    ("name", "geometry"),
    [
        ("resnet50", Geometry(224, 232)),
        ("efficientnet_b3", Geometry(300, 320, interpolation="bicubic")),
        ("inception_v3", Geometry(299, 342)),
    ],
)
def test_the_preprocessing_is_that_of_the_default_weights(name: str, geometry: Geometry) -> None:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    assert _preprocessing(weights).geometry == geometry
    views = np.asarray(geometry.view(picture()))[None]
    torch.testing.assert_close(
        _preprocessing(weights).tensor(views)[0], weights.transforms()(picture()), rtol=0, atol=0
    )


def test_every_classifier_of_torchvision_has_a_known_preprocessing() -> None:
    for name in torchvision.models.list_models(module=torchvision.models):
        assert _preprocessing(torchvision.models.get_model_weights(name).DEFAULT).geometry.size >= 224
