"""A further pass over a generator's images, for the peak activation of each unit on each image and the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from dissectory.analysis.experiments.artifacts.declare import ArtifactsSection
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.subjects.features import FeatureNetwork
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.subjects.layers import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.progress import Progress

    Floats = npt.NDArray[np.float32]
    Values = npt.NDArray[np.float64]
    Views = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Looks:
    """Peak activations and features of all images, in the order of their numbers.

    `peaks` holds the peak activations `(image, unit)` of each layer; a peak is NaN if an activation on the image is.
    `features` is `(image, feature)`, and has no rows if no features were asked for.
    """

    peaks: dict[str, Floats]
    features: Values


def look_again(bench: Bench) -> Looks:
    """Generate the images of a study again, for the peaks and, if the study has `[artifacts]`, for the features."""
    setting = bench.setting
    section = setting.study.section(ArtifactsSection)
    see = (
        FeatureNetwork(section.features, setting.study.base, "artifacts.features", setting.device) if section else None
    )
    assert isinstance(setting.images, Latents)  # noqa: S101 - only a generator's study gets here
    layers = [layer.name for layer in setting.layers]
    with bench.seconds.stage("peaks"):
        return measure_peaks(setting, setting.images, layers, bench.progress, see)


def measure_peaks(
    setting: Setting,
    images: Latents,
    layers: Sequence[str],
    progress: Progress,
    see: Callable[[Views], Values] | None = None,
) -> Looks:
    """Make a pass over generated images; `see` computes the features `(batch, feature)` of some views."""
    peaks: dict[str, list[Floats]] = {name: [] for name in layers}
    features: list[Values] = [np.empty((0, 0))] if see is None else []

    def observe(name: str, maps: Tensor) -> None:
        peaks[name].append(maps.detach().float().amax(dim=(2, 3)).cpu().numpy())

    # The batches of the first pass: unless it ran in 16 bits or in smaller parts, the peaks are equal to the bit.
    groups = batches(len(images), setting.study.compute.batch)
    order = np.argsort(np.concatenate(groups))
    with progress.stage("Measuring peaks", len(images), "images") as advance:
        for batch in images.batches(groups):
            with torch.inference_mode(), watch(setting.model.module, layers, observe):
                answer = setting.model.module(*images.inputs(batch.images))
            if see is not None:
                features.append(see(images.pictured(batch, answer).views))
            advance(len(batch))
    in_order = {name: np.concatenate(found)[order] for name, found in peaks.items()}
    return Looks(in_order, np.concatenate(features)[order] if see else features[0])
