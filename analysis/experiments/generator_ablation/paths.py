"""The paths of the pictures of a generator's ablation in a run's folder."""

from __future__ import annotations


def without(layer_index: int, unit: int) -> str:
    """Return the path of a unit's first top images, generated without the unit, above their amplified differences."""
    return f"images/without/{layer_index}/{unit}.webp"


def ablation(row: int) -> str:
    """Return the path of a concept's pictures: a row for each image, and a tile for each number of ablated units.

    `row` is that of the concept in the table concepts; the table ablation_pictures names the images and the numbers.
    """
    return f"images/ablation/{row}.webp"
