"""Where the pictures of an attack are in a run's folder."""

from __future__ import annotations

from typing import Literal

FOLDER = "attacks"
"""The folder of what the experiment measured, beside `tables` and `images`."""

TENSORS = f"{FOLDER}/pictures.safetensors"
"""The pictures as numbers: `images` `(image,)`, `originals` `(image, 3, size, size)`, 0..255, and `changed`, 0..1."""


def picture(image: int, kind: Literal["", "changed", "difference"] = "") -> str:
    """Path of an attacked image as the network sees it, of what it was changed to, or of the amplified difference."""
    return f"images/attacks/{image}.{kind}.webp" if kind else f"images/attacks/{image}.webp"
