"""The pictures of an attack: an image before and after it, and their amplified difference."""

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
"""The share of a difference's values that its picture can show; the few largest values are clipped."""


def amplifications(differences: Floats) -> Floats:
    """Return the factor at which each difference `(image, 3, size, size)` fills its picture; NaN if it is all 0."""
    values = np.abs(differences).reshape(len(differences), -1)
    most = np.quantile(values, FITTING, axis=1)
    most = np.where(most > 0, most, values.max(axis=1))
    return np.asarray(np.divide(0.5, most, out=np.full(len(most), np.nan), where=most > 0))


def draw_attacked(run: Run, images: Sequence[int], originals: npt.NDArray[np.uint8], differences: Floats) -> None:
    """Write the pictures of attacked images.

    Args:
        run: the run to which they are written.
        images: the numbers of the images.
        originals: the images before the attack `(image, 3, size, size)`, 0..255.
        differences: what the attack added `(image, 3, size, size)`; 1 is the difference of black and white.

    Raises:
        RunError: the run's folder cannot be written.
    """
    factors = np.nan_to_num(amplifications(differences))
    for image, original, difference, factor in zip(images, originals, differences, factors, strict=True):
        _write(run, picture(image), original / 255)
        _write(run, picture(image, "changed"), original / 255 + difference)
        _write(run, picture(image, "difference"), 0.5 + factor * difference)


def _write(run: Run, name: str, values: Floats) -> None:
    """Write a picture `(3, size, size)`, 0..1, rounded to 8 bits, without loss."""
    pixels = (values.clip(0, 1) * 255).round().astype(np.uint8).transpose(1, 2, 0)
    with run.replacing(run.folder / name) as path:
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, "WEBP", lossless=True)
