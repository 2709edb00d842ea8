"""Write the world to files: pictures by class, and label maps in the form that the source `masks:FOLDER` reads."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from PIL import Image

from dissectory.analysis.demo.scene import SIZE, draw_scene
from dissectory.analysis.demo.vocabulary import CATEGORIES, SCENES, write_labels
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from dissectory.analysis.demo.scene import Scene

IMAGES = "images"
"""The folder of the pictures; `vocabulary.CATEGORIES` gives those of the label maps."""


def write_world(
    folder: Path,
    count: int,
    seed: int,
    *,
    size: int = SIZE,
    textures: int = 0,
    each: Callable[[Scene], None] | None = None,
) -> None:
    """Draw scenes of all classes in turn, and write them with their label maps.

    `folder/images/CLASS/CLASS-NUMBER.png` is a picture. The folders `objects`, `parts` and `materials` contain its
    label maps at the same path, and a `labels.csv` each.

    Args:
        folder: the folder to write to; created if it is missing.
        count: the number of scenes; picture `n` has the seed `seed + n`.
        seed: at least 0.
        size: width and height of a picture, in pixels.
        textures: the textures, as for `draw_scene`.
        each: called with every scene after it is drawn.

    Raises:
        ImagesError: the folder is not empty, or cannot be written.
    """
    with _writing(folder), ThreadPoolExecutor(1) as pool:  # compresses a scene while the next one is drawn
        written = pool.submit(_prepare, folder)
        for number in range(count):
            scene = draw_scene(seed + number, SCENES[number % len(SCENES)], size, textures)
            written.result()
            path = f"{scene.scene}/{scene.scene}-{number // len(SCENES):04}.png"
            written = pool.submit(_write, scene, folder, path)
            if each is not None:
                each(scene)
        written.result()


def write_pairs(folder: Path, count: int, seed: int, *, size: int = SIZE) -> None:
    """Draw scenes of all classes in turn, each with its usual textures and with other textures.

    `folder/originals/CLASS/CLASS-NUMBER.png` is a picture; `folder/copies` has it at the same path with other textures,
    which differ from scene to scene.

    Args:
        folder: the folder to write to; created if it is missing.
        count: the number of scenes; scene `n` has the seed `seed + n`.
        seed: at least 0.
        size: width and height of a picture, in pixels.

    Raises:
        ImagesError: the folder is not empty, or cannot be written.
    """
    with _writing(folder):
        _check_empty(folder)
        for number in range(count):
            name = SCENES[number % len(SCENES)]
            for side, textures in (("originals", 0), ("copies", 1 + number)):
                path = folder / side / name / f"{name}-{number // len(SCENES):04}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                _save(draw_scene(seed + number, name, size, textures).picture, path)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ImagesError(f"the scenes cannot be written to {folder}: {error.strerror or error}") from None


def _check_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise ImagesError(f"{folder} is not empty: give the scenes a folder of their own")


def _prepare(folder: Path) -> None:
    """Make the folders, and write into each what its label numbers mean."""
    _check_empty(folder)
    for name, category, names in CATEGORIES:
        for scene in SCENES:
            (folder / name / scene).mkdir(parents=True, exist_ok=True)
        write_labels(folder / name, category, names)
    for scene in SCENES:
        (folder / IMAGES / scene).mkdir(parents=True, exist_ok=True)


def _write(scene: Scene, folder: Path, path: str) -> None:
    maps: dict[str, npt.NDArray[np.uint8]] = {
        IMAGES: scene.picture,
        "objects": scene.objects,
        "parts": scene.parts,
        "materials": scene.materials,
    }
    for name, pixels in maps.items():
        _save(pixels, folder / name / path)


def _save(pixels: npt.NDArray[np.uint8], path: Path) -> None:
    # Level 3 takes a third of the time of the usual 6, for files that are a few percent larger.
    Image.fromarray(pixels).save(path, compress_level=3)
