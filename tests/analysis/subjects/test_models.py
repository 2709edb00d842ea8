"""Networks are loaded ready for dissection, with their weights and class names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from dissectory.analysis.study.sections import ModelSection
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.layers import select_layers
from dissectory.analysis.subjects.models import LoadedModel, load_model
from dissectory.analysis.subjects.preprocessing import Preprocessing
from dissectory.errors import SubjectError

HERE = Path()
TESTS = Path(__file__).parents[2]
NETWORK = "from torch import nn\n\ndef build():\n    return nn.Conv2d(3, 2, 1)\n"


def load(source: str, base: Path = HERE, weights: Path | None = None, classes: Path | None = None) -> LoadedModel:
    return load_model(ModelSection(source, weights, classes=classes), base)


@pytest.fixture
def torchvision_file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(torchvision.models.get_model("squeezenet1_1", weights=None).state_dict(), tmp_path / "w.pth")
    return tmp_path / "w.pth"


def test_torchvision_brings_preprocessing_and_class_names(torchvision_file: Path) -> None:
    model = load("torchvision:squeezenet1_1", torchvision_file.parent, Path("w.pth"))
    assert model.preprocessing == Preprocessing()
    assert model.classes[:2] == ("tench", "goldfish")
    assert len(model.classes) == 1000
    assert model.parameters == 1_235_496
    assert model.source == "torchvision:squeezenet1_1"
    assert model.weights_hash == hashlib.sha256(torchvision_file.read_bytes()).hexdigest()
    wanted = torch.load(torchvision_file, weights_only=True)
    assert all(torch.equal(value, wanted[key]) for key, value in model.module.state_dict().items())


def test_a_network_is_in_evaluation_mode_and_takes_no_gradient(torchvision_file: Path) -> None:
    model = load("torchvision:squeezenet1_1", weights=torchvision_file)
    assert not any(module.training for module in model.module.modules())
    assert not any(parameter.requires_grad for parameter in model.module.parameters())


def test_torchvision_s_default_weights_are_requested(
    torchvision_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.url
    cached = tmp_path / "hub" / "checkpoints" / Path(url).name
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def fetch(asked: str, **_: object) -> dict[str, torch.Tensor]:
        assert asked == url
        cached.parent.mkdir(parents=True)
        cached.write_bytes(torchvision_file.read_bytes())
        state: dict[str, torch.Tensor] = torch.load(cached, weights_only=True)
        return state

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    model = load("torchvision:squeezenet1_1")
    wanted = torch.load(torchvision_file, weights_only=True)
    assert all(torch.equal(value, wanted[key]) for key, value in model.module.state_dict().items())
    assert model.weights_hash == hashlib.sha256(torchvision_file.read_bytes()).hexdigest()


@pytest.mark.parametrize("dtype", ["half", "bfloat16", "double"])
def test_a_network_of_another_precision_becomes_single(tmp_path: Path, dtype: str) -> None:
    (tmp_path / "net.py").write_text(NETWORK.replace("nn.Conv2d(3, 2, 1)", f"nn.Conv2d(3, 2, 1).{dtype}()"))
    assert load("python:net.py:build", tmp_path).module(torch.zeros(1, 3, 4, 4)).dtype == torch.float32
    exact = {"weight": torch.full((2, 3, 1, 1), 1 / 3), "bias": torch.zeros(2)}
    torch.save(exact, tmp_path / "w.pth")
    filled = load("python:net.py:build", tmp_path, Path("w.pth")).module
    assert torch.equal(filled.state_dict()["weight"], exact["weight"])  # no precision was lost


@pytest.mark.parametrize("source", ["torchvision:squeezenet1_1", "torchvision:googlenet", "timm:resnet18.a1_in1k"])
def test_no_weights_are_downloaded_unless_requested(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source.startswith("timm"):
        pytest.importorskip("timm")

    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("weights were fetched")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    monkeypatch.setattr("timm.models._builder.load_pretrained", fetch, raising=False)
    model = load_model(ModelSection(source), HERE, pretrained=False)
    assert model.weights_hash == ""
    assert model.preprocessing.geometry.size in {224, 288}
    with pytest.raises((AssertionError, SubjectError), match="weights were fetched"):
        load(source)


def test_a_weights_file_is_read_even_without_pretrained(torchvision_file: Path) -> None:
    section = ModelSection("torchvision:squeezenet1_1", torchvision_file)
    model = load_model(section, HERE, pretrained=False)
    wanted = torch.load(torchvision_file, weights_only=True)
    assert all(torch.equal(value, wanted[key]) for key, value in model.module.state_dict().items())


def test_a_network_without_a_weights_file_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    model = load("python:net.py:build", tmp_path)
    assert (model.weights_hash, model.classes, model.parameters) == ("", (), 8)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("torchvision:resnt18", r"did you mean 'resnet18'"),
        ("hub:resnet18", r"unknown source 'hub'; known: 'python', 'timm', 'torchvision'"),
        ("python:net.py:biuld", r"did you mean 'build'"),
    ],
)
def test_a_wrong_source_is_refused(tmp_path: Path, source: str, told: str) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    with pytest.raises(SubjectError, match=told):
        load(source, tmp_path)


def test_class_names_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "classes.txt").write_bytes('\ufeffforest/broadleaf\r\n<script>"é"🙂\r\nsnow field \r\n\r\n'.encode())
    wanted = ("forest/broadleaf", '<script>"é"🙂', "snow field")
    assert load("python:net.py:build", tmp_path, classes=Path("classes.txt")).classes == wanted


def test_class_names_of_the_study_override_those_of_the_weights(torchvision_file: Path) -> None:
    (torchvision_file.parent / "classes.txt").write_text("one\ntwo\n")
    model = load("torchvision:squeezenet1_1", torchvision_file.parent, Path("w.pth"), Path("classes.txt"))
    assert model.classes == ("one", "two")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"one\n\nthree\n", "has an empty line 2"),
        (b"caf\xe9\n", "not a UTF-8 text file"),
    ],
)
def test_a_broken_classes_file_is_refused(tmp_path: Path, content: bytes | None, told: str) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    if content is not None:
        (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(SubjectError, match=rf"classes.txt.*{told}"):
        load("python:net.py:build", tmp_path, classes=Path("classes.txt"))


def test_squeezenet_places365_matches_its_weights(assets: Path) -> None:
    folder = assets / "classifiers" / "squeezenet_places365"
    model = load(
        "python:networks/squeezenet_places365.py:build", TESTS, folder / "weights.safetensors", folder / "classes.txt"
    )
    assert model.parameters == 915_629
    assert len(model.classes) == 365
    layers = select_layers(model.module, torch.zeros(1, 3, 224, 224), ["conv1", "fire*"])
    assert [(layer.name, layer.units, layer.height) for layer in layers] == [
        ("conv1", 64, 112), ("fire2", 128, 55), ("fire3", 128, 55), ("fire4", 256, 27), ("fire5", 256, 27),
        ("fire6", 384, 13), ("fire7", 384, 13), ("fire8", 512, 13), ("fire9", 512, 13),
    ]  # fmt: skip
    scenes = assets / "datasets" / "places_like" / "intel_scenes"
    own = Preprocessing(Geometry(224, 256, "stretch"), (116.67 / 255, 112.51 / 255, 104.05 / 255), (1.0, 1.0, 1.0))
    found = [predict(model, own, path) for path in sorted((scenes / "forest").glob("*.jpg"))[:8]]
    wooded = {"bamboo_forest", "forest/broadleaf", "forest_path", "forest_road", "rainforest", "tree_farm"}
    assert sum(name in wooded for name in found) >= 6, found


def test_efficientnet_lite0_knows_its_photos(assets: Path) -> None:
    pytest.importorskip("timm")
    folder = assets / "classifiers" / "efficientnet_lite0_imagenet"
    model = load("timm:tf_efficientnet_lite0", folder, Path("weights.safetensors"), Path("classes.txt"))
    assert model.preprocessing == Preprocessing(Geometry(224, 256, "crop", "bicubic"), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert model.parameters == 4_652_008
    photos = sorted((assets / "datasets" / "imagenet1000").glob("*.jpg"))[::50]
    right = sum(predict(model, model.preprocessing, path).split()[0] == path.name.split("_")[0] for path in photos)
    assert right >= 15, f"{right} of {len(photos)}"


def predict(model: LoadedModel, preprocessing: Preprocessing, path: Path) -> str:
    with Image.open(path) as picture, torch.inference_mode():
        views = np.asarray(preprocessing.geometry.view(picture))[None]
        return model.classes[int(model.module(preprocessing.tensor(views)).argmax())]
