"""Units of a generator as detectors: does a unit's peak activation separate images that show its label from others?

As in Bau et al. 2020, figure 1: an image shows a concept if the concept covers more than a certain share of its area.
If an image shows the label although the unit's peak is not above the best threshold, it is a counterexample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.artifacts.looks import look_again
from dissectory.analysis.experiments.class_ablation import columns as tables
from dissectory.analysis.experiments.class_ablation.tables import DETECTORS
from dissectory.analysis.experiments.drawers import paths
from dissectory.analysis.experiments.drawers.tables import COUNTEREXAMPLES
from dissectory.analysis.measuring.label_maps import COVERED
from dissectory.analysis.pictures.sprites import thumbnail
from dissectory.analysis.pictures.strips import write_strip
from dissectory.analysis.pictures.views import views_of
from dissectory.analysis.run import Pictures
from dissectory.analysis.tally.separation import Peaks

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.class_ablation.columns import Columns
    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

    Floats = npt.NDArray[np.float32]
    Row = tuple[str, int, str, int, int, float, int]

SHOWN = Pictures().counterexample_tiles
"""At most this many counterexamples are kept for each unit."""


def check(setting: Setting, section: None) -> None:
    """Check nothing: the experiment has no section."""


def run(bench: Bench, section: None) -> None:  # noqa: ARG001 - always `None`
    """Evaluate every matched unit as a detector of its label, and write the tables and pictures."""
    measure_detectors(bench.run, bench.setting, bench.record.labels, bench.once(look_again).peaks)


def measure_detectors(run: Run, setting: Setting, labels: LabelMaps, peaks: dict[str, Floats]) -> None:
    """Write the tables and pictures; `peaks` holds, for each layer, the peaks `(image, unit)` on the study's images."""
    areas, units = labels.areas, run.table("units")
    found: list[Columns] = []
    rows: list[Row] = []
    for layer in setting.layers:
        own = units[(units["layer"] == layer.name) & units["matched"]].sort_values("unit")
        known = np.asarray(np.isfinite(peaks[layer.name]).all(axis=0))
        chosen = own[known[own["unit"].to_numpy()]]
        for concept, of_concept in chosen.groupby(chosen["concept"].astype(str)):
            area = areas[:, setting.vocabulary.keys.index(str(concept))]
            drawn = np.asarray(area > COVERED * setting.positions)
            if not 0 < drawn.sum() < len(drawn):
                continue
            numbers = of_concept["unit"].to_numpy()
            strengths = Peaks(peaks[layer.name][:, numbers])
            columns = tables.detectors(layer.name, "concept", str(concept), strengths.separation(drawn))
            columns |= {"unit": numbers}
            found.append(columns)
            for unit, threshold in zip(numbers.tolist(), columns["threshold"].tolist(), strict=True):
                peak = peaks[layer.name][:, unit]
                images = counterexamples(peak, threshold, np.where(drawn, area, 0))
                rows += [
                    (layer.name, unit, str(concept), rank, image, float(peak[image]), int(area[image]))
                    for rank, image in enumerate(images)
                ]
    if found:
        named = {column.name: np.concatenate([part[column.name] for part in found]) for column in DETECTORS.columns}
        run.write_table(DETECTORS, named)
        run.write_table(
            COUNTEREXAMPLES,
            {column.name: [row[index] for row in rows] for index, column in enumerate(COUNTEREXAMPLES.columns)},
        )
        _draw(run, setting, rows)


def counterexamples(peaks: Floats, threshold: float, area: npt.NDArray[np.integer]) -> list[int]:
    """Choose the images with the largest areas `(image,)` of a concept among those with peaks not above a threshold.

    >>> counterexamples(np.array([1, 5, 2, 0], dtype=np.float32), 3, np.array([10, 99, 30, 0]))
    [2, 0]
    """
    order = np.argsort(-area, kind="stable")
    return [int(image) for image in order if area[image] and peaks[image] <= threshold][:SHOWN]


def _draw(run: Run, setting: Setting, rows: Sequence[Row]) -> None:
    """Draw the counterexamples of each unit side by side, in one picture."""
    tile, index = Pictures().tile, {layer.name: layer.index for layer in setting.layers}
    of_units: dict[tuple[int, int], list[int]] = {}
    for layer, unit, _, _, image, _, _ in rows:
        of_units.setdefault((index[layer], unit), []).append(image)
    needed = sorted({image for images in of_units.values() for image in images})
    small: dict[int, npt.NDArray[np.uint8]] = {}
    for batch in views_of(setting, needed):
        small |= {image: thumbnail(view, tile) for image, view in zip(batch.images, batch.views, strict=True)}
    for (layer_index, unit), images in of_units.items():
        write_strip(run, paths.counterexamples(layer_index, unit), [[small[image] for image in images]], SHOWN)
