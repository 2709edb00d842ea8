"""Where the pictures of a generator's ablation are in a run's folder."""

from __future__ import annotations


def without(layer_index: int, unit: int) -> str:
    """Path of a unit's first top images, generated without the unit, above the amplified differences of each color."""
    return f"images/without/{layer_index}/{unit}.webp"


def ablation(row: int) -> str:
    """Path of the pictures without a concept's units: a row for each image, a tile for each number of ablated units.

    `row` is that of the concept in the table concepts; the table ablation_pictures names the images and the numbers.
    """
    return f"images/ablation/{row}.webp"
