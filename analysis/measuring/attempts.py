"""The thresholds of all layers. If a threshold is below the activations that were kept, its layer is measured again.

The bounds above which a pass keeps activations are estimated from its first images. Each further attempt keeps `LOOSER`
times as large a share of positions, and the last attempt keeps all activations.
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
"""At most this many passes are made for one layer."""
LOOSER = 4
"""Each further attempt keeps this many times as large a share of positions."""


def open_part(
    setting: Setting, layer: LayerInfo, shards: Shards, attempt: int = 0, known: Floats | None = None
) -> LayerPart:
    """Open the part of a pass that measures a layer, at the first attempt or a later one.

    Args:
        setting: the setting of the study.
        layer: the layer to measure.
        shards: the shards of this attempt.
        attempt: the number of the attempt, 0 for the first.
        known: bounds `(unit,)` of the units whose thresholds are already known, NaN for the others.
    """
    dissection = setting.study.dissection
    return LayerPart(
        layer,
        shards,
        Upsampler(layer.height, layer.width, dissection.grid, dissection.border),
        dissection.top_images,
        setting.tally,
        total=len(setting.images),
        quantile=dissection.quantile * LOOSER**attempt if attempt < ATTEMPTS - 1 else 1,
        known=known,
        threads=torch.get_num_threads(),
    )


def thresholds_of(setting: Setting, part: LayerPart, images: int) -> Floats:
    """Find the thresholds `(unit,)` of a layer over `images` images; NaN for units whose bound was too high."""
    above = count_above(setting.study.dissection.quantile, images * setting.positions)
    return find_thresholds(part.shards, above, torch.get_num_threads())


def settle(
    parts: Sequence[LayerPart],
    find: Callable[[LayerPart], Floats],
    measure_again: Callable[[Found, int], Sequence[LayerPart]],
) -> Found:
    """Find the thresholds of all layers, if necessary with further attempts.

    Args:
        parts: the layers, measured at the first attempt.
        find: returns the thresholds of a layer, NaN for units whose bound was too high.
        measure_again: measures layers again, given them with their thresholds so far and the number of the attempt.
    """
    found = {part.layer.name: (part, find(part)) for part in parts}
    for attempt in range(1, ATTEMPTS):
        failed = [(part, levels) for part, levels in found.values() if np.isnan(levels).any()]
        if not failed:
            break
        found |= {part.layer.name: (part, find(part)) for part in measure_again(failed, attempt)}
    return list(found.values())


def known_bounds(part: LayerPart, levels: Floats) -> Floats:
    """Return the bounds `(unit,)` of the units whose thresholds are known, NaN for the others."""
    bounds: Floats = np.where(np.isnan(levels), np.nan, bound_of(part.shards))
    return bounds
