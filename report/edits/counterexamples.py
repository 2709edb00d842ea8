"""Images in which a generator drew a unit's label although the unit stayed below its threshold as a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An image, the unit's peak on it, and the share of it that carries the label."""

    image: int
    peak: float
    share: float


@dataclass(frozen=True, slots=True)
class Counterexamples:
    """All of a run, by the unit's place; with each the concept, and its images by area."""

    of_unit: Mapping[int, tuple[str, tuple[Counterexample, ...]]]

    @classmethod
    def read(cls, site: Site) -> Counterexamples | None:
        """Read a run's table; None where there is none.

        Raises:
            RunError: it cannot be read.
        """
        run, findings = site.run, site.findings
        if not run.has("counterexamples"):
            return None
        first, whole = {layer.name: layer.first for layer in findings.layers}, findings.manifest.grid**2
        found: dict[int, tuple[str, tuple[Counterexample, ...]]] = {}
        for row in run.table("counterexamples").to_dict("records"):
            if str(row["layer"]) not in first:
                continue
            place = first[str(row["layer"])] + int(row["unit"])
            one = Counterexample(int(row["image"]), float(row["peak"]), int(row["pixels"]) / whole)
            found[place] = (str(row["concept"]), (*found.get(place, ("", ()))[1], one))
        return cls(found)
