"""timm's networks come with timm's preprocessing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.sources.timm import _preprocessing, timm_model
from dissectory.errors import SubjectError

timm = pytest.importorskip("timm", reason="needs the extra timm: pip install 'dissectory[timm]'")


def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("resnt18", r"timm has no network 'resnt18'; did you mean 'resnet18'"),
        ("resnet18.a1_in2k", r"timm has no weights 'a1_in2k' for resnet18; did you mean 'resnet18.a1_in1k'"),
    ],
)
def test_an_unknown_network_names_the_nearest(name: str, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        timm_model(name, pretrained=True, base=Path())


def test_the_error_for_failed_downloads_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no route\nmany more lines")

    monkeypatch.setattr("timm.models._builder.load_pretrained", fail)
    with pytest.raises(SubjectError, match=r"timm's resnet18 cannot be downloaded \(no route\): .*set model.weights"):
        timm_model("resnet18", pretrained=True, base=Path())


def test_timm_gives_its_preprocessing() -> None:
    network = timm_model("test_resnet", pretrained=False, base=Path())
    config = timm.data.resolve_model_data_config(network.module)
    size = config["input_size"][-1]
    wanted = Geometry(size, int(size / config["crop_pct"]), "crop", config["interpolation"])
    assert network.preprocessing.geometry == wanted
    assert network.preprocessing.mean == tuple(config["mean"])
    assert network.classes == ()


def test_timm_s_preprocessing_equals_timm_s_own_transform() -> None:
    for crop_mode in ("center", "squash"):
        stated = {
            "input_size": (3, 48, 48),
            "crop_pct": 0.9,
            "crop_mode": crop_mode,
            "interpolation": "bicubic",
            "mean": (0.5, 0.4, 0.3),
            "std": (0.2, 0.3, 0.4),
        }
        ours = _preprocessing("x", stated)
        views = np.asarray(ours.geometry.view(picture()))[None]
        theirs = timm.data.create_transform(**stated, is_training=False)(picture())
        torch.testing.assert_close(ours.tensor(views)[0], theirs, rtol=0, atol=1e-6)


def test_the_error_for_a_missing_timm_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(SubjectError, match=r"pip install 'dissectory\[timm\]'"):
        timm_model("resnet18", pretrained=True, base=Path())


@pytest.mark.parametrize("stated", [(1, 28, 28), (3, 32, 64)])
def test_networks_that_do_not_take_square_rgb_are_refused(stated: tuple[int, int, int]) -> None:
    with pytest.raises(SubjectError, match="choose a network that takes square RGB"):
        _preprocessing("x", {"input_size": stated})
