"""Where the pictures of an insertion are in a run's folder."""

from __future__ import annotations


def insertion(row: int) -> str:
    """Path of the pictures with a concept's units forced on: before, after and the difference, in a row for each image.

    `row` is that of the concept in the table concepts; the table insertion_pictures names the images.
    """
    return f"images/insertion/{row}.webp"
