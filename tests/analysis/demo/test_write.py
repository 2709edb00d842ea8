"""The world as files, read back as any study reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.demo.scene import Scene, draw_scene
from dissectory.analysis.demo.vocabulary import CATEGORIES, SCENES
from dissectory.analysis.demo.write import write_pairs, write_world
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from pathlib import Path

SIZE, COUNT, SEED = 48, 20, 40


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "new"
    told: list[Scene] = []
    write_world(folder, COUNT, SEED, size=SIZE, each=told.append)
    assert len(told) == COUNT
    return folder


def test_pictures_lie_by_class_and_are_what_their_seeds_draw(world: Path) -> None:
    paths = sorted((world / "images").rglob("*.png"))
    assert len(paths) == COUNT
    assert {path.parent.name for path in paths} == set(SCENES)
    for number in range(COUNT):
        scene = draw_scene(SEED + number, SCENES[number % len(SCENES)], SIZE)
        with Image.open(world / "images" / scene.scene / f"{scene.scene}-{number // 10:04}.png") as picture:
            assert np.array_equal(np.asarray(picture), scene.picture)


def test_a_study_reads_the_labels_as_they_were_drawn(world: Path) -> None:
    geometry = Geometry(size=SIZE, resize=SIZE)
    vocabulary = open_sources([f"masks:{name}" for name, _, _ in CATEGORIES], world, geometry, SIZE)
    assert [concept.name for concept in vocabulary.concepts] == [name for _, _, names in CATEGORIES for name in names]
    assert len(set(vocabulary.keys)) == len(vocabulary)
    images = ImageFolder(world / "images", geometry)
    offsets = np.cumsum([0, *(len(names) for _, _, names in CATEGORIES)])
    for batch in images.batches([range(len(images))]):
        for path, view, planes in zip(batch.paths, batch.views, vocabulary.label(batch), strict=True):
            name, number = path.removesuffix(".png").split("/")[1].rsplit("-", 1)
            scene = draw_scene(SEED + int(number) * 10 + SCENES.index(name), name, SIZE)
            assert np.array_equal(view, scene.picture)
            for plane, offset, drawn in zip(
                planes, offsets, (scene.objects, scene.parts, scene.materials), strict=False
            ):
                assert np.array_equal(plane, np.where(drawn > 0, drawn + offset, 0))


def test_pairs_are_the_same_scenes_in_other_textures(tmp_path: Path) -> None:
    write_pairs(tmp_path / "new", 12, SEED, size=SIZE)
    originals, copies = (sorted((tmp_path / "new" / side).rglob("*.png")) for side in ("originals", "copies"))
    assert [path.relative_to(tmp_path / "new" / "originals") for path in originals] == [
        path.relative_to(tmp_path / "new" / "copies") for path in copies
    ]
    for number in (0, 11):
        name = SCENES[number % len(SCENES)]
        path = f"{name}/{name}-{number // 10:04}.png"
        for side, textures in (("originals", 0), ("copies", number + 1)):
            with Image.open(tmp_path / "new" / side / path) as picture:
                assert np.array_equal(np.asarray(picture), draw_scene(SEED + number, name, SIZE, textures).picture)
    with pytest.raises(ImagesError, match="is not empty"):
        write_pairs(tmp_path / "new", 1, 0)


def test_names_are_no_ones_twice() -> None:
    names = [name for _, _, names in CATEGORIES for name in names]
    assert len(names) == len(set(names))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(ImagesError, match="is not empty: give the scenes a folder of their own"):
        write_world(tmp_path, 1, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImagesError, match="the scenes cannot be written to"):
        write_world(tmp_path / "file" / "world", 1, 0)
