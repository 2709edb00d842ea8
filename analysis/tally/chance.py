"""How reliable a label is: a confidence interval for its IoU, and a test against chance.

    weights = poisson_weights(images, REPLICATES, seed)         # once for a shard, for all layers
    bootstrap.observe(weights, intersection, active, areas)     # for each layer
    low, high = bootstrap.interval()

Images are the sampling unit, because the positions of one image are not independent.
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
"""Resampled sets of images; about 25 of them are beyond each end of an interval."""
PAIRED_IMAGES = 1024
"""Number of images in the test against chance. More images find more units than more pairings do: of the units of
SqueezeNet's fire9, 49 pairings of 1024 images find 96 %, of 512 images 92 % and of 256 images 50 %; 99 pairings find
97, 93 and 56 %."""
PAIRED_SIDE = 28
"""The test uses at least this many rows and columns of the grid; neighboring positions carry nearly the same
information."""

_BITS = 2**64
_HALF_BITS = 32
_HALF = 2**_HALF_BITS - 1
_POWERS = tuple((k - j, j) for k in (1, 2, 3) for j in range(k + 1))
"""Powers of intersection and union whose sums give the moments of the images' influence, up to the third."""


def _poisson_steps() -> npt.NDArray[np.uint64]:
    """Return the 64-bit random numbers at which the weights 1, 2, ... begin."""
    steps, share, total = [], 1 / math.e, 0.0
    while total + share < 1:
        total += share
        steps.append(int(total * _BITS))
        share /= len(steps)
    return np.array(steps, dtype=np.uint64)


_STEPS = _poisson_steps()


def _random(seed: int, stream: int, count: int) -> npt.NDArray[np.uint64]:
    """Draw `count` 64-bit numbers that depend only on a seed and on the number of a stream, below 2**64."""
    key = np.array([seed % _BITS, stream], dtype=np.uint64)
    drawn: npt.NDArray[np.uint64] = np.random.Philox(key=key).random_raw(count)
    return drawn


def poisson_weights(images: Sequence[int], replicates: int, seed: int) -> _F64:
    """Draw how often each image is in each resampled set `(image, replicate)`, from a Poisson distribution of mean 1.

    An image's weights depend only on its number and the seed, not on the order or grouping of the images. Chamandy,
    Muralidharan, Najmi & Naidu 2012, 'Estimating uncertainty for massive data streams'.
    """
    weights = np.empty((len(images), replicates))
    for row, image in enumerate(images):
        weights[row] = _STEPS.searchsorted(_random(seed, image, replicates), side="right")
    return weights


class Bootstrap:
    """Confidence intervals for the IoU of each unit with one concept, its label, from resampled images.

    The thresholds and the labels are not resampled. All sums are sums of integers, so they are exact in any order. Sums
    of cubes can exceed 64 bits, so they are Python integers.
    """

    def __init__(self, units: int, replicates: int = REPLICATES) -> None:
        self._intersection = np.zeros((replicates, units))
        self._union = np.zeros((replicates, units))
        self._products = {powers: np.zeros(units, dtype=object) for powers in _POWERS}

    def observe(
        self,
        weights: _F64,
        intersection: npt.NDArray[np.integer[Any]],
        active: npt.NDArray[np.integer[Any]],
        areas: npt.NDArray[np.integer[Any]],
    ) -> None:
        """Add some images: their weights `(image, replicate)`, and counts of positions `(image, unit)`.

        Args:
            weights: see `poisson_weights`.
            intersection: positions that are active and have the unit's concept.
            active: active positions.
            areas: positions that have the unit's concept.
        """
        both = intersection.astype(np.int64)
        either = active.astype(np.int64) + areas - both
        self._intersection += weights.T @ both.astype(np.float64)
        self._union += weights.T @ either.astype(np.float64)
        for i, j in _POWERS:
            self._products[i, j] += _exact_sum(both**i * either**j)

    def interval(self) -> tuple[_F64, _F64]:
        """Return the ends `(unit,)` of a 95 % interval; NaN if there are neither active positions nor the concept.

        The ends are percentiles of the resampled IoUs, corrected for bias and skewness (BCa; Efron 1987, 'Better
        bootstrap confidence intervals'). Uncorrected intervals are too low if few images show the unit and its concept
        together.
        """
        ratio = np.divide(self._intersection, self._union, out=np.full_like(self._union, np.nan), where=self._union > 0)
        ratio.sort(axis=0)  # sets without the unit and its concept are NaN, and sorted last
        valid = np.isfinite(ratio).sum(axis=0).clip(1)
        below = ((ratio < self._iou).sum(axis=0) + (ratio <= self._iou).sum(axis=0)) / 2
        bias = ndtri(np.clip(below / valid, 1 / (valid + 1), valid / (valid + 1)))
        reach = ndtri(0.975)
        low, high = (bias + (bias + z) / (1 - self._acceleration * (bias + z)) for z in (-reach, reach))
        return _quantile(ratio, valid, ndtr(low)), _quantile(ratio, valid, ndtr(high))

    @property
    def _iou(self) -> _F64:
        return self._total(1, 0) / np.maximum(self._total(0, 1), 1)

    @property
    def _acceleration(self) -> _F64:
        """A sixth of the skewness of the images' influence on the IoU, which is intersection - IoU * union."""
        squares, cubes = (
            sum(math.comb(k, j) * (-self._iou) ** j * self._total(k - j, j) for j in range(k + 1)) for k in (2, 3)
        )
        skewness = np.divide(cubes, np.abs(squares) ** 1.5, out=np.zeros_like(self._iou), where=squares != 0)
        return skewness.clip(-1, 1) / 6  # only rounding exceeds this range, if no image has any influence

    def _total(self, i: int, j: int) -> _F64:
        """Return the sum over images of intersection**i * union**j `(unit,)`, rounded once."""
        return self._products[i, j].astype(np.float64)


def _exact_sum(products: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Sum products of counts `(image, unit)` over the images, as Python integers `(unit,)`.

    A product of three counts has up to 48 bits, so int64 overflows from 32,768 images on. The two halves of a product
    are summed separately: each sum fits in int64 for two billion images.
    """
    low, high = products & _HALF, products >> _HALF_BITS
    total: npt.NDArray[np.object_] = (high.sum(axis=0).astype(object) << _HALF_BITS) + low.sum(axis=0)
    return total


def _quantile(ordered: _F64, valid: npt.NDArray[np.int64], share: _F64) -> _F64:
    """Return the quantile `(unit,)` at a share `(unit,)`, among the first `valid` ordered values `(value, unit)`."""
    place = share * (valid - 1)
    below = np.floor(place).astype(np.int64)
    units = np.arange(len(place))
    low, high = ordered[below, units], ordered[np.minimum(below + 1, valid - 1), units]
    return np.asarray(low + (place - below) * (high - low))


def shifts(images: int, pairings: int, seed: int) -> list[int]:
    """Draw the shifts of the label maps, one for each pairing: different numbers, all of them above 0.

    The image at index i is compared with the label map at index (i + shift) % images. If there are fewer images than
    pairings, all possible shifts are returned.
    """
    keys = _random(seed, _BITS - 1, max(images - 1, 0))  # no image has this stream: its number is lower
    return [int(place) + 1 for place in np.argsort(keys, kind="stable")[:pairings]]


def paired_places(grid: int) -> npt.NDArray[np.int32]:
    """Number the grid positions `(position,)` that the test uses, evenly spaced; -1 for the other positions.

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
    """Test whether each unit of a layer agrees with its best concept more than with the labels of other images.

    Under the null hypothesis, a unit's own value is as likely to be the highest as each of its null values. So
    (1 + null values that reach it) / (1 + pairings) is an exact p-value for each unit, whatever the distribution of its
    null values (Phipson & Smyth 2010). Only if no null value reaches a unit's own value are units compared with each
    other, to find out how far the p-value is below 1 / (1 + pairings): the unit's lead over its null values is ranked
    among the leads of every unit's highest null value over its other null values.

    Args:
        observed: each unit's highest IoU over all concepts `(unit,)`; NaN for a unit that is not tested.
        null: the same for its activations on the label maps of other images `(pairing, unit)`.

    Returns:
        One-sided p-values `(unit,)`, above 0; NaN for units that are not tested, and for all units without a pairing.
    """
    p = np.full(len(observed), np.nan)
    tested = np.isfinite(observed)
    if len(null) and tested.any():
        p[tested] = _tested(observed[tested].astype(np.float64), np.sort(null[:, tested].astype(np.float64), axis=0))
    return p


def _tested(observed: _F64, ordered: _F64) -> _F64:
    """Compute the p-values of `p_values`, from null values in ascending order for each unit."""
    own = (1 + (ordered >= observed).sum(axis=0)) / (1 + len(ordered))
    if len(ordered) == 1:
        return np.asarray(own)
    lead = _lead(observed, ordered)
    leads = np.sort(_lead(ordered[-1], ordered[:-1]))
    reached = len(leads) - np.searchsorted(leads, lead, side="left")
    shared = (1 + reached) / (1 + len(leads))
    return np.asarray(np.where(observed > ordered[-1], own * shared, own))


def _lead(top: _F64, others: _F64) -> _F64:
    """Return the lead `(unit,)` of a value over others `(other, unit)`, divided by their maximum minus their median."""
    ahead, reach = top - others[-1], others[-1] - np.median(others, axis=0)
    return np.asarray(np.divide(ahead, reach, out=np.where(ahead > 0, np.inf, 0.0), where=reach > 0))


def q_values(p: npt.NDArray[np.floating[Any]]) -> _F64:
    """Convert p-values to q-values: the lowest false discovery rate at which each is a discovery; NaN stays NaN.

    Benjamini & Hochberg 1995, 'Controlling the false discovery rate'.
    """
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    falling = tested[np.argsort(-p[tested], kind="stable")]
    ranks = np.arange(len(falling), 0, -1)
    q[falling] = np.minimum.accumulate(p[falling] * (len(falling) / ranks))
    return q
