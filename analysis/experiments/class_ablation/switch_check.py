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
    """Counts the predictions of a browser, and compares the counts with those of the tables.

    The counts are those of the unchanged network, without each unit, and along the curves of some classes.
    """

    def __init__(self, removals: LayerRemovals, classes: Sequence[int], grouping: Grouping) -> None:
        self._classes, self._found, self._curves = list(classes), removals.units, removals.curves[:CHECKED]
        self._grouping = grouping
        self._sets = [np.arange(0), *(np.array([unit]) for unit in range(len(removals.units.removed)))]
        self._points: list[tuple[ClassCurve, int, int]] = []
        """Curves, the index of a size in each, and the index of its set of units."""
        for curve in self._curves:
            for place, size in enumerate(curve.sizes):
                if size in SIZES:
                    self._points.append((curve, place, len(self._sets)))
                    self._sets.append(removals.orders[curve.output][:size])
        self._counted: Outcomes | None = None

    def observe(self, numbers: SwitchNumbers, classes: _Ints) -> None:
        """Count images that belong to `classes` `(image,)`, -1 for none."""
        taken = self._grouping.taken(numbers.without(self._sets))
        counted = count_outcomes(taken, classes, self._grouping.count + 1)
        self._counted = counted if self._counted is None else self._counted + counted

    @property
    def compared(self) -> int:
        """The number of compared counts."""
        return sum(said.size for said, _ in self._pairs())

    @property
    def differ(self) -> int:
        """The number of counts that differ."""
        return sum(int((said != counted).sum()) for said, counted in self._pairs())

    def _pairs(self) -> Iterator[tuple[_Ints, _Ints]]:
        """Yield counts of the tables with those of a browser."""
        counted, units = self._counted, len(self._found.removed)
        assert counted is not None  # noqa: S101 - the caller observes images first
        for variants, said in ((slice(0, 1), self._found.original), (slice(1, 1 + units), self._found.without)):
            for theirs, ours in ((said["reporting"].taken, counted.taken), (said["reporting"].right, counted.right)):
                columns = np.atleast_2d(theirs)[:, self._classes]
                yield columns, ours[variants, 0][:, self._classes]
        for curve, place, variant in self._points:
            yield curve.taken[:, place], counted.taken[variant, :, curve.output]
            yield curve.right[:, place], counted.right[variant, :, curve.output]
            yield curve.correct[:, place], counted.correct[variant]
