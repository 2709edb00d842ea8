"""Scenes: the same seed, the same bytes; labels that are what they say."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage

from dissectory.analysis.demo.scene import Scene, draw_scene
from dissectory.analysis.demo.vocabulary import MATERIALS, OBJECTS, PARTS, SCENES
from dissectory.errors import DissectoryError

if TYPE_CHECKING:
    from collections.abc import Callable

MAPS = ("objects", "parts", "materials")


def digest(scene: Scene) -> str:
    planes = (scene.picture, *(getattr(scene, name) for name in MAPS))
    return hashlib.sha256(b"".join(plane.tobytes() for plane in planes)).hexdigest()


@pytest.mark.parametrize("name", SCENES)
def test_the_same_seed_draws_the_same_bytes(name: str) -> None:
    assert digest(draw_scene(3, name)) == digest(draw_scene(3, name))


def test_another_process_draws_the_same_bytes() -> None:
    asked = "from dissectory.analysis.demo.scene import draw_scene; scene = draw_scene(5, 'village')"
    printed = "import hashlib; print(hashlib.sha256(scene.picture.tobytes() + scene.objects.tobytes()).hexdigest())"
    done = subprocess.run([sys.executable, "-c", f"{asked}\n{printed}"], capture_output=True, text=True, check=True)
    draw_scene(1, "harbour")  # what was drawn before must not matter
    scene = draw_scene(5, "village")
    assert done.stdout.strip() == hashlib.sha256(scene.picture.tobytes() + scene.objects.tobytes()).hexdigest()


def test_every_seed_is_another_scene(scenes: list[Scene]) -> None:
    assert len({digest(scene) for scene in scenes}) == len(scenes)


def test_the_seed_chooses_among_all_scenes() -> None:
    assert {draw_scene(seed, size=16).scene for seed in range(120)} == set(SCENES)


@pytest.mark.parametrize("size", [16, 96, 101])
def test_planes_have_the_size_that_was_asked_for(size: int) -> None:
    scene = draw_scene(0, "beach", size)
    assert scene.picture.shape == (size, size, 3)
    assert scene.picture.dtype == np.uint8
    for name in MAPS:
        plane = getattr(scene, name)
        assert plane.shape == (size, size)
        assert plane.dtype == np.uint8


@pytest.mark.parametrize("name", SCENES)
def test_the_composition_is_the_same_at_every_size(name: str) -> None:
    small, large = (draw_scene(11, name, size).objects for size in (64, 192))
    # The middle pixel of three by three lies where the small picture's pixel has its middle.
    assert (small == large[1::3, 1::3]).mean() > 0.93


def test_labels_stay_within_the_vocabulary(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert scene.objects.min() >= 1
        assert scene.objects.max() <= len(OBJECTS)
        assert scene.parts.max() <= len(PARTS)
        assert scene.materials.max() <= len(MATERIALS)


@pytest.mark.parametrize(("name", "names"), [("objects", OBJECTS), ("parts", tuple(PARTS)), ("materials", MATERIALS)])
def test_every_concept_occurs(scenes: list[Scene], name: str, names: tuple[str, ...]) -> None:
    seen = {int(label) for scene in scenes for label in np.unique(getattr(scene, name))} - {0}
    assert [concept for label, concept in enumerate(names, start=1) if label not in seen] == []


def test_a_part_lies_on_an_object_that_has_it(scenes: list[Scene]) -> None:
    owners = {label: PARTS[part] for label, part in enumerate(PARTS, start=1)}
    for scene in scenes:
        for label in np.unique(scene.parts[scene.parts > 0]):
            under = {OBJECTS[number - 1] for number in np.unique(scene.objects[scene.parts == label])}
            assert under <= owners[int(label)]


def test_every_part_is_seen_on_every_object_that_lists_it(scenes: list[Scene]) -> None:
    seen = {
        (part, owner)
        for scene in scenes
        for part, owner in np.unique(np.stack([scene.parts.ravel(), scene.objects.ravel()]), axis=1).T.tolist()
    }
    missing = [
        (part, owner)
        for label, part in enumerate(PARTS, start=1)
        for owner in PARTS[part]
        if (label, OBJECTS.index(owner) + 1) not in seen
    ]
    assert missing == []


def test_labels_sit_on_the_pixels_that_they_name(scenes: list[Scene]) -> None:
    def colors(name: str) -> np.ndarray:
        label = OBJECTS.index(name) + 1
        found = [scene.picture[scene.objects == label] for scene in scenes]
        return np.asarray(np.median(np.concatenate(found), axis=0))

    assert colors("sun").min() > 170
    red, green, blue = colors("grass")
    assert green > red
    assert green > blue
    red, green, blue = colors("sea")
    assert blue > red


def test_no_one_color_tells_the_classes_apart(scenes: list[Scene]) -> None:
    """The nearest mean color is a poor guess of the class: what stands in a scene has to be seen."""
    means = np.array([scene.picture.mean(axis=(0, 1)) for scene in scenes])
    classes = np.array([SCENES.index(scene.scene) for scene in scenes])
    half = len(scenes) // 2
    centers = np.array([means[:half][classes[:half] == place].mean(axis=0) for place in range(len(SCENES))])
    guesses = np.linalg.norm(means[half:, None] - centers, axis=2).argmin(axis=1)
    assert (guesses == classes[half:]).mean() < 0.5


@pytest.mark.parametrize("textures", [1, 2, 9])
def test_another_texture_leaves_shapes_and_labels(textures: int) -> None:
    for seed, name in enumerate(SCENES):
        plain, other = draw_scene(seed, name, 64), draw_scene(seed, name, 64, textures)
        for plane in MAPS:
            assert np.array_equal(getattr(plain, plane), getattr(other, plane))
        ground = plain.materials > 0
        changed = np.abs(plain.picture.astype(int) - other.picture).max(axis=2) > 6
        assert changed[ground].mean() > 0.15
        # Sky, sun and clouds stay, but for the few pixels through which something thinner than a pixel passes.
        clear = ndimage.binary_erosion(~ground, np.ones((3, 3), dtype=bool), border_value=1)
        assert changed[clear].mean() < 0.005


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: draw_scene(1, "harbor"), r"^there is no scene 'harbor'; did you mean 'harbour'\?$"),
        (lambda: draw_scene(-1), "^a scene's seed is -1; it must be 0 or more$"),
        (lambda: draw_scene(1, size=3), "^a scene's size is 3; it must be 16 or more$"),
        (lambda: draw_scene(1, textures=-2), "^a scene's textures is -2; it must be 0 or more$"),
    ],
)
def test_mistakes_are_told(draw: Callable[[], Scene], message: str) -> None:
    with pytest.raises(DissectoryError, match=message):
        draw()
