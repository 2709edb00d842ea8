"""The information quality ratio as slow and obvious as its definition (Wijaya et al. 2017): sums over four cells."""

from __future__ import annotations

import math

import numpy as np


def entropy(shares: list[float]) -> float:
    return math.fsum(-share * math.log2(share) for share in shares if share > 0)


def ratio(active: np.ndarray, concept: np.ndarray) -> float:
    """I / H of two truths about the same positions; 0 where they meet no more often than by chance."""
    joint = [[float(np.mean((active == a) & (concept == c))) for c in (False, True)] for a in (False, True)]
    of_active, of_concept = [sum(row) for row in joint], [sum(column) for column in zip(*joint, strict=True)]
    both, lit, carried = int((active & concept).sum()), int(active.sum()), int(concept.sum())
    if both * len(active) <= lit * carried:
        return 0.0
    shared = math.fsum(
        joint[a][c] * math.log2(joint[a][c] / (of_active[a] * of_concept[c]))
        for a in (0, 1)
        for c in (0, 1)
        if joint[a][c] > 0
    )
    return shared / entropy([*joint[0], *joint[1]])


def ratios(values: np.ndarray, levels: list[float], concept: np.ndarray) -> list[float]:
    """The ratio at each level."""
    return [ratio(values > level, concept) for level in levels]
