"""The exported part of a generator: a browser generates the same pictures as PyTorch."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from networks import conditional_generator, planted_generator, progan128
from PIL import Image
from torch import Tensor, nn
from worlds.planted_painting import PAINTS, SEEDS, paint_planted

from dissectory.analysis.demo.networks import Generator
from dissectory.analysis.experiments.paint import graph
from dissectory.analysis.experiments.paint.export import prepare_painting
from dissectory.analysis.experiments.paint.graph import TOLERANCE
from dissectory.analysis.experiments.paint.images import SeededImages
from dissectory.analysis.experiments.paint.painting import GRAPH, MAPS, Paint, Painting
from dissectory.analysis.subjects.rest import edited
from dissectory.errors import RunError, SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

TREE = Paint("tree", (1, 3), (2.5, 0.75))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("painting") / "run" / "paint"
    paint_planted(folder)
    return folder


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator().eval().requires_grad_(requires_grad=False)


def stored_inputs(folder: Path, image: int) -> dict[str, Floats]:
    """Read the inputs of an image as the module `painting` describes."""
    painting = Painting.read(folder)
    numbers = np.fromfile(folder / MAPS, dtype="<f2").astype(np.float32).reshape(len(painting.seeds), -1)[image]
    found = {}
    for item in painting.inputs:
        found[item.name] = numbers[: item.size].reshape(1, *item.shape)
        numbers = numbers[item.size :]
    return found


def drawn(folder: Path, inputs: dict[str, Floats]) -> Floats:
    (picture,) = onnxruntime.InferenceSession(folder / GRAPH).run(["picture"], inputs)
    return np.asarray(picture[0], dtype=np.float32)


def stroked(maps: Tensor, paint: Paint, cells: list[tuple[int, int]], strength: float) -> Tensor:
    """Apply a stroke by its definition, one number after the other; a strength of 0 erases."""
    maps = maps.clone()
    for unit, level in zip(paint.units, paint.levels, strict=True):
        for row, column in cells:
            maps[:, unit, row, column] = level * strength
    return maps


def test_the_description_is_that_of_the_folder(planted: Path) -> None:
    painting = Painting.read(planted)
    assert (painting.layer, painting.seeds, painting.paints) == ("maps", SEEDS, PAINTS)
    assert (painting.units, painting.grid, painting.height, painting.width) == (6, (5, 7), 20, 28)
    assert painting.inputs[0].name == "layer"
    assert len(painting.inputs) == 2, "the background bypasses the layer"
    assert 0 <= painting.agreement.difference <= painting.agreement.tolerance == TOLERANCE
    assert painting.agreement.pictures == len(SEEDS) + 2 * len(PAINTS)
    assert {path.name for path in planted.iterdir()} == {"paint.json", GRAPH, MAPS, "0.png", "1.png", "2.png"}
    assert [path.name for path in planted.parent.iterdir()] == ["paint"]
    assert (planted.stat().st_mode & 0o777) == 0o755


def test_pictures_and_maps_are_the_generator_s(planted: Path) -> None:
    wanted = planted_generator.build()(planted_generator.latents()).detach().numpy()
    for place in range(len(SEEDS)):
        np.testing.assert_allclose(drawn(planted, stored_inputs(planted, place)), wanted[place], atol=1e-3)
        picture = np.asarray(Image.open(planted / f"{place}.png"))
        levels = (wanted[place].transpose(1, 2, 0) + 1) * 127.5
        assert np.abs(picture - levels).max() <= 0.5 + 0.1


@pytest.mark.parametrize("layer", ["layer2", "layer4"])
def test_a_painted_picture_is_that_of_the_edited_network(generator: Generator, tmp_path: Path, layer: str) -> None:
    latents, cells = torch.randn(2, 74, generator=torch.Generator().manual_seed(3)), [(0, 0), (2, 5), (7, 1)]
    prepare_painting(generator, layer, SeededImages((latents,), [0, 1]), [TREE], tmp_path / "paint")
    maps = torch.from_numpy(stored_inputs(tmp_path / "paint", 1)["layer"])
    for strength in (0.0, 0.4, 2.0):

        def stroke(own: Tensor, strength: float = strength) -> Tensor:
            return stroked(own.half().float(), TREE, cells, strength)

        with edited(generator, layer, stroke):
            wanted = generator(latents[1:])[0].numpy()
        painted = drawn(tmp_path / "paint", {"layer": stroke(maps).numpy()})
        assert np.abs(painted - wanted).max() * 127.5 <= TOLERANCE


@pytest.mark.parametrize(("kind", "around"), [(conditional_generator.Early, 0), (conditional_generator.Normed, 2)])
def test_a_picture_of_a_class_is_painted_on(
    tmp_path: Path, kind: type[conditional_generator.Early], around: int
) -> None:
    module, given, count = conditional_generator.build(kind), conditional_generator.inputs(3), 3
    painting = prepare_painting(module, "maps", SeededImages(given, range(count)), [TREE], tmp_path / "paint")
    assert [item.shape for item in painting.inputs] == [(8, 4, 4), *[(8, 1, 1)] * around]
    for image in range(count):
        stored = stored_inputs(tmp_path / "paint", image)
        for strength in (None, 0.0, 2.0):

            def stroke(own: Tensor, strength: float | None = strength) -> Tensor:
                return own if strength is None else stroked(own, TREE, [(0, 0), (2, 3)], strength)

            with edited(module, "maps", stroke):
                wanted = module(*(value[image : image + 1] for value in given))[0].numpy()
            painted = drawn(tmp_path / "paint", stored | {"layer": stroke(torch.from_numpy(stored["layer"])).numpy()})
            np.testing.assert_allclose(painted, wanted, atol=2e-3)  # of maps in half precision


def test_weights_that_fit_half_precision_are_stored_in_half_the_bytes(generator: Generator, tmp_path: Path) -> None:
    halved = Generator().eval()
    halved.load_state_dict({name: value.half() for name, value in generator.state_dict().items()})
    painting = prepare_painting(halved, "layer3", SeededImages((torch.ones(1, 74),), [0]), [TREE], tmp_path / "paint")
    weights = sum(
        value.numel() for part in (halved.layer4, halved.layer5, halved.colour) for value in part.parameters()
    )
    assert painting.weights == "float16"
    assert painting.agreement.difference < 0.01
    assert 2 * weights < (tmp_path / "paint" / GRAPH).stat().st_size < 2.1 * weights


class Loud(nn.Module):
    """A weight that half precision cannot represent, and a division that makes up for it."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 400, 1)
        self.colors = nn.Conv2d(400, 3, 1)
        with torch.no_grad():
            self.colors.weight[:, 5] = 1e5

    def forward(self, latents: Tensor) -> Tensor:
        answer: Tensor = (self.colors(self.maps(latents[:, None, None, :1].expand(-1, -1, 4, 4))) / 1e5).tanh()
        return answer


def test_other_weights_are_stored_in_single_precision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    painting = prepare_painting(
        Loud().eval(), "maps", SeededImages((torch.ones(1, 1),), [0]), [TREE], tmp_path / "paint"
    )
    assert painting.weights == "float32"


def test_a_graph_with_other_pictures_is_refused_and_the_old_folder_stays(
    planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = shutil.copytree(planted, tmp_path / "paint")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr(graph, "_halve", lambda _model: None)
    monkeypatch.setattr(graph, "_difference", lambda *_: 0.3)
    with pytest.raises(SubjectError, match=r"by up to 0\.3 of 256 levels, and at most 0\.25"):
        paint_planted(out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["paint"]


def test_a_different_graph_is_detected(generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = graph._export

    def shifted(*args: object) -> ir.Model:
        model = export(*args)  # type: ignore[arg-type]
        bias = generator.colour.bias.numpy() + 0.01  # type: ignore[union-attr]
        model.graph.initializers["colour.bias"].const_value = ir.tensor(bias, name="colour.bias")
        return model

    monkeypatch.setattr(graph, "_export", shifted)
    with pytest.raises(SubjectError, match="generates pictures that differ from PyTorch's"):
        prepare_painting(generator, "layer4", SeededImages((torch.ones(1, 74),), [0]), [TREE], tmp_path / "paint")


def test_a_second_painting_replaces_the_first(tmp_path: Path) -> None:
    out = tmp_path / "paint"
    out.mkdir()
    (out / "9.png").touch()
    paint_planted(out)
    assert not (out / "9.png").exists()


class Pair(planted_generator.Planted):
    """Its output is two pictures."""

    def forward(self, latents: Tensor) -> Tensor:
        picture = super().forward(latents)
        return (picture, picture)  # type: ignore[return-value]


class Gray(planted_generator.Planted):
    """Its output has no colors."""

    def forward(self, latents: Tensor) -> Tensor:
        return super().forward(latents).mean(dim=1, keepdim=True)


class Wayward(planted_generator.Planted):
    """It cannot be traced."""

    def forward(self, latents: Tensor) -> Tensor:
        picture = super().forward(latents)
        return picture if picture.mean() < 5 else -picture


@pytest.mark.parametrize(
    ("build", "change", "message"),
    [
        (planted_generator.Planted, {"layer": "mops"}, "no layer 'mops'; did you mean 'maps'"),
        (
            Generator,
            {"layer": "start", "inputs": (torch.ones(3, 74),)},
            r"output of the layer 'start' has the shape \(3072,\)",
        ),
        (Pair, {}, "output is tuple, and painting needs a picture"),
        (Gray, {}, r"output is \(1, 1, 20, 28\), and painting needs a picture"),
        (Wayward, {}, "cannot be cut after the layer 'maps' .*: name another layer"),
        (
            conditional_generator.Closed,
            {"inputs": conditional_generator.inputs(3)},
            r"after the layer 'maps' .* needs the value 'kind' of type torch\.int64",
        ),
        (planted_generator.Planted, {"paints": ()}, "one or more different concepts"),
        (planted_generator.Planted, {"paints": (PAINTS[0], PAINTS[0])}, "different concepts, not "),
        (planted_generator.Planted, {"paints": (Paint("x", (6,), (1.0,)),)}, "'x' has the units .* are 0 to 5"),
        (planted_generator.Planted, {"paints": (Paint("x", (1, 2), (1.0,)),)}, "'x' needs .* a level for each"),
        (planted_generator.Planted, {"paints": (Paint("x", (1,), (float("nan"),)),)}, "'x' needs finite levels"),
        (planted_generator.Planted, {"inputs": (torch.ones(3, 9), torch.ones(2))}, r"inputs of \[3, 2\] images need"),
        (planted_generator.Planted, {"inputs": ()}, r"inputs of \[\] images need"),
        (planted_generator.Planted, {"seeds": (1, 2)}, r"inputs of \[3\] images need as many different seeds"),
        (planted_generator.Planted, {"seeds": (1, 2, 1)}, "different seeds, not "),
        (planted_generator.Planted, {"low": 1.0}, "must be below that of white"),
        (planted_generator.Planted, {"inputs": (torch.full((3, 9), 1e6),)}, "values that are not finite"),
    ],
)
def test_what_cannot_be_painted_with_is_one_clear_error(
    tmp_path: Path, build: type[nn.Module], change: dict[str, object], message: str
) -> None:
    asked: dict[str, Any] = {"inputs": (planted_generator.latents(),), "seeds": SEEDS, "low": -1.0, **change}
    layer, paints = asked.pop("layer", "maps"), asked.pop("paints", PAINTS)
    with pytest.raises(SubjectError, match=message):
        prepare_painting(build().eval(), layer, SeededImages(**asked), paints, tmp_path / "paint")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot write .*paint"):
        paint_planted(tmp_path / "file" / "paint")


@pytest.mark.parametrize("name", [GRAPH, MAPS, "paint.json", "2.png"])
def test_a_folder_with_a_missing_file_is_not_read(planted: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(planted, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    with pytest.raises(RunError, match=f"{name} .*run the study again"):
        Painting.read(tmp_path)


def test_maps_that_are_cut_short_and_other_versions_are_not_read(planted: Path, tmp_path: Path) -> None:
    shutil.copytree(planted, tmp_path, dirs_exist_ok=True)
    contents = json.loads((tmp_path / "paint.json").read_text())
    whole = (tmp_path / MAPS).read_bytes()
    (tmp_path / MAPS).write_bytes(whole[:-2])
    with pytest.raises(RunError, match="cut short"):
        Painting.read(tmp_path)
    (tmp_path / MAPS).write_bytes(whole)
    for wrong in (contents | {"version": 2}, {**contents, "layers": 3}, [1], {"version": 1}):
        (tmp_path / "paint.json").write_text(json.dumps(wrong))
        with pytest.raises(RunError, match=r"paint\.json .*run the study again"):
            Painting.read(tmp_path)


def test_a_real_generator_of_faces_is_exported_from_a_middle_layer(assets: Path, tmp_path: Path) -> None:
    latents = torch.randn(1, 512, generator=torch.Generator().manual_seed(1))
    hair = Paint("hair", tuple(range(20)), (3.0,) * 20)
    images = SeededImages((latents,), [1], low=0.0, high=1.0)
    made = prepare_painting(progan128.load(assets), "res3", images, [hair], tmp_path)
    assert (made.inputs[0].shape, made.height, made.weights) == ((512, 32, 32), 128, "float16")
    picture = np.asarray(Image.open(tmp_path / "0.png"), dtype=np.float64)
    assert picture.shape == (128, 128, 3)
    assert picture.std() > 20, "the picture is not plain gray"
