"""Generated images that show a unit's label although the unit stays below its threshold as a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Counterexample:
    """An image, the unit's peak activation on it, and the share of it that shows the label."""

    image: int
    peak: float
    share: float


@dataclass(frozen=True, slots=True)
class Counterexamples:
    """The counterexamples of a run by the unit's place: the concept, and its images by area."""

    of_unit: Mapping[int, tuple[str, tuple[Counterexample, ...]]]

    @classmethod
    def read(cls, site: Site) -> Counterexamples | None:
        """Read a run's table; `None` if the run has none.

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
