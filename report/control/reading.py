"""The control network of a run; layers and concepts have the numbers of the findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from dissectory.report.core.findings import Floats, Ints
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Best:
    """The best unit of a concept; `layer` is its number, -1 if no unit overlaps with the concept."""

    layer: int
    unit: int
    iou: float


@dataclass(frozen=True, slots=True)
class Control:
    """The dissection of a control.

    `matched` counts its matched units `(layer,)`; `ious` has the IoUs of its units' labels, layer by layer; `best` has
    its best unit for each concept, in the order of the findings; `outputs` tells for each concept whether an output of
    the network under study has its name, `None` if it is not known.
    """

    source: str
    matched: Ints
    ious: tuple[Floats, ...]
    best: tuple[Best, ...]
    outputs: tuple[bool | None, ...]

    @classmethod
    def read(cls, site: Site) -> Control | None:
        """Read a run's control; `None` if the run has no control.

        Raises:
            RunError: a table is unreadable or of another version.
        """
        run, findings = site.run, site.findings
        if not run.has("control_units") or not run.has("control_concepts"):
            return None
        numbers = {layer.name: number for number, layer in enumerate(findings.layers)}
        units = run.table("control_units")
        layer = units["layer"].astype(str).map(numbers).to_numpy()
        matched, iou = units["matched"].to_numpy(np.bool_), units["iou"].to_numpy(np.float64)
        table = run.table("control_concepts").astype({"concept": str}).set_index("concept")
        rows = table.reindex([concept.name for concept in findings.concepts])
        return cls(
            source=str(findings.manifest.study.get("control", {}).get("source", "another network")),
            matched=np.array(
                [np.count_nonzero(matched[layer == number]) for number in numbers.values()], dtype=np.int64
            ),
            ious=tuple(iou[layer == number] for number in numbers.values()),
            best=tuple(_bests(rows, numbers)),
            outputs=tuple(bool(flag) if isinstance(flag, (bool, np.bool_)) else None for flag in rows["output"]),
        )

    @property
    def total(self) -> int:
        """Its matched units in all layers."""
        return int(self.matched.sum())


def _bests(rows: pd.DataFrame, numbers: dict[str, int]) -> Iterator[Best]:
    layers = rows["layer"].astype(object).map(numbers).fillna(-1)
    for layer, unit, iou in zip(layers, rows["unit"].fillna(-1), rows["iou"].fillna(0), strict=True):
        yield Best(int(layer), int(unit), float(iou))
