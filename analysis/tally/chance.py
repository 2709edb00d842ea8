"""How sure a label is: an interval for its IoU, and a test of whether chance would do as well.

    weights = poisson_weights(images, REPLICATES, seed)         # once for a shard, whatever the number of layers
    bootstrap.observe(weights, intersection, active, areas)     # for each layer
    low, high = bootstrap.interval()

Images are the sampling unit: positions of one image are anything but independent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    _F64 = npt.NDArray[np.float64]

REPLICATES = 1000
"""Resampled sets of images: some 25 lie beyond each end of an interval."""
PAIRED_IMAGES = 1024
"""Images that are paired: more of them find more than more pairings do. Of the units of SqueezeNet's fire9, 49 pairings
of 1024 images find 96 %, of 512 images 92 % and of 256 images 50 %; 99 pairings find 97, 93 and 56 %."""
PAIRED_SIDE = 28
"""Rows and columns of the grid that are paired at least; neighbors tell nearly the same."""

_BITS = 2**64
_POWERS = tuple((k - j, j) for k in (1, 2, 3) for j in range(k + 1))
"""Products of intersection and union, of which the influence of images is made up to its third moment."""


def _poisson_steps() -> npt.NDArray[np.uint64]:
    """The random number from which each weight 1, 2, ... is reached, of 64 bits."""
    steps, share, total = [], 1 / math.e, 0.0
    while total + share < 1:
        total += share
        steps.append(int(total * _BITS))
        share /= len(steps)
    return np.array(steps, dtype=np.uint64)


_STEPS = _poisson_steps()


def _random(seed: int, stream: int, count: int) -> npt.NDArray[np.uint64]:
    """Draw `count` numbers of 64 bits that depend on nothing but a seed and the number of a stream below 2**64."""
    key = np.array([seed % _BITS, stream], dtype=np.uint64)
    drawn: npt.NDArray[np.uint64] = np.random.Philox(key=key).random_raw(count)
    return drawn


def poisson_weights(images: Sequence[int], replicates: int, seed: int) -> _F64:
    """Draw how often each image is in each resampled set `(image, replicate)`, Poisson with mean 1.

    An image's weights depend on its number and the seed alone: neither the order of the images nor their grouping
    matters. Chamandy, Muralidharan, Najmi & Naidu 2012, 'Estimating uncertainty for massive data streams'.
    """
    weights = np.empty((len(images), replicates))
    for row, image in enumerate(images):
        weights[row] = _STEPS.searchsorted(_random(seed, image, replicates), side="right")
    return weights


class Bootstrap:
    """Intervals of the IoU of each unit with one concept, its label, over resampled images.

    The thresholds and the label stay what they are. All sums are of whole numbers, exact in any order.
    """

    def __init__(self, units: int, replicates: int = REPLICATES) -> None:
        self._intersection = np.zeros((replicates, units))
        self._union = np.zeros((replicates, units))
        self._products = {powers: np.zeros(units, dtype=np.int64) for powers in _POWERS}

    def observe(
        self,
        weights: _F64,
        intersection: npt.NDArray[np.integer[Any]],
        active: npt.NDArray[np.integer[Any]],
        areas: npt.NDArray[np.integer[Any]],
    ) -> None:
        """Take in some images: their weights `(image, replicate)`, and counts of positions `(image, unit)`.

        Args:
            weights: see `poisson_weights`.
            intersection: positions that are active and carry the unit's concept.
            active: active positions.
            areas: positions that carry the unit's concept.
        """
        both = intersection.astype(np.int64)
        either = active.astype(np.int64) + areas - both
        self._intersection += weights.T @ both.astype(np.float64)
        self._union += weights.T @ either.astype(np.float64)
        for i, j in _POWERS:
            self._products[i, j] += (both**i * either**j).sum(axis=0)

    def interval(self) -> tuple[_F64, _F64]:
        """The ends `(unit,)` of a 95 % interval; NaN where there is neither unit nor concept.

        Percentiles of the resampled IoUs, corrected for bias and skewness (BCa; Efron 1987, 'Better bootstrap
        confidence intervals'): plain ones end too low where few images show the unit and its concept together.
        """
        ratio = np.divide(self._intersection, self._union, out=np.full_like(self._union, np.nan), where=self._union > 0)
        ratio.sort(axis=0)  # what is resampled without unit and concept is NaN, and last
        valid = np.isfinite(ratio).sum(axis=0).clip(1)
        below = ((ratio < self._iou).sum(axis=0) + (ratio <= self._iou).sum(axis=0)) / 2
        bias = ndtri(np.clip(below / valid, 1 / (valid + 1), valid / (valid + 1)))
        reach = ndtri(0.975)
        low, high = (bias + (bias + z) / (1 - self._acceleration * (bias + z)) for z in (-reach, reach))
        return _quantile(ratio, valid, ndtr(low)), _quantile(ratio, valid, ndtr(high))

    @property
    def _iou(self) -> _F64:
        return self._products[1, 0] / np.maximum(self._products[0, 1], 1)

    @property
    def _acceleration(self) -> _F64:
        """A sixth of the skewness of the images' influence on the IoU, which is intersection - IoU * union."""
        squares, cubes = (
            sum(math.comb(k, j) * (-self._iou) ** j * self._products[k - j, j] for j in range(k + 1)) for k in (2, 3)
        )
        skewness = np.divide(cubes, np.abs(squares) ** 1.5, out=np.zeros_like(self._iou), where=squares != 0)
        return skewness.clip(-1, 1) / 6  # only rounding takes it beyond, where no image has an influence


def _quantile(ordered: _F64, valid: npt.NDArray[np.int64], share: _F64) -> _F64:
    """The value `(unit,)` at a share `(unit,)` of the way through the first, `valid` values `(value, unit)`."""
    place = share * (valid - 1)
    below = np.floor(place).astype(np.int64)
    units = np.arange(len(place))
    low, high = ordered[below, units], ordered[np.minimum(below + 1, valid - 1), units]
    return np.asarray(low + (place - below) * (high - low))


def shifts(images: int, pairings: int, seed: int) -> list[int]:
    """Draw by how many places label maps are moved in each pairing, cyclically: different numbers, none of them 0.

    The image at place i is compared with the label map at place (i + shift) % images. Where there are fewer images
    than pairings, every shift there is.
    """
    keys = _random(seed, _BITS - 1, max(images - 1, 0))  # an image's number is never that high
    return [int(place) + 1 for place in np.argsort(keys, kind="stable")[:pairings]]


def paired_places(grid: int) -> npt.NDArray[np.int32]:
    """Number the positions `(position,)` of the grid that are paired, evenly spread; -1 for the others.

    >>> paired_places(2 * PAIRED_SIDE).max() + 1 == PAIRED_SIDE**2
    np.True_
    """
    step = max(1, grid // PAIRED_SIDE)
    chosen = np.arange(grid) % step == step // 2
    places = np.full(grid**2, -1, dtype=np.int32)
    spread = np.flatnonzero(np.outer(chosen, chosen))
    places[spread] = np.arange(len(spread))
    return places


def p_values(observed: npt.NDArray[np.floating[Any]], null: npt.NDArray[np.floating[Any]]) -> _F64:
    """Test whether each unit of a layer agrees with its best concept more than with another image's labels.

    Under the null hypothesis a unit's own value is as likely as each of its null values to be the highest, so that
    (1 + null values that reach it) / (1 + pairings) is exact for every unit by itself, however its null values are
    distributed (Phipson & Smyth 2010). Only where none reaches it are units compared with each other, to tell how far
    below 1 / (1 + pairings) it is: by its lead, among the leads of every unit's highest null value over its others.

    Args:
        observed: each unit's highest IoU over all concepts `(unit,)`; NaN for a unit that is not to be tested.
        null: the same with its activations on other images' label maps `(pairing, unit)`.

    Returns:
        One-sided p-values `(unit,)`, never 0; NaN for units that are not tested, and for all without a pairing.
    """
    p = np.full(len(observed), np.nan)
    tested = np.isfinite(observed)
    if len(null) and tested.any():
        p[tested] = _tested(observed[tested].astype(np.float64), np.sort(null[:, tested].astype(np.float64), axis=0))
    return p


def _tested(observed: _F64, ordered: _F64) -> _F64:
    """The p-values of `p_values`, from null values that ascend in every unit."""
    own = (1 + (ordered >= observed).sum(axis=0)) / (1 + len(ordered))
    if len(ordered) == 1:
        return np.asarray(own)
    lead = _lead(observed, ordered)
    leads = np.sort(_lead(ordered[-1], ordered[:-1]))
    reached = len(leads) - np.searchsorted(leads, lead, side="left")
    shared = (1 + reached) / (1 + len(leads))
    return np.asarray(np.where(observed > ordered[-1], own * shared, own))


def _lead(top: _F64, others: _F64) -> _F64:
    """How far `(unit,)` a value leads the others `(other, unit)`, in distances of their highest from their median."""
    ahead, reach = top - others[-1], others[-1] - np.median(others, axis=0)
    return np.asarray(np.divide(ahead, reach, out=np.where(ahead > 0, np.inf, 0.0), where=reach > 0))


def q_values(p: npt.NDArray[np.floating[Any]]) -> _F64:
    """Turn p-values into q-values: the lowest false discovery rate at which each is a discovery; NaN stays NaN.

    Benjamini & Hochberg 1995, 'Controlling the false discovery rate'.
    """
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    falling = tested[np.argsort(-p[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    q[falling] = np.minimum.accumulate(p[falling] * (len(falling) / ranks))
    return q
