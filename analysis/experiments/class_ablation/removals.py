"""The results of one layer's ablation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve
    from dissectory.analysis.experiments.class_ablation.units import UnitRemovals


@dataclass(frozen=True, slots=True)
class LayerRemovals:
    """What removing the units of a layer changes.

    Attributes:
        units: the effect of each unit by itself.
        orders: by class, the units of the layer, most important first `(unit,)`; of classes with ranking images.
        curves: the curves of these classes.
    """

    units: UnitRemovals
    orders: Mapping[int, npt.NDArray[np.intp]]
    curves: Sequence[ClassCurve]
