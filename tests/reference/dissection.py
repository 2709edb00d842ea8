"""Dissection as slow and obvious as its definition: one loop for each sum, float64, nothing shared with the project."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


def upsampled(plane: np.ndarray, grid: int, border: str = "zeros") -> np.ndarray:
    """Bilinear, half-pixel centers, one position after the other; rounded to float32, as activations are."""
    height, width = plane.shape

    def cell(row: int, column: int) -> float:
        if border == "extend":
            row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
        elif not (0 <= row < height and 0 <= column < width):
            return 0.0
        return float(plane[row, column])

    result = np.zeros((grid, grid))
    for i in range(grid):
        for j in range(grid):
            # In units of 1 / (2 grid), to keep to whole numbers: the row y - 1/2 lies between two rows.
            top, down = divmod((2 * i + 1) * height - grid, 2 * grid)
            left, right = divmod((2 * j + 1) * width - grid, 2 * grid)
            terms = [
                cell(row, column) * share_y * share_x
                for row, share_y in ((top, 2 * grid - down), (top + 1, down))
                for column, share_x in ((left, 2 * grid - right), (left + 1, right))
            ]
            result[i, j] = math.fsum(terms) / (2 * grid) ** 2
    return result.astype(np.float32)


def least_exceeded(values: np.ndarray, quantile: float) -> float:
    """Find the least observed value that at most a share `quantile` of all values exceeds."""
    found = values.max()
    for value in np.unique(values)[::-1]:
        if (values > value).sum() > quantile * len(values) + 1e-9:
            break
        found = value
    return float(found)


@dataclass(frozen=True)
class Reference:
    threshold: np.ndarray
    """(unit,)"""
    active: np.ndarray
    """(unit,)"""
    intersection: np.ndarray
    """(unit, concept)"""
    union: np.ndarray
    """(unit, concept)"""
    iou: np.ndarray
    """(unit, concept)"""
    lit: np.ndarray
    """(image, unit, grid, grid)"""


def dissect(maps: np.ndarray, masks: np.ndarray, quantile: float, border: str = "zeros") -> Reference:
    """Dissect maps `(image, unit, h, w)` with concept masks `(image, concept, grid, grid)`."""
    images, units = maps.shape[:2]
    grid, concepts = masks.shape[-1], masks.shape[1]
    up = np.array([[upsampled(plane, grid, border) for plane in image] for image in maps])
    threshold = np.zeros(units)
    intersection, union = np.zeros((units, concepts), int), np.zeros((units, concepts), int)
    for unit in range(units):
        threshold[unit] = least_exceeded(up[:, unit].ravel(), quantile)
        for concept in range(concepts):
            for image in range(images):
                is_active, is_concept = up[image, unit] > threshold[unit], masks[image, concept]
                intersection[unit, concept] += int((is_active & is_concept).sum())
                union[unit, concept] += int((is_active | is_concept).sum())
    lit = up > threshold.astype(np.float32)[None, :, None, None]
    return Reference(threshold, lit.sum(axis=(0, 2, 3)), intersection, union, intersection / np.maximum(union, 1), lit)
