"""Units that overlap with similar concepts: the cosine between their IoUs with all concepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.report.core.findings import Findings
    from dissectory.report.site import Site

BLOCK = 512
"""Units compared with all others at a time: the similarities of 10,000 units stay below 21 MB."""


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The places of the most similar units of every unit, the best first, -1 if there are fewer: `(units, most)`."""

    same_layer: npt.NDArray[np.int64]
    other_layers: npt.NDArray[np.int64]

    @classmethod
    def read(cls, site: Site) -> Neighbors:
        """Find the neighbors of all units of a run."""
        return find_neighbors(site.findings)


def find_neighbors(findings: Findings, most: int = 4) -> Neighbors:
    """Find the most similar units of the same layer and of the other layers."""
    profiles = _profiles(findings)
    found = Neighbors(*(np.full((len(profiles), most), -1, dtype=np.int64) for _ in range(2)))
    for layer in findings.layers:
        inside = slice(layer.first, layer.last)
        for start in range(layer.first, layer.last, BLOCK):
            block = slice(start, min(start + BLOCK, layer.last))
            likeness = profiles[block] @ profiles.T
            np.fill_diagonal(likeness[:, block], 0)
            same = _strongest(likeness[:, inside], most)
            found.same_layer[block] = np.where(same >= 0, same + layer.first, -1)
            likeness[:, inside] = 0
            found.other_layers[block] = _strongest(likeness, most)
    return found


def _profiles(findings: Findings) -> npt.NDArray[np.float32]:
    """Return the IoUs `(units, concepts)`, each row of length 1, or 0 for a unit that overlaps with no concept."""
    pairs = findings.pairs
    dense = np.zeros((len(findings.units), len(findings.concepts)), dtype=np.float32)
    rows = np.repeat(np.arange(len(findings.units)), np.diff(pairs.starts))
    dense[rows, pairs.columns["concept"]] = pairs.columns["iou"]
    length = np.linalg.norm(dense, axis=1, keepdims=True)
    np.divide(dense, length, out=dense, where=length > 0)
    return dense


def _strongest(likeness: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.int64]:
    """Return the columns of the highest values above 0 in every row, the best first, then -1."""
    count = min(most, likeness.shape[1])
    few = np.argpartition(-likeness, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(likeness, few, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    few, values = np.take_along_axis(few, order, axis=1), np.take_along_axis(values, order, axis=1)
    found = np.full((len(likeness), most), -1, dtype=np.int64)
    found[:, :count] = np.where(values > 0, few, -1)
    return found
