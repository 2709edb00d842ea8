"""The manifest: where a run comes from."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.classification import output_of
from dissectory.analysis.run import Manifest
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
    "scipy",
    "foolbox",
)


def describe(
    setting: Setting,
    record: Record,
    results: Sequence[LayerResult],
    layout: Pictures,
) -> Manifest:
    """Describe what was done, and with what; the end of the run adds when, and how long it took."""
    study = setting.study
    model = setting.model
    return Manifest(
        study={**study.to_dict(), **_resolved_images(setting)},
        title=study.title or _title(setting),
        seed=study.seed,
        versions={"python": platform.python_version(), "dissectory": __version__, **dict(_versions())},
        hashes={"weights": model.weights_hash, "images": record.images_hash},
        model={
            "source": model.source,
            "parameters": model.parameters,
            "outputs": record.predictions.outputs,
            "classes": len(model.classes),
            "device": str(setting.device),
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
    """Give the section [images] with every value that was left to the weights filled in."""
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


def _versions() -> Iterator[tuple[str, str]]:
    for name in _SOFTWARE:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _notes(setting: Setting, record: Record, results: Sequence[LayerResult]) -> Iterator[str]:
    for result in results:
        strange = result.nonfinite
        if strange.any():
            yield (
                f"{result.layer.name}: {strange.sum():,} activations of {np.count_nonzero(strange)} units are not "
                f"finite (the first is unit {strange.nonzero()[0][0]}); they were tallied as 0."
            )
    positions = len(record.labels.readable) * setting.positions
    if count_above(setting.study.dissection.quantile, positions) == 0:
        yield f"The quantile of {positions:,} positions is less than one of them: no unit can be active anywhere."
    if (
        isinstance(setting.images, ImageFolder)
        and setting.images.classes
        and not any(output_of(name, setting.model.classes) is not None for name in setting.images.classes)
    ):
        yield "No class of the images is an output of the network by name: classes are listed without scores."
    outputs, named = record.predictions.outputs, len(setting.model.classes)
    if outputs and named and outputs != named:
        yield (
            f"The network has {outputs} outputs and the list of classes {named} names: "
            "names of predictions may be wrong."
        )
