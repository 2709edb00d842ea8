"""A measured value with its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the ends of its 99 % confidence interval, NaN if it was not measured."""

    value: float
    low: float
    high: float
