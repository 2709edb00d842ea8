"""The compiled loops of `removal`: predictions without single units, and along orders of units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.tally.compiling import compiled, part_of_kernels

if TYPE_CHECKING:
    import numpy.typing as npt

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _I64 = npt.NDArray[np.int64]
    _I32 = npt.NDArray[np.int32]
    _Bool = npt.NDArray[np.bool_]

_GROUP = 4
"""Positions, or units, that are processed together, so that sums are loaded and stored a fourth as often."""


@part_of_kernels
def _decide(
    scores: npt.NDArray[Any], tolerance: float, outputs: _I32, near: _Bool, place: tuple[int, ...], own: int
) -> float:
    """Write the arg-max output, the first of equal ones, and whether another output is near it.

    Returns the lead of the output `own` over the best other one, 0 if `own` is -1.
    """
    best, first, second = 0, scores[0], scores[0] - np.float32(np.inf)
    for output in range(1, len(scores)):
        score = scores[output]
        if score > first:
            best, first, second = output, score, first
        elif score > second:
            second = score
    outputs[place] = best
    near[place] = not first - second > tolerance  # true also if a score is NaN
    if own < 0:
        return 0.0
    lead: float = first - second if own == best else scores[own] - first
    return lead


@part_of_kernels
def _linear_one(scores: _F32, weight: _F32, change: _F32, result: _F32) -> bool:
    """Compute the scores without one unit; return whether its removal changes anything."""
    touched = False
    for output in range(len(scores)):
        result[output] = scores[output]
    for part in range(len(change)):
        strength = change[part]
        if strength != 0:
            touched = True
            for output in range(len(scores)):
                result[output] -= weight[part, output] * strength
    return touched


@compiled
def linear_units(
    first: int, last: int, scores: _F32, weight: _F32, change: _F32, tolerance: _F32, classes: _I64,
    outputs: _I32, near: _Bool, leads: _F32,
) -> None:  # fmt: skip
    """Predict without each unit of some images, if the scores are linear in the features."""
    result = np.empty(scores.shape[1], dtype=np.float32)
    for image in range(first, last):
        for unit in range(len(weight)):
            if _linear_one(scores[image], weight[unit], change[image, unit], result):
                own = classes[image]
                leads[image, unit] = _decide(result, tolerance[image], outputs, near, (image, unit), own)


@compiled
def linear_scores(scores: _F32, weight: _F32, change: _F32, results: _F32) -> None:
    """Compute the scores without each unit."""
    for image in range(len(scores)):
        for unit in range(len(weight)):
            _linear_one(scores[image], weight[unit], change[image, unit], results[image, unit])


@compiled
def linear_sets(
    first: int, last: int, scores: _F32, weight: _F32, change: _F32, tolerance: _F32,
    orders: _I64, sizes: _I64, outputs: _I32, near: _Bool,
) -> None:  # fmt: skip
    """Predict along orders of units, removed or kept, if the scores are linear in the features."""
    start, total = np.empty((2, scores.shape[1])), np.empty(scores.shape[1])
    for image in range(first, last):
        for output in range(len(total)):
            start[:, output] = scores[image, output]
        for unit in range(len(weight)):
            _add_unit(start[1], -1.0, weight[unit], change[image, unit])
        for order in range(len(orders)):
            for keep in range(2):
                total[:] = start[keep]
                sign, done = 1.0 if keep else -1.0, 0
                for step in range(len(sizes)):
                    for place in range(done, sizes[step]):
                        unit = orders[order, place]
                        _add_unit(total, sign, weight[unit], change[image, unit])
                    done = sizes[step]
                    _decide(total, tolerance[image], outputs, near, (image, order, keep, step), -1)


@part_of_kernels
def _add_unit(total: _F64, sign: float, weight: _F32, change: _F32) -> None:
    """Add a unit's contribution to the scores."""
    for part in range(len(change)):
        strength = sign * change[part]
        if strength != 0:
            for output in range(len(total)):
                total[output] += strength * weight[part, output]


@part_of_kernels
def _pool(values: _F32, linear: _F32, rectified: _F32) -> None:
    """Sum values `(position, output)` over the positions, and also their positive parts."""
    linear[:] = 0
    rectified[:] = 0
    for position in range(len(values)):
        for output in range(len(linear)):
            value = values[position, output]
            linear[output] += value
            rectified[output] += max(value, np.float32(0))


@part_of_kernels
def _mean(linear: _F32, rectified: _F32, slope: float, positions: int, result: _F32) -> None:
    for output in range(len(result)):
        result[output] = (slope * linear[output] + (1 - slope) * rectified[output]) / np.float32(positions)


@part_of_kernels
def _rectified_one(
    values: _F32, weight: _F32, change: _F32, slope: float, linear: _F32, rectified: _F32, active: _I64, result: _F32
) -> bool:
    """Compute the scores without one unit if its removal changes anything; return whether it does."""
    positions, outputs = values.shape
    count, strength = 0, np.float32(0)
    for position in range(positions):
        strength += change[position]
        active[count] = position
        count += change[position] != 0
    if count == 0:
        return False
    sparse = 2 * count < positions
    if sparse:  # update only the changed positions; else sum all anew, which does not need the old values
        result[:] = rectified
    else:
        result[:] = 0
        count = positions
        for position in range(positions):
            active[position] = position
    place = 0
    while place < count:
        if place + _GROUP <= count:
            i, j, k, m = active[place], active[place + 1], active[place + 2], active[place + 3]
            _add_four(
                values[i], values[j], values[k], values[m], change[i], change[j], change[k], change[m],
                weight, sparse, result,
            )  # fmt: skip
            place += _GROUP
        else:
            _add_one(values[active[place]], change[active[place]], weight, sparse, result)
            place += 1
    for output in range(outputs):
        straight = linear[output] - weight[output] * strength
        result[output] = (slope * straight + (1 - slope) * result[output]) / np.float32(positions)
    return True


@part_of_kernels
def _add_four(
    v: _F32, w: _F32, x: _F32, y: _F32, a: float, b: float, c: float, d: float, weight: _F32, sparse: bool, result: _F32
) -> None:
    """Add the positive parts at four positions without the unit; if sparse, subtract the old positive parts."""
    zero = np.float32(0)
    for output in range(len(result)):
        factor = weight[output]
        e, f, g, h = v[output] - factor * a, w[output] - factor * b, x[output] - factor * c, y[output] - factor * d
        e, f, g, h = max(e, zero), max(f, zero), max(g, zero), max(h, zero)
        result[output] += (e + f) + (g + h)
    if sparse:
        for output in range(len(result)):
            e, f, g, h = v[output], w[output], x[output], y[output]
            e, f, g, h = (
                max(e, zero),
                max(f, zero),
                max(g, zero),
                max(h, zero),
            )
            result[output] -= (e + f) + (g + h)


@part_of_kernels
def _add_one(v: _F32, a: float, weight: _F32, sparse: bool, result: _F32) -> None:
    zero = np.float32(0)
    for output in range(len(result)):
        e = v[output] - weight[output] * a
        result[output] += max(e, zero)
    if sparse:
        for output in range(len(result)):
            e = v[output]
            result[output] -= max(e, zero)


@compiled
def rectified_units(
    first: int, last: int, values: _F32, weight: _F32, change: _F32, slope: float, tolerance: _F32, classes: _I64,
    outputs: _I32, near: _Bool, leads: _F32,
) -> None:  # fmt: skip
    """Predict without each unit of some images, if a rectifier and a mean follow the step."""
    _, positions, count = values.shape
    linear, rectified = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    result = np.empty(count, dtype=np.float32)
    active = np.empty(positions + 1, dtype=np.int64)
    for image in range(first, last):
        now = values[image]
        _pool(now, linear, rectified)
        for unit in range(len(weight)):
            if _rectified_one(now, weight[unit], change[image, unit], slope, linear, rectified, active, result):
                own = classes[image]
                leads[image, unit] = _decide(result, tolerance[image], outputs, near, (image, unit), own)


@compiled
def rectified_scores(values: _F32, weight: _F32, change: _F32, slope: float, results: _F32) -> None:
    """Compute the scores without each unit."""
    _, positions, classes = values.shape
    linear, rectified = np.empty(classes, dtype=np.float32), np.empty(classes, dtype=np.float32)
    active = np.empty(positions + 1, dtype=np.int64)
    for image in range(len(values)):
        now = values[image]
        _pool(now, linear, rectified)
        for unit in range(len(weight)):
            result = results[image, unit]
            if not _rectified_one(now, weight[unit], change[image, unit], slope, linear, rectified, active, result):
                _mean(linear, rectified, slope, positions, result)


@compiled
def rectified_sets(
    first: int, last: int, silent: _F32, values: _F32, weight: _F32, change: _F32, slope: float, tolerance: _F32,
    orders: _I64, sizes: _I64, outputs: _I32, near: _Bool,
) -> None:  # fmt: skip
    """Predict along orders of units, removed or kept, if a rectifier and a mean follow the step."""
    _, positions, classes = values.shape
    linear, rectified = np.empty(classes, dtype=np.float32), np.empty(classes, dtype=np.float32)
    result = np.empty(classes, dtype=np.float32)
    total = np.empty((positions, classes), dtype=np.float32)
    for image in range(first, last):
        for order in range(len(orders)):
            for keep in range(2):
                total[:] = silent[image % len(silent)] if keep else values[image]
                sign, done = np.float32(1 if keep else -1), 0
                for step in range(len(sizes)):
                    _add_units(total, sign, weight, change[image], orders[order, done : sizes[step]])
                    done = sizes[step]
                    _pool(total, linear, rectified)
                    _mean(linear, rectified, slope, positions, result)
                    _decide(result, tolerance[image], outputs, near, (image, order, keep, step), -1)


@part_of_kernels
def _add_units(total: _F32, sign: float, weight: _F32, change: _F32, units: _I64) -> None:
    """Add the units' contributions to the values `(position, output)`."""
    place = 0
    while place + _GROUP <= len(units):
        i, j, k, m = units[place], units[place + 1], units[place + 2], units[place + 3]
        t, u, v, w = weight[i], weight[j], weight[k], weight[m]
        for position in range(len(total)):
            a, b = sign * change[i, position], sign * change[j, position]
            c, d = sign * change[k, position], sign * change[m, position]
            if a != 0 or b != 0 or c != 0 or d != 0:
                row = total[position]
                for output in range(len(row)):
                    row[output] += (a * t[output] + b * u[output]) + (c * v[output] + d * w[output])
        place += _GROUP
    for rest in range(place, len(units)):
        t = weight[units[rest]]
        for position in range(len(total)):
            a = sign * change[units[rest], position]
            if a != 0:
                row = total[position]
                for output in range(len(row)):
                    row[output] += a * t[output]
