"""Strips: rows of tiles in one file, without masks, for edited images and for counterexamples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dissectory.analysis.pictures.sprites import QUALITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.run import Run

    Picture = npt.NDArray[np.uint8]


def write_strip(run: Run, name: str, rows: Sequence[Sequence[Picture]], columns: int) -> None:
    """Write rows of tiles `(tile, tile, 3)`, at most `columns` in each row, into a run; missing tiles are black.

    Raises:
        RunError: if the run's folder cannot be written.
    """
    tile = len(rows[0][0])
    sheet = np.zeros((len(rows) * tile, columns * tile, 3), dtype=np.uint8)
    for row, tiles in enumerate(rows):
        for column, picture in enumerate(tiles):
            sheet[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile] = picture
    with run.replacing(run.folder / name) as path:
        Image.fromarray(sheet).save(path, "WEBP", quality=QUALITY, method=2)


def difference(before: Picture, after: Picture, amplified: int) -> Picture:
    """Return the absolute difference of two pictures, value by value, times `amplified` and clipped to 0..255.

    >>> difference(np.array([[[9, 0, 200]]], np.uint8), np.array([[[4, 2, 0]]], np.uint8), 3).tolist()
    [[[15, 6, 255]]]
    """
    apart = np.abs(before.astype(np.int32) - after) * amplified
    found: Picture = apart.clip(0, 255).astype(np.uint8)
    return found
