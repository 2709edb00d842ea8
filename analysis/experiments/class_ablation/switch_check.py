"""The check of a switchboard: a browser's arithmetic must give the numbers of the run's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.experiments.class_ablation.sets import SIZES
from dissectory.analysis.tally.outcomes import count_outcomes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.removals import LayerRemovals
    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve
    from dissectory.analysis.experiments.class_ablation.switch_numbers import SwitchNumbers
    from dissectory.analysis.tally.outcomes import Grouping, Outcomes

    _Ints = npt.NDArray[np.integer[Any]]

CHECKED = 32
"""The number of classes whose curves are checked."""


class SwitchCheck:
    """Counts anew what the tables say: of the network as it is, without each unit, and along some classes' curves."""

    def __init__(self, removals: LayerRemovals, classes: Sequence[int], grouping: Grouping) -> None:
        self._classes, self._found, self._curves = list(classes), removals.units, removals.curves[:CHECKED]
        self._grouping = grouping
        self._sets = [np.arange(0), *(np.array([unit]) for unit in range(len(removals.units.removed)))]
        self._points: list[tuple[ClassCurve, int, int]] = []
        """Curves and the places of sizes in them, with the places of their sets."""
        for curve in self._curves:
            for place, size in enumerate(curve.sizes):
                if size in SIZES:
                    self._points.append((curve, place, len(self._sets)))
                    self._sets.append(removals.orders[curve.output][:size])
        self._counted: Outcomes | None = None

    def observe(self, numbers: SwitchNumbers, classes: _Ints) -> None:
        """Count some images that belong to `classes` `(image,)`, -1 for none."""
        taken = self._grouping.taken(numbers.without(self._sets))
        counted = count_outcomes(taken, classes, self._grouping.count + 1)
        self._counted = counted if self._counted is None else self._counted + counted

    @property
    def compared(self) -> int:
        """Numbers of the tables that were counted anew."""
        return sum(said.size for said, _ in self._pairs())

    @property
    def differ(self) -> int:
        """How many of them came out otherwise."""
        return sum(int((said != counted).sum()) for said, counted in self._pairs())

    def _pairs(self) -> Iterator[tuple[_Ints, _Ints]]:
        """What the tables say, and what was counted."""
        counted, units = self._counted, len(self._found.removed)
        assert counted is not None  # noqa: S101 - asked for when all images were observed
        for variants, said in ((slice(0, 1), self._found.original), (slice(1, 1 + units), self._found.without)):
            for theirs, ours in ((said["reporting"].taken, counted.taken), (said["reporting"].right, counted.right)):
                columns = np.atleast_2d(theirs)[:, self._classes]
                yield columns, ours[variants, 0][:, self._classes]
        for curve, place, variant in self._points:
            yield curve.taken[:, place], counted.taken[variant, :, curve.output]
            yield curve.right[:, place], counted.right[variant, :, curve.output]
            yield curve.correct[:, place], counted.correct[variant]
