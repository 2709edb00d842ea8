"""A control: a network with the same layers and other weights, dissected in the same way, to compare with.

Some units match concepts whatever their weights: what a network has learned is what it does beyond its control.

    run = dissect_with_control(Study.read("study.toml"), Path("runs/mine"))
    run.table("control_units")
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import torch

from dissectory.analysis import schema
from dissectory.analysis.dissection import dissect, dissect_keeping
from dissectory.analysis.resuming.shards import PROGRESS, forget
from dissectory.analysis.run import Run
from dissectory.analysis.subjects.layers import select_layers
from dissectory.analysis.subjects.models import load_model
from dissectory.analysis.subjects.preprocessing import resolve
from dissectory.errors import SubjectError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pandas as pd

    from dissectory.analysis.study import ControlSection, ImagesSection, Study
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.subjects.preprocessing import Preprocessing
    from dissectory.progress import Progress

FOLDER = "control"
"""Where in a run's folder the control's own run is."""


def dissect_with_control(study: Study, out: Path, progress: Progress | None = None) -> Run:
    """Dissect a network, then its control where the study names one, and write both into the run.

    Where an earlier start was stopped, it goes on from there.

    Raises:
        DissectoryError: for anything that the user can mend; before the long work begins, wherever it can be known.
    """
    if study.control is None:
        return dissect(study, out, progress)
    control, outputs = plan_control(study, study.control)
    run = dissect_keeping(study, out, out / PROGRESS, progress=progress)
    (progress or Silent()).say(f"The control: {study.control.source}")
    beside = dissect_keeping(control, out / FOLDER, out / PROGRESS, role="control", progress=progress)
    _write_tables(run, beside, outputs)
    _write_manifest(run, beside)
    if not study.compute.keep_progress:
        forget(out / PROGRESS)
    return Run(out)


def plan_control(study: Study, section: ControlSection) -> tuple[Study, tuple[str, ...]]:
    """Make the control's own study: the same layers, by name, and the same views of the same images.

    Returns:
        The study, and the names of the outputs of the network under study.

    Raises:
        SubjectError: one of the two networks cannot be had, or the control has other layers.
    """
    model = load_model(study.model, study.base)
    preprocessing = resolve(study.photographs, model.preprocessing)
    example = torch.zeros(1, 3, preprocessing.geometry.size, preprocessing.geometry.size)
    layers = select_layers(model.module, example, study.model.layers)
    names = tuple(layer.name for layer in layers)
    other = dataclasses.replace(study.model, source=section.source, weights=section.weights, layers=names)
    try:
        found = select_layers(load_model(other, study.base).module, example, names)
    except SubjectError as error:
        raise SubjectError(f"[control] {_of_control(str(error))}") from error
    _check_same(layers, found)
    images = _resolved(study, preprocessing)
    planned = dataclasses.replace(study, title="", model=other, images=images, control=None)
    planned = dataclasses.replace(planned, ablation=None, attack=None, texture=None)
    return planned, model.classes


def is_output(concept: str, outputs: Iterable[str]) -> bool:
    """Whether one of the outputs' names, or one of the synonyms in it, is the concept's.

    >>> is_output("sports car", ["n04285008 sports car, sport car"]), is_output("car", ["n04285008 sports car"])
    (True, False)
    """
    synonyms = {_plain(part) for output in outputs for part in re.sub(r"^n\d{8} ", "", output).split(",")}
    return _plain(re.sub(r" \[.*\]$", "", concept)) in synonyms  # the vocabulary's brackets name the source


def _plain(name: str) -> str:
    return " ".join(re.split(r"[\s_-]+", name.casefold().strip()))


def _of_control(message: str) -> str:
    """Name the keys of `[control]` where a message names those of `[model]`."""
    return re.sub(r"\bmodel\.(source|weights)\b", r"control.\1", message)


def _check_same(layers: Sequence[LayerInfo], found: Sequence[LayerInfo]) -> None:
    for layer in layers:
        other = next(candidate for candidate in found if candidate.name == layer.name)
        if _shape(layer) != _shape(other):
            raise SubjectError(
                f"[control] layer '{layer.name}' gives {_shape(layer)} in the network and {_shape(other)} in the "
                "control: control.source must name a network with the same layers"
            )


def _shape(layer: LayerInfo) -> str:
    return f"{layer.units} units of {layer.height} x {layer.width} cells"


def _resolved(study: Study, preprocessing: Preprocessing) -> ImagesSection:
    """Say in full how pictures become views, so that the control's own defaults do not matter."""
    geometry = preprocessing.geometry
    return dataclasses.replace(
        study.photographs,
        size=geometry.size,
        resize=geometry.resize,
        fit=geometry.fit,
        interpolation=geometry.interpolation,
        mean=preprocessing.mean,
        std=preprocessing.std,
    )


def _write_tables(run: Run, beside: Run, outputs: Sequence[str]) -> None:
    """Copy what the control's units are, and which of them fits each concept best."""
    units = beside.table("units")
    run.write_table(schema.CONTROL_UNITS, {name: units[name].astype(object) for name in map(str, units)})
    concepts = run.table("concepts")["concept"].astype(str)
    best = _best_pairs(beside.table("unit_concepts")).reindex(concepts)
    whole = {name: best[name].fillna(0) for name in ("intersection", "union", "iou")}
    output = [is_output(concept, outputs) if outputs else None for concept in concepts]
    columns = {"concept": concepts, "output": output, "layer": best["layer"].astype(object), "unit": best["unit"]}
    run.write_table(schema.CONTROL_CONCEPTS, {**columns, **whole})


def _best_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The unit with the highest IoU for each concept, by concept; of equal ones the first."""
    best = pairs.sort_values("iou", ascending=False, kind="stable").drop_duplicates("concept")
    return best.assign(concept=best["concept"].astype(str)).set_index("concept")


def _write_manifest(run: Run, beside: Run) -> None:
    """Add the control's time and its weights to the manifest."""
    manifest, other = run.manifest, beside.manifest
    spent = other.seconds["total"]
    seconds = {**manifest.seconds, "control": spent, "total": round(manifest.seconds["total"] + spent, 3)}
    hashes = {**manifest.hashes, "control weights": other.hashes["weights"]}
    run.write_manifest(dataclasses.replace(manifest, seconds=seconds, hashes=hashes))
