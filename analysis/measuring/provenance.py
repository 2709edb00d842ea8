"""The manifest: how a run was made, and with what."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.classification import output_of
from dissectory.analysis.run import Manifest
from dissectory.analysis.software import versions
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.tally.thresholds import count_above
from dissectory.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dissectory.analysis.measuring.comparing import LayerResult
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Pictures

_SOFTWARE = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "pillow",
    "onnxruntime",
    "onnxruntime-gpu",
    "scipy",
    "foolbox",
)


def describe(
    setting: Setting,
    record: Record,
    results: Sequence[LayerResult],
    layout: Pictures,
) -> Manifest:
    """Make the manifest of a run; date and wall times are added when the run ends."""
    study = setting.study
    model = setting.model
    return Manifest(
        study={**study.to_dict(), **_resolved_images(setting)},
        title=study.title or _title(setting),
        seed=study.seed,
        versions={"python": platform.python_version(), "dissectory": __version__, **versions(_SOFTWARE)},
        hashes={"weights": model.weights_hash, "images": record.images_hash},
        model={
            "source": model.source,
            "parameters": model.parameters,
            "outputs": record.predictions.outputs,
            "classes": len(model.classes),
            "device": str(setting.device),
            "tally": setting.tally.name,
            "passes": record.passes,
        },
        images=len(record.labels.readable),
        skipped=record.labels.skipped,
        grid=study.dissection.grid,
        notes=tuple(_notes(setting, record, results)),
        pictures=layout,
    )


def _title(setting: Setting) -> str:
    source = setting.model.source
    if setting.study.images is None:
        return f"{source}, {len(setting.images):,} generated images"
    return f"{source} on {setting.study.path(setting.study.images.folder).name}"


def _resolved_images(setting: Setting) -> dict[str, dict[str, object]]:
    """Return the section `[images]` with the values that the study leaves to the weights filled in."""
    if setting.study.images is None:
        return {}
    geometry = setting.preprocessing.geometry
    return {
        "images": {
            **setting.study.to_dict()["images"],
            "size": geometry.size,
            "resize": geometry.resize,
            "fit": geometry.fit,
            "interpolation": geometry.interpolation,
            "mean": list(setting.preprocessing.mean),
            "std": list(setting.preprocessing.std),
        }
    }


def _notes(setting: Setting, record: Record, results: Sequence[LayerResult]) -> Iterator[str]:
    yield from setting.vocabulary.notes
    for result in results:
        strange = result.nonfinite
        if strange.any():
            yield (
                f"{result.layer.name}: {strange.sum():,} activations of {np.count_nonzero(strange)} units are not "
                f"finite (the first is unit {strange.nonzero()[0][0]}); they were counted as 0."
            )
    positions = len(record.labels.readable) * setting.positions
    if count_above(setting.study.dissection.quantile, positions) == 0:
        yield (
            f"The study's quantile of all {positions:,} grid positions is less than one position: "
            "no unit can be active anywhere."
        )
    if (
        isinstance(setting.images, ImageFolder)
        and setting.images.classes
        and not any(output_of(name, setting.model.classes) is not None for name in setting.images.classes)
    ):
        yield "No class of the images has the name of an output of the network: classes are listed without scores."
    outputs, named = record.predictions.outputs, len(setting.model.classes)
    if outputs and named and outputs != named:
        yield (
            f"The network has {outputs} outputs, but the list of classes has {named} names: "
            "the names of predicted classes may be wrong."
        )
