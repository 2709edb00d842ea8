"""The tables of a dissection, made from its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.measuring.classification import class_scores
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.tables.categories import SIGNIFICANT
from dissectory.analysis.tables.core import (
    CLASSES,
    CONCEPT_IMAGES,
    CONCEPTS,
    IMAGES,
    LAYERS,
    UNIT_CONCEPTS,
    UNIT_HISTOGRAMS,
    UNIT_IMAGES,
    UNITS,
)
from dissectory.analysis.tally.peaks import NO_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from dissectory.analysis.measuring.comparing import LayerResult
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run

    Columns = dict[str, Any]
    Floats = npt.NDArray[np.floating[Any]]


def write_tables(run: Run, setting: Setting, record: Record, results: Sequence[LayerResult]) -> None:
    """Write the tables of a dissection; `classes` only if the images are files with classes."""
    positions = len(record.labels.readable) * setting.positions
    units = _joined(_units(result, setting, positions) for result in results)
    run.write_table(UNITS, units)
    run.write_table(LAYERS, _layers(setting, units))
    run.write_table(CONCEPTS, _concepts(setting, record))
    run.write_table(UNIT_CONCEPTS, _joined(_unit_concepts(result, setting) for result in results))
    run.write_table(UNIT_IMAGES, _joined(_unit_images(result) for result in results))
    run.write_table(UNIT_HISTOGRAMS, _joined(_unit_histograms(result) for result in results))
    run.write_table(CONCEPT_IMAGES, _concept_images(setting, record))
    run.write_table(IMAGES, _images(setting, record))
    if setting.images.classes and isinstance(setting.images, ImageFolder):
        run.write_table(CLASSES, _classes(setting, record))


def _joined(parts: Iterator[Columns]) -> Columns:
    """Join the columns of several layers."""
    listed = list(parts)
    return {name: np.concatenate([np.asarray(part[name]) for part in listed]) for name in listed[0]}


def _units(result: LayerResult, setting: Setting, positions: int) -> Columns:
    layer, overlaps, best = result.layer, result.overlaps, result.labels
    iou = np.where(best >= 0, np.take_along_axis(overlaps.iou, best.clip(0)[:, None], axis=1)[:, 0], 0.0)
    keys = np.array([*setting.vocabulary.keys, None], dtype=object)
    categories = np.array([*(concept.category for concept in setting.vocabulary.concepts), None], dtype=object)
    ratio, level, informed = _most_informed(result)
    return {
        "layer": np.full(layer.units, layer.name, dtype=object),
        "unit": np.arange(layer.units),
        "threshold": result.thresholds,
        "active": overlaps.active,
        "flat": result.flat,
        "concept": keys[best],
        "category": categories[best],
        "iou": iou,
        "iou_low": result.confidence.low,
        "iou_high": result.confidence.high,
        "q_value": result.confidence.q_values,
        "matched": iou > setting.study.dissection.iou_threshold,
        "iqr": ratio,
        "iqr_concept": keys[informed],
        "iqr_threshold": level,
        "mean": result.moments.mean,
        "std": result.moments.std,
        "peak": result.moments.peak,
        "active_fraction": overlaps.active / positions,
    }


def _most_informed(result: LayerResult) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Return each unit's highest information quality ratio, its threshold and the index of its concept.

    A unit that is active on no concept more often than by chance has ratio 0, threshold NaN and concept -1. If the
    ratio was not measured, ratio and threshold are NaN, and the concept is -1.
    """
    if result.information is None:
        unknown = np.full(result.layer.units, np.nan)
        return unknown, unknown, np.full(result.layer.units, -1, dtype=np.intp)
    best, units = result.information.best, np.arange(result.layer.units)
    ratio, threshold = result.information.ratio[units, best], result.information.threshold[units, best]
    return np.where(best >= 0, ratio, 0.0), np.where(best >= 0, threshold, np.nan), best


def _layers(setting: Setting, units: Columns) -> Columns:
    of = [units["layer"] == layer.name for layer in setting.layers]
    matched = [units["matched"] & at for at in of]
    tested = np.isfinite(units["q_value"]).any()
    significant = units["q_value"] <= SIGNIFICANT
    return {
        "layer": [layer.name for layer in setting.layers],
        "index": [layer.index for layer in setting.layers],
        "module": [layer.kind for layer in setting.layers],
        "units": [layer.units for layer in setting.layers],
        "height": [layer.height for layer in setting.layers],
        "width": [layer.width for layer in setting.layers],
        "matched_units": [int(at.sum()) for at in matched],
        "matched_significant": [int((at & significant).sum()) if tested else None for at in matched],
        "matched_concepts": [len(set(units["concept"][at])) for at in matched],
    }


def _concepts(setting: Setting, record: Record) -> Columns:
    concepts = setting.vocabulary.concepts
    return {
        "concept": list(setting.vocabulary.keys),
        "category": [concept.category for concept in concepts],
        "source": [concept.source for concept in concepts],
        "pixels": record.labels.pixels,
        "images": record.labels.images,
    }


def _unit_concepts(result: LayerResult, setting: Setting) -> Columns:
    layer, overlaps = result.layer, result.overlaps
    unit, concept = overlaps.intersection.nonzero()
    found, unknown = result.information, np.full(len(unit), np.nan)
    return {
        "layer": np.full(len(unit), layer.name, dtype=object),
        "unit": unit,
        "concept": np.array(setting.vocabulary.keys, dtype=object)[concept],
        "intersection": overlaps.intersection[unit, concept],
        "union": overlaps.union[unit, concept],
        "iou": overlaps.iou[unit, concept],
        "iqr": unknown if found is None else found.ratio[unit, concept],
        "iqr_threshold": unknown if found is None else found.threshold[unit, concept],
    }


def _unit_images(result: LayerResult) -> Columns:
    layer, top = result.layer, result.top
    unit, rank = (top.images != NO_IMAGE).nonzero()
    cells = top.cells[unit, rank]
    return {
        "layer": np.full(len(unit), layer.name, dtype=object),
        "unit": unit,
        "rank": rank,
        "image": top.images[unit, rank],
        "peak": top.peaks[unit, rank],
        "y": cells // layer.width,
        "x": cells % layer.width,
    }


def _unit_histograms(result: LayerResult) -> Columns:
    layer = result.layer
    sizes = [len(bins.counts) for bins in result.bins]
    return {
        "layer": np.full(sum(sizes), layer.name, dtype=object),
        "unit": np.repeat(np.arange(layer.units), sizes),
        "bin": np.concatenate([np.arange(size) for size in sizes]),
        "low": np.concatenate([bins.edges[:-1] for bins in result.bins]),
        "high": np.concatenate([bins.edges[1:] for bins in result.bins]),
        "count": np.concatenate([bins.counts for bins in result.bins]),
    }


def _concept_images(setting: Setting, record: Record) -> Columns:
    columns: Columns = {"concept": [], "rank": [], "image": [], "pixels": []}
    for number, key in enumerate(setting.vocabulary.keys):
        for rank, (image, area) in enumerate(record.labels.examples_of(number)):
            columns["concept"].append(key)
            columns["rank"].append(rank)
            columns["image"].append(image)
            columns["pixels"].append(area)
    return columns


def _images(setting: Setting, record: Record) -> Columns:
    readable = record.labels.readable
    names = [setting.images.class_of(image) for image in readable]
    seeds = setting.images.seeds if isinstance(setting.images, Latents) else ()
    return {
        "image": readable,
        "path": [setting.images.paths[image] for image in readable],
        "class": np.array(names, dtype=object),
        "width": record.labels.sizes[readable, 0],
        "height": record.labels.sizes[readable, 1],
        "seed": [seeds[image] for image in readable] if seeds else np.full(len(readable), None, dtype=object),
    }


def _classes(setting: Setting, record: Record) -> Columns:
    names = setting.images.classes
    readable = record.labels.readable
    place = {name: number for number, name in enumerate(names)}
    belongs = np.array([place.get(setting.images.class_of(image) or "", -1) for image in readable], dtype=np.intp)
    scores = class_scores(names, belongs, record.predictions.strongest[readable], setting.model.classes)
    return {
        "class": [score.name for score in scores],
        "split": ["all"] * len(scores),
        "images": [score.images for score in scores],
        "taken": [score.taken for score in scores],
        "right": [score.right for score in scores],
        "accuracy": np.array([score.accuracy for score in scores], dtype=float),
        "precision": np.array([score.precision for score in scores], dtype=float),
        "recall": np.array([score.recall for score in scores], dtype=float),
        "balanced_accuracy": np.array([score.balanced_accuracy for score in scores], dtype=float),
    }
