"""The paths of an attack's pictures in a run's folder."""

from __future__ import annotations

from typing import Literal

FOLDER = "attacks"
"""The folder of the experiment's measurements, next to `tables` and `images`."""

TENSORS = f"{FOLDER}/pictures.safetensors"
"""The attacked images as tensors: their numbers `images` `(image,)`, and their pixels `(image, 3, size, size)` before
the attack, `originals`, 0..255, and after it, `changed`, 0..1."""


def picture(image: int, kind: Literal["", "changed", "difference"] = "") -> str:
    """Return the path of an attacked image as the network sees it, of the changed image, or of their difference.

    The difference is amplified, and shown around gray.
    """
    return f"images/attacks/{image}.{kind}.webp" if kind else f"images/attacks/{image}.webp"
