"""Pictures of an attack: an image before and after, and what was added to it, amplified."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dissectory.analysis.experiments.attack.paths import picture

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.run import Run

    Floats = npt.NDArray[np.float64]


FITTING = 0.995
"""The share of a difference's values that fit its picture; the few largest are cut off there."""


def amplifications(differences: Floats) -> Floats:
    """How much to amplify each difference `(image, 3, size, size)`, so that most of it fits; NaN where it is 0."""
    values = np.abs(differences).reshape(len(differences), -1)
    most = np.quantile(values, FITTING, axis=1)
    most = np.where(most > 0, most, values.max(axis=1))
    return np.asarray(np.divide(0.5, most, out=np.full(len(most), np.nan), where=most > 0))


def draw_attacked(run: Run, images: Sequence[int], originals: npt.NDArray[np.uint8], differences: Floats) -> None:
    """Write the pictures of attacked images.

    Args:
        run: where to.
        images: their numbers.
        originals: before `(image, 3, size, size)`, 0..255.
        differences: what was added `(image, 3, size, size)`, where 1 is from black to white.

    Raises:
        RunError: the run's folder cannot be written.
    """
    factors = np.nan_to_num(amplifications(differences))
    for image, original, difference, factor in zip(images, originals, differences, factors, strict=True):
        _write(run, picture(image), original / 255)
        _write(run, picture(image, "changed"), original / 255 + difference)
        _write(run, picture(image, "difference"), 0.5 + factor * difference)


def _write(run: Run, name: str, values: Floats) -> None:
    """Write a picture `(3, size, size)` of 0..1, rounded to 8 bits and no further."""
    pixels = (values.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    with run.replacing(run.folder / name) as path:
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, "WEBP", lossless=True)
