"""A control: a network with the same layers and other weights, dissected in the same way, to compare with.

Some units match concepts whatever their weights: what a network has learned is what it does beyond its control.

    run = dissect(Study.read("study.toml"), Path("runs/mine"))
    run.table("control_units")
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import torch

from dissectory.analysis import experiments
from dissectory.analysis.dissection import Dissection
from dissectory.analysis.dissection import check as check_experiments
from dissectory.analysis.experiments.control.declare import FOLDER
from dissectory.analysis.experiments.control.tables import CONTROL_CONCEPTS, CONTROL_UNITS
from dissectory.analysis.experiments.experiment import Addition
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.run import Run
from dissectory.analysis.subjects.layers import select_layers
from dissectory.analysis.subjects.models import load_model
from dissectory.analysis.subjects.preprocessing import resolve
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.control.declare import ControlSection
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.study.sections import ImagesSection
    from dissectory.analysis.study.study import Study
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.subjects.preprocessing import Preprocessing


def check(setting: Setting, section: ControlSection) -> None:
    """Open the control, and check it as a study of its own.

    Raises:
        DissectoryError: it cannot be had, has other layers, or cannot be dissected.
    """
    plan_control(setting.study, section)


def run(bench: Bench, section: ControlSection) -> Addition:
    """Dissect the control, and write what its units match into the run."""
    planned, outputs = plan_control(bench.setting.study, section)
    bench.progress.say(f"The control: {section.source}")
    setting, beside = open_setting(planned), Run(bench.run.folder / FOLDER)
    check_experiments(setting)
    beside.prepare()
    seconds = Dissection(beside, setting, bench.kept, role="control").make(bench.progress)
    bench.seconds.add_earlier(seconds, "control")
    _write_tables(bench.run, beside, outputs)
    return Addition(hashes={"control weights": Run(beside.folder).manifest.hashes["weights"]})


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
    kept = {one.key for one in experiments.EXPERIMENTS if one.in_control}
    asked = {key: own for key, own in study.experiments.items() if key in kept}
    return dataclasses.replace(study, title="", model=other, images=images, experiments=asked), model.classes


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
    run.write_table(CONTROL_UNITS, {name: units[name].astype(object) for name in map(str, units)})
    concepts = run.table("concepts")["concept"].astype(str)
    best = _best_pairs(beside.table("unit_concepts")).reindex(concepts)
    whole = {name: best[name].fillna(0) for name in ("intersection", "union", "iou")}
    output = [is_output(concept, outputs) if outputs else None for concept in concepts]
    columns = {"concept": concepts, "output": output, "layer": best["layer"].astype(object), "unit": best["unit"]}
    run.write_table(CONTROL_CONCEPTS, {**columns, **whole})


def _best_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """The unit with the highest IoU for each concept, by concept; of equal ones the first."""
    best = pairs.sort_values("iou", ascending=False, kind="stable").drop_duplicates("concept")
    return best.assign(concept=best["concept"].astype(str)).set_index("concept")
