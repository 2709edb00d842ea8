"""The units of a generator that are most active on unusual images, and its images without these units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.report.core.findings import Layer
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Without:
    """The distance of `images` from real ones without the units with the highest scores, and without random units."""

    units: int
    images: int
    distance: float
    random: float
    random_low: float
    random_high: float


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The scores of a layer's units.

    `ranked` has the places of units with their scores, the highest first; `usual` is the mean distance of all images.
    By chance alone, the highest score is above `chance` in 1 of 20 cases. `without` is empty if there were no real
    images; `real` is the folder of the real images.
    """

    layer: Layer
    ranked: tuple[tuple[int, float], ...]
    usual: float
    chance: float
    without: tuple[Without, ...]
    real: str
    features: str

    @classmethod
    def read(cls, site: Site) -> Artifacts | None:
        """Read a run's tables; `None` if the run has no scores.

        Raises:
            RunError: a table is unreadable or of another version.
        """
        run, findings = site.run, site.findings
        if not run.has("artifacts"):
            return None
        frame = run.table("artifacts")
        frame = frame[frame["score"].notna()].sort_values("rank")
        layers = {layer.name: layer for layer in findings.layers}
        layer = layers.get(str(frame["layer"].iloc[0])) if len(frame) else None
        if layer is None:
            return None
        scores = frame["score"].to_numpy(np.float64).tolist()
        places = (frame["unit"].to_numpy(np.int64) + layer.first).tolist()
        section = findings.manifest.study.get("artifacts", {})
        return cls(
            layer=layer,
            ranked=tuple((place, score) for place, score in zip(places, scores, strict=True) if place < layer.last),
            usual=float(frame["usual"].iloc[0]),
            chance=float(frame["chance"].iloc[0]),
            without=_without(run, layer.name),
            real=str(section.get("real", "")),
            features=str(section.get("features", "a network")),
        )


def _without(run: Run, layer: str) -> tuple[Without, ...]:
    if not run.has("artifact_removals"):
        return ()
    frame = run.table("artifact_removals")
    names = ("units", "images", "distance", "random", "random_low", "random_high")
    columns = (frame.loc[frame["layer"] == layer, name].tolist() for name in names)
    return tuple(Without(*row) for row in zip(*columns, strict=True))
