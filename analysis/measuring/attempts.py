"""Thresholds of all layers; a layer whose thresholds lie below what was kept of it is measured again, keeping more.

What a pass keeps of a layer is guessed from its first images. Each further attempt keeps `LOOSER` times as many
positions, and the last one keeps everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.measuring.activations import bound_of
from dissectory.analysis.measuring.parts import LayerPart
from dissectory.analysis.measuring.thresholding import find_thresholds
from dissectory.analysis.tally.thresholds import count_above
from dissectory.analysis.tally.upsampling import Upsampler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.layers import LayerInfo

    Floats = npt.NDArray[np.float32]
    Found = list[tuple[LayerPart, Floats]]

ATTEMPTS = 4
"""Passes for the same layer at most."""
LOOSER = 4
"""How many times as many positions each further attempt keeps."""


def open_part(
    setting: Setting, layer: LayerInfo, shards: Shards, attempt: int = 0, known: Floats | None = None
) -> LayerPart:
    """Open what is measured of a layer at the first attempt or a later one.

    Args:
        setting: of the study.
        layer: to measure.
        shards: where its progress is kept.
        attempt: 0 for the first one.
        known: bounds `(unit,)` of the units whose thresholds are known already, NaN for the others.
    """
    dissection = setting.study.dissection
    return LayerPart(
        layer,
        shards,
        Upsampler(layer.height, layer.width, dissection.grid, dissection.border),
        dissection.top_images,
        total=len(setting.images),
        quantile=dissection.quantile * LOOSER**attempt if attempt < ATTEMPTS - 1 else 1,
        known=known,
        threads=torch.get_num_threads(),
    )


def thresholds_of(setting: Setting, part: LayerPart, images: int) -> Floats:
    """Find the thresholds `(unit,)` of a layer over so many images; NaN for units of which too little was kept."""
    above = count_above(setting.study.dissection.quantile, images * setting.positions)
    return find_thresholds(part.shards, above, torch.get_num_threads())


def settle(
    parts: Sequence[LayerPart],
    find: Callable[[LayerPart], Floats],
    measure_again: Callable[[Found, int], Sequence[LayerPart]],
) -> Found:
    """Find the thresholds of all layers.

    Args:
        parts: what was measured of the layers at the first attempt.
        find: gives the thresholds of a layer, NaN for units of which too little was kept.
        measure_again: measures some layers once more, given what was found and the number of the attempt.
    """
    found = {part.layer.name: (part, find(part)) for part in parts}
    for attempt in range(1, ATTEMPTS):
        failed = [(part, levels) for part, levels in found.values() if np.isnan(levels).any()]
        if not failed:
            break
        found |= {part.layer.name: (part, find(part)) for part in measure_again(failed, attempt)}
    return list(found.values())


def known_bounds(part: LayerPart, levels: Floats) -> Floats:
    """The bounds `(unit,)` of the units whose thresholds are known, NaN for the others."""
    bounds: Floats = np.where(np.isnan(levels), np.nan, bound_of(part.shards))
    return bounds
