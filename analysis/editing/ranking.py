"""The units of a layer, ranked by how well they match each concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run


@dataclass(frozen=True, slots=True)
class Ranking:
    """The units of a layer, ranked by how well they match each concept.

    `order` `(concept, unit)` lists the units with the highest score first; units with equal scores are in the order of
    their numbers. `best` `(concept,)` is the highest score. `levels` `(unit,)` are the activations to which units are
    forced on: a unit's threshold or, if that is not above 0, the median of its activations above 0, or 0 if it has
    none.
    """

    layer: str
    order: npt.NDArray[np.intp]
    best: npt.NDArray[np.float64]
    levels: npt.NDArray[np.float32]

    def concepts(self, count: int | None = None) -> list[int]:
        """List the concepts with a score above 0, the best matched first; at most `count` of them."""
        ranked = np.argsort(-self.best, kind="stable")[:count]
        return [int(concept) for concept in ranked if self.best[concept] > 0]


def rank_units(run: Run, setting: Setting, layer: str, score: str = "iou") -> Ranking:
    """Rank the units of a layer by a score in the table `unit_concepts`: `iou` or `iqr`."""
    units, pairs = run.table("units"), run.table("unit_concepts")
    units, pairs = units[units["layer"] == layer].sort_values("unit"), pairs[pairs["layer"] == layer]
    place = {name: number for number, name in enumerate(setting.vocabulary.keys)}
    scores = np.zeros((len(place), len(units)))
    concepts = pairs["concept"].astype(str).map(place).to_numpy(dtype=np.intp)
    scores[concepts, pairs["unit"].to_numpy()] = pairs[score].fillna(0).to_numpy()
    order = np.argsort(-scores, axis=1, kind="stable")
    thresholds = units["threshold"].fillna(0).to_numpy(dtype=np.float32)
    levels = np.where(thresholds > 0, thresholds, _usual_levels(run, layer, len(units)))
    return Ranking(layer, order, scores.max(axis=1), levels)


def _usual_levels(run: Run, layer: str, units: int) -> npt.NDArray[np.float32]:
    """Return the median of each unit's activations above 0 `(unit,)`, as the middle of its bin; 0 if there are none.

    The bin that contains 0 is left out, because most activations in it may be exactly 0.
    """
    bins = run.table("unit_histograms")
    bins = bins[(bins["layer"] == layer) & (bins["low"] > 0)].sort_values(["unit", "bin"])
    levels = np.zeros(units, dtype=np.float32)
    for unit, own in bins.groupby("unit"):
        counted = own["count"].to_numpy().cumsum()
        middle = own.iloc[int(np.searchsorted(counted, counted[-1] / 2))]
        levels[int(str(unit))] = (middle["low"] + middle["high"]) / 2
    return levels


def most_matched(run: Run) -> str:
    """Return the layer with the most matched units, the first of them if several have equally many."""
    table = run.table("layers").sort_values("index")
    return str(table["layer"].iloc[int(table["matched_units"].to_numpy().argmax())])
