"""The agreement of units on images and on their copies with other textures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dissectory.report.core.findings import Floats
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Textures:
    """The agreement on `pairs` of images, its 95 % confidence interval, and chance level: `(unit,)`, NaN if unknown."""

    pairs: int
    agreement: Floats
    low: Floats
    high: Floats
    chance: Floats

    @classmethod
    def read(cls, site: Site) -> Textures | None:
        """Read a run's table; `None` if the run has none.

        Raises:
            RunError: the table is unreadable or of another version.
        """
        findings = site.findings
        if not site.run.has("textures"):
            return None
        frame = site.run.table("textures")
        if not len(frame):
            return None
        first = {layer.name: layer.first for layer in findings.layers}
        units = {
            (layer.name, int(findings.units.unit[place])): place
            for layer in findings.layers
            for place in range(first[layer.name], layer.last)
        }
        rows = zip(frame["layer"].astype(str), frame["unit"].astype(int), strict=True)
        places = np.array([units.get(pair, -1) for pair in rows], dtype=np.int64)
        columns = {}
        for name in ("agreement", "low", "high", "chance"):
            columns[name] = np.full(len(findings.units), np.nan)
            columns[name][places[places >= 0]] = frame[name].to_numpy(np.float64)[places >= 0]
        return cls(pairs=int(frame["pairs"].iloc[0]), **columns)
