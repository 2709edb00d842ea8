"""The first study: the scenes are what their labels say, and the network made by hand finds them."""

from __future__ import annotations

import csv
import importlib.util
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from dissectory.analysis.study.study import Study

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLE = Path(__file__).parents[2] / "examples" / "first-study"
COUNT = 24


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"first_study_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    load("draw").draw(folder, COUNT)
    return folder


def pictures(scenes: Path) -> list[Path]:
    return sorted((scenes / "images").rglob("*.png"))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def names(folder: Path) -> dict[int, str]:
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        return {int(row["index"]): row["name"] for row in csv.DictReader(file)}


def test_every_picture_has_two_label_maps_of_its_size(scenes: Path) -> None:
    found = pictures(scenes)
    assert len(found) == COUNT
    assert {path.parent.name for path in found} == {"meadow", "sea", "town", "night"}
    for path in found:
        assert pixels(path).shape == (224, 224, 3)
        for kind in ("objects", "object-parts"):
            assert pixels(scenes / kind / path.name).shape == (224, 224)


def test_every_pixel_is_some_object_and_every_name_occurs(scenes: Path) -> None:
    for kind, nothing in (("objects", set()), ("object-parts", {0})):
        indices = {int(index) for path in pictures(scenes) for index in np.unique(pixels(scenes / kind / path.name))}
        assert indices == set(names(scenes / kind)) | nothing


def test_a_part_lies_on_its_object(scenes: Path) -> None:
    objects, parts = names(scenes / "objects"), names(scenes / "object-parts")
    owners = {"crown": {"tree"}, "sail": {"boat"}, "roof": {"house", "lighthouse"}, "window": {"house"}}
    for path in pictures(scenes):
        whole, part = (pixels(scenes / kind / path.name) for kind in ("objects", "object-parts"))
        for index in np.unique(part[part > 0]):
            under = {objects[int(number)] for number in np.unique(whole[part == index])}
            assert under <= owners.get(parts[int(index)], under)


def test_labels_sit_on_the_pixels_they_name(scenes: Path) -> None:
    (sun,) = (index for index, name in names(scenes / "objects").items() if name == "sun")
    for path in pictures(scenes):
        disc = pixels(path)[pixels(scenes / "objects" / path.name) == sun].astype(float)
        if len(disc):
            assert np.abs(np.median(disc, axis=0) - (255, 216, 92)).max() < 5


def test_the_same_seed_draws_the_same_and_another_does_not(scenes: Path, tmp_path: Path) -> None:
    draw = load("draw").draw
    draw(tmp_path / "same", 4)
    draw(tmp_path / "other", 4, seed=8)
    for path in pictures(tmp_path / "same"):
        inside = path.relative_to(tmp_path / "same")
        assert np.array_equal(pixels(path), pixels(scenes / inside))
        assert not np.array_equal(pixels(path), pixels(tmp_path / "other" / inside))


def test_the_network_tells_the_scenes_apart(scenes: Path) -> None:
    network = load("network")
    classes = (EXAMPLE / "classes.txt").read_text(encoding="utf-8").split()
    assert classes == list(network.HEAD)
    views = np.stack([pixels(path) for path in pictures(scenes)]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        scores = network.build().eval()(torch.from_numpy(views.astype(np.float32) / 255))
    predicted = [classes[int(best)] for best in scores.argmax(1)]
    right = [guess == path.parent.name for guess, path in zip(predicted, pictures(scenes), strict=True)]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize(("unit", "concept"), [("grass", "grass"), ("sea", "sea"), ("road", "road"), ("tree", "tree")])
def test_a_unit_made_for_a_concept_overlaps_it_most(scenes: Path, unit: str, concept: str) -> None:
    network = load("network")
    views = np.stack([pixels(path) for path in pictures(scenes)]).transpose(0, 3, 1, 2)
    with torch.no_grad():
        maps = network.build()[:3](torch.from_numpy(views.astype(np.float32) / 255))
        up = torch.nn.functional.interpolate(
            maps[:, [list(network.SCENE).index(unit)]], size=(224, 224), mode="bilinear"
        )
    active = (up > torch.quantile(up[:, :, ::4, ::4], 0.95))[:, 0].numpy()
    labels = np.stack([pixels(scenes / "objects" / path.name) for path in pictures(scenes)])
    overlaps = {
        name: (active & (labels == index)).sum() / (active | (labels == index)).sum()
        for index, name in names(scenes / "objects").items()
    }
    assert max(overlaps, key=lambda name: overlaps[name]) == concept


def test_the_same_weights_every_time() -> None:
    first, second = (load("network").build().state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_study_reads() -> None:
    study = Study.read(EXAMPLE / "study.toml")
    assert study.photographs.folder == Path(tomllib.loads((EXAMPLE / "study.toml").read_text())["images"]["folder"])
