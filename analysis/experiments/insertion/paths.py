"""The paths of the pictures of an insertion in a run's folder."""

from __future__ import annotations


def insertion(row: int) -> str:
    """Return the path of a concept's pictures: a row for each image, with tiles before, after and for the difference.

    `row` is that of the concept in the table concepts; the table insertion_pictures names the images.
    """
    return f"images/insertion/{row}.webp"
