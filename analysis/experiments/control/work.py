"""The control: a network with the same layers and other weights, dissected in the same way, for comparison.

Some units match concepts even with random weights. A network has learned only what its control does not do.

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
    """Check that the control can be loaded, and that it has the same layers.

    Raises:
        SubjectError: the control cannot be loaded, or has other layers.
    """
    plan_control(setting.study, section)


def run(bench: Bench, section: ControlSection) -> Addition:
    """Dissect the control into a subfolder of the run, and copy its results into tables of the run.

    Raises:
        DissectoryError: the control cannot be dissected.
    """
    planned, outputs = plan_control(bench.setting.study, section)
    bench.progress.say(f"Dissecting the control, {section.source}")
    setting, beside = open_setting(planned), Run(bench.run.folder / FOLDER)
    check_experiments(setting, "control")
    beside.prepare()
    seconds = Dissection(beside, setting, bench.kept, role="control").make(bench.progress)
    bench.seconds.add_earlier(seconds, "control")
    _write_tables(bench.run, beside, outputs)
    return Addition(hashes={"control weights": Run(beside.folder).manifest.hashes["weights"]})


def plan_control(study: Study, section: ControlSection) -> tuple[Study, tuple[str, ...]]:
    """Make the control's own study: the same layers, by name, and the same images with the same preprocessing.

    Returns:
        The study, and the names of the outputs of the network under study.

    Raises:
        SubjectError: one of the two networks cannot be loaded, or the control has other layers.
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
    kept = {experiment.key for experiment in experiments.EXPERIMENTS if experiment.in_control}
    asked = {key: own for key, own in study.experiments.items() if key in kept}
    return dataclasses.replace(study, title="", model=other, images=images, experiments=asked), model.classes


def is_output(concept: str, outputs: Iterable[str]) -> bool:
    """Whether an output has the name of the concept, or has it among its synonyms, which commas separate.

    >>> is_output("sports car", ["n04285008 sports car, sport car"]), is_output("car", ["n04285008 sports car"])
    (True, False)
    """
    synonyms = {_normalized(part) for output in outputs for part in re.sub(r"^n\d{8} ", "", output).split(",")}
    return _normalized(re.sub(r" \[.*\]$", "", concept)) in synonyms  # the vocabulary adds the source in brackets


def _normalized(name: str) -> str:
    """Normalize the case and the separators of a name."""
    return " ".join(re.split(r"[\s_-]+", name.casefold().strip()))


def _of_control(message: str) -> str:
    """Replace the keys of `[model]` in a message by those of `[control]`."""
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
    """Fill in all preprocessing of the network under study, so that the control's own defaults do not apply."""
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
    """Write the control's units, and its best unit for each concept, into the run."""
    units = beside.table("units")
    run.write_table(CONTROL_UNITS, {name: units[name].astype(object) for name in map(str, units)})
    concepts = run.table("concepts")["concept"].astype(str)
    best = _best_pairs(units, beside.table("unit_concepts")).reindex(concepts)
    whole = {name: best[name].fillna(0) for name in ("intersection", "union", "iou")}
    output = [is_output(concept, outputs) if outputs else None for concept in concepts]
    columns = {"concept": concepts, "output": output, "layer": best["layer"].astype(object), "unit": best["unit"]}
    run.write_table(CONTROL_CONCEPTS, {**columns, **whole})


def _best_pairs(units: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the unit with the highest IoU for each concept, indexed by concept; the first of equal ones.

    Flat units are left out: their IoUs depend on the device.
    """
    if units["flat"].any():
        names = units.loc[~units["flat"], ["layer", "unit"]].astype({"layer": str})
        pairs = pairs.astype({"layer": str}).merge(names, on=["layer", "unit"])
    best = pairs.sort_values("iou", ascending=False, kind="stable").drop_duplicates("concept")
    return best.assign(concept=best["concept"].astype(str)).set_index("concept")
