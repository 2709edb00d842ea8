"""Units as detectors of images: how well their peak activation separates a set of images from all others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Detector:
    """A unit and a set of images; `inside` and `outside` count its peaks in bins of equal width, `low` to `high`."""

    kind: str
    name: str
    images: int
    others: int
    threshold: float
    balanced_accuracy: float
    area: float
    low: float
    high: float
    inside: tuple[int, ...]
    outside: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detectors:
    """The detectors of a run by the place of the unit: concepts first, then classes, the best first."""

    of_unit: Mapping[int, tuple[Detector, ...]]

    @classmethod
    def read(cls, site: Site) -> Detectors | None:
        """Read a run's table; `None` if the run has none.

        Raises:
            RunError: it cannot be read.
        """
        run, findings = site.run, site.findings
        if not run.has("detectors"):
            return None
        first = {layer.name: layer.first for layer in findings.layers}
        frame = run.table("detectors")
        frame = frame[frame["layer"].isin(list(first)) & frame["threshold"].notna()]
        found: dict[int, list[Detector]] = defaultdict(list)
        for row in frame.to_dict("records"):
            found[first[str(row["layer"])] + int(row["unit"])].append(
                Detector(
                    str(row["kind"]),
                    str(row["positives"]),
                    int(row["images"]),
                    int(row["others"]),
                    float(row["threshold"]),
                    float(row["balanced_accuracy"]),
                    float(row["area"]),
                    float(row["low"]),
                    float(row["high"]),
                    tuple(int(count) for count in str(row["image_bins"]).split()),
                    tuple(int(count) for count in str(row["other_bins"]).split()),
                )
            )
        return cls(
            {
                place: tuple(sorted(of, key=lambda one: (one.kind != "concept", -one.area)))
                for place, of in found.items()
            }
        )
