"""The manifest: where a run comes from."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

from dissectory.analysis.run import Manifest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dissectory.analysis.experiments.dissection import BlockResult
    from dissectory.analysis.experiments.passes import Record
    from dissectory.analysis.experiments.setting import Setting
    from dissectory.analysis.run import Pictures

_SOFTWARE = (
    "dissectory",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "pandas",
    "pyarrow",
    "pillow",
    "onnxruntime",
    "scipy",
)


def describe(
    setting: Setting,
    record: Record,
    results: Sequence[BlockResult],
    layout: Pictures,
) -> Manifest:
    """Write down what was done, with what, and how long it took."""
    study = setting.study
    model = setting.model
    return Manifest(
        study={**study.to_dict(), "images": _resolved_images(setting)},
        title=study.title or f"{model.source} on {study.path(study.images.folder).name}",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=study.seed,
        versions={"python": platform.python_version(), **dict(_versions())},
        hashes={"weights": model.weights_hash, "images": _images_hash(setting)},
        seconds={stage: round(value, 3) for stage, value in record.seconds.items()},
        model={
            "source": model.source,
            "parameters": model.parameters,
            "outputs": record.outputs,
            "classes": len(model.classes),
            "device": str(setting.device),
        },
        images=len(record.readable),
        skipped=record.skipped,
        grid=study.dissection.grid,
        notes=tuple(_notes(setting, record, results)),
        pictures=layout,
    )


def _resolved_images(setting: Setting) -> dict[str, object]:
    """Give the section [images] with every value that was left to the weights filled in."""
    geometry = setting.preprocessing.geometry
    return {
        **setting.study.to_dict()["images"],
        "size": geometry.size,
        "resize": geometry.resize,
        "fit": geometry.fit,
        "interpolation": geometry.interpolation,
        "mean": list(setting.preprocessing.mean),
        "std": list(setting.preprocessing.std),
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _SOFTWARE:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _images_hash(setting: Setting) -> str:
    """Hash the names and contents of the image files, in their order."""
    digest = hashlib.sha256()
    for path in setting.images.paths:
        content = (setting.images.folder / path).read_bytes()
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def _notes(setting: Setting, record: Record, results: Sequence[BlockResult]) -> Iterator[str]:
    for result in results:
        for row in result.nonfinite.nonzero()[0]:
            yield (
                f"{result.block.layer.name} unit {result.block.first + row}: {result.nonfinite[row]} activations are "
                "not finite; they were tallied as 0."
            )
    if record.outputs and setting.model.classes and record.outputs != len(setting.model.classes):
        yield (
            f"The network has {record.outputs} outputs and the list of classes {len(setting.model.classes)} names: "
            "names of predictions may be wrong."
        )
