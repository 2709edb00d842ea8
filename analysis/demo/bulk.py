"""Draw thousands of scenes, to train and to test networks on."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.demo.networks import MEAN, STD
from dissectory.analysis.demo.scene import draw_scene
from dissectory.analysis.demo.vocabulary import SCENES

if TYPE_CHECKING:
    import numpy.typing as npt

TRAINING, HELD_OUT = 1_000_000, 2_000_000
"""The first seeds of the training scenes and of the test scenes; a demo's own seeds are below both."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Many scenes; scene `n` has the class `n` modulo 10."""

    pictures: npt.NDArray[np.uint8]
    """Colors `(scene, 3, size, size)`."""
    objects: npt.NDArray[np.uint8]
    """Object numbers `(scene, size, size)`, from 1."""
    parts: npt.NDArray[np.uint8]
    """Part numbers `(scene, size, size)`, from 1; 0 is no part."""

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def classes(self) -> npt.NDArray[np.int64]:
        """The scenes' classes `(scene,)`, as indices into `vocabulary.SCENES`."""
        return np.arange(len(self)) % len(SCENES)


def _draw(seed: int, size: int) -> tuple[npt.NDArray[np.uint8], ...]:
    scene = draw_scene(seed, SCENES[seed % len(SCENES)], size)
    return scene.picture.transpose(2, 0, 1), scene.objects, scene.parts


def draw(first: int, count: int, size: int, workers: int) -> Drawn:
    """Draw `count` scenes of `size` by `size` pixels, from consecutive seeds; the `first` seed is a multiple of 10."""
    if first % len(SCENES):
        raise ValueError(f"the first seed is {first}; it must be a multiple of {len(SCENES)}")
    task, seeds = partial(_draw, size=size), range(first, first + count)
    if workers == 1:
        return Drawn(*map(np.stack, zip(*map(task, seeds), strict=True)))
    # Spawn fresh processes: a forked copy of a process with threads, as torch has, can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return Drawn(*map(np.stack, zip(*pool.map(task, seeds, chunksize=100), strict=True)))


def views(pictures: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Normalize pictures `(batch, 3, size, size)` for a network."""
    return (torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255 - MEAN) / STD
