"""How often a unit is active at the same positions of two images, such as an image and its stylized copy.

    counted = count_agreement(kept, other, pairs=60, positions=56 * 56)
    counted.agreement       # (unit,)

Bau et al. 2020, supplement: P[both] / (2 q - P[both]), if a unit is active at a share q of the positions of each kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.tally.kept import Kept

    _I64 = npt.NDArray[np.int64]
    _F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of active positions in pairs of images `(pair, unit)`: in one image, in the other, and in both.

    `any_two` `(unit,)` counts the positions that are active in both of two images, over all combinations of an image of
    one kind and an image of the other kind, pairs or not.
    """

    one: _I64
    other: _I64
    both: _I64
    any_two: _I64

    @property
    def agreement(self) -> _F64:
        """Positions active in both images divided by those active in at least one `(unit,)`; NaN if there are none."""
        return _ratio(self.both.sum(axis=0).astype(np.float64), self._active)

    @property
    def chance(self) -> _F64:
        """The mean agreement of images that are not a pair `(unit,)`; NaN if there is only one pair."""
        pairs = len(self.both)
        if pairs < 2:  # noqa: PLR2004 - no images that are not a pair
            return np.full(len(self.any_two), np.nan)
        return _ratio((self.any_two - self.both.sum(axis=0)) / (pairs - 1), self._active)

    @property
    def _active(self) -> _I64:
        return np.asarray(self.one.sum(axis=0) + self.other.sum(axis=0))


def _ratio(both: _F64, active: _I64) -> _F64:
    """Compute the intersection over union from the intersection and the sum of both areas."""
    return np.asarray(np.divide(both, active - both, out=np.full(len(both), np.nan), where=active > 0))


def count_agreement(one: Kept, other: Kept, pairs: int, positions: int) -> Agreement:
    """Count where units are active in pairs of images.

    Args:
        one: only active positions, with the pair's number as the image number.
        other: the same for the other images of the same pairs, and for the same units.
        pairs: the number of pairs.
        positions: the number of grid positions.
    """
    counted = [_count(*_active_of(one, unit), *_active_of(other, unit), pairs, positions) for unit in range(one.count)]
    in_one, in_other, both, any_two = zip(*counted, strict=True)
    return Agreement(
        np.stack(in_one, axis=1), np.stack(in_other, axis=1), np.stack(both, axis=1), np.array(any_two, dtype=np.int64)
    )


def _active_of(kept: Kept, unit: int) -> tuple[_I64, _I64]:
    """Return the pair number and the position of each of a unit's entries `(entry,)`."""
    pairs = slice(kept.first[unit], kept.first[unit + 1])
    starts = kept.starts[pairs.start : pairs.stop + 1]
    return (
        np.repeat(kept.images[pairs], np.diff(starts)).astype(np.int64),
        kept.positions[starts[0] : starts[-1]].astype(np.int64),
    )


def _count(
    pair: _I64, position: _I64, other_pair: _I64, other_position: _I64, pairs: int, positions: int
) -> tuple[_I64, _I64, _I64, int]:
    """Count for one unit the active positions of each pair in one, the other and both images, and those of any two."""
    both = np.intersect1d(pair * positions + position, other_pair * positions + other_position, assume_unique=True)
    here, there = (np.bincount(where, minlength=positions) for where in (position, other_position))
    return (
        np.bincount(pair, minlength=pairs),
        np.bincount(other_pair, minlength=pairs),
        np.bincount(both // positions, minlength=pairs),
        int(here @ there),
    )
