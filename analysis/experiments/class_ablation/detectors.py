"""Units as detectors: how well a unit's peak activation separates a class or a concept from all other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.class_ablation.columns import detectors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.columns import Columns
    from dissectory.analysis.experiments.class_ablation.removals import LayerRemovals
    from dissectory.analysis.tally.separation import Peaks

DETECTORS_EACH = 8
"""The number of most important units of each class that are measured as detectors of the class."""


def class_detectors(
    layer: str, peaks: Peaks, removals: LayerRemovals, classes: npt.NDArray[np.int64], names: Mapping[int, str]
) -> Iterator[Columns]:
    """Measure units as detectors of the class that they separate best, and of classes for which they are important.

    Args:
        layer: the name of the layer.
        peaks: the peak activations on some images.
        removals: the results of the layer.
        classes: the class of each of these images `(image,)`, -1 for none.
        names: the names of the classes, by number.
    """
    units = len(removals.units.removed)
    best_area = np.full(units, -np.inf)
    best: npt.NDArray[np.int64] = np.full(units, -1, dtype=np.int64)
    of_classes = {}
    for number, name in names.items():
        if 0 < (classes == number).sum() < len(classes):
            separation = peaks.separation(classes == number)
            of_classes[number] = detectors(layer, "class", name, separation, removals.units.correlation[:, number])
            better = separation.area > best_area
            best_area[better], best[better] = separation.area[better], number
    for number, columns in of_classes.items():
        shown = best == number
        shown[removals.orders.get(number, np.empty(0, dtype=np.intp))[:DETECTORS_EACH]] = True
        yield {name: values[shown] for name, values in columns.items()}


def concept_detectors(
    layer: str,
    peaks: Peaks,
    labels: npt.NDArray[np.object_],
    covered: npt.NDArray[np.bool_],
    concepts: Sequence[str],
) -> Iterator[Columns]:
    """Measure every unit as a detector of its label.

    Args:
        layer: the name of the layer.
        peaks: the peak activations on some images.
        labels: the label of each unit `(unit,)`, `None` for units without one.
        covered: whether each of these images shows each concept `(image, concept)`.
        concepts: the names of the concepts.
    """
    for concept in sorted({label for label in labels if isinstance(label, str)}):
        images = covered[:, concepts.index(concept)]
        if 0 < images.sum() < len(images):
            columns = detectors(layer, "concept", concept, peaks.separation(images))
            yield {name: values[labels == concept] for name, values in columns.items()}
