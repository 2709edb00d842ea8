"""Artifacts: which units of a generator are most active on unusual images, and does ablating them help?

In Bau et al. 2019 ('GAN dissection'), such units were chosen by eye, and units were ranked by the distance of their
strongest images from real images. Here, the distance of an image is the Mahalanobis distance, in the features of a
network, from the distribution of real images or, without any, of all generated images. The score of a unit is the mean
distance of its ten strongest images. Because the highest of many scores is high even by chance, it is compared with
the highest score after the distances have been assigned to the images at random.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dissectory.analysis.editing.changes import without
from dissectory.analysis.editing.generator import EditedGenerator, further_images, in_turn
from dissectory.analysis.editing.ranking import most_matched
from dissectory.analysis.experiments.artifacts.looks import look_again
from dissectory.analysis.experiments.artifacts.tables import ARTIFACT_REMOVALS, ARTIFACTS
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.subjects.features import FeatureNetwork
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.tally.outliers import Gaussian
from dissectory.errors import ImagesError, StudyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.artifacts.declare import ArtifactsSection
    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.progress import Progress

    Floats = npt.NDArray[np.float32]
    Values = npt.NDArray[np.float64]
    Cells = npt.NDArray[np.intp]

TOP = 10
"""A unit's score is the mean distance of this many of its strongest images."""
SIZES = (0, 5, 10, 20)
"""How many units with the highest scores are ablated; only numbers below the layer's number of units are used."""
DRAWS = 3
"""Number of random sets of as many units, for comparison."""
DEALS, BATCH = 1000, 100
"""Number of random assignments of distances to images, in all and in one matrix product."""
LEVEL = 0.95
"""In this share of the random assignments, the highest score of all units is at most the chance level."""


def check(setting: Setting, section: ArtifactsSection) -> None:
    """Check the layer, the feature network, the number of images and the real images.

    Raises:
        DissectoryError: one of them cannot be used.
    """
    setting.check_layer("artifacts.layer", section.layer)
    see, size = open_features(setting, section), setting.images.geometry.size
    see(np.zeros((1, size, size, 3), dtype=np.uint8))
    if len(setting.images) < 2:  # noqa: PLR2004 - for a covariance
        raise StudyError(f"[artifacts] compares images: latents.count is {len(setting.images)}; it must be 2 or more")
    _real_images(setting, section)


def run(bench: Bench, section: ArtifactsSection) -> None:
    """Score the units of a layer; ablate those with the highest scores if there are real images; write the tables.

    Raises:
        StudyError: the features of all images are the same.
        ImagesError: no real image can be decoded.
    """
    setting, looks, progress = bench.setting, bench.once(look_again), bench.progress
    layer, see = section.layer or most_matched(bench.run), open_features(setting, section)
    real = _real_images(setting, section)
    reference, distances = _distances(
        looks.features if real is None else _features_of(setting, real, see, progress), looks.features
    )
    weights = weights_of(looks.peaks[layer])
    scores = weights @ distances
    order = np.argsort(np.where(np.isnan(scores), np.inf, -scores), kind="stable")
    columns = {
        "layer": np.full(len(scores), layer, dtype=object),
        "unit": np.arange(len(scores)),
        "score": scores,
        "rank": np.argsort(order, kind="stable"),
        "usual": np.full(len(scores), distances.mean()),
        "chance": np.full(len(scores), chance_of(weights, distances, abs(setting.study.seed))),
    }
    bench.run.write_table(ARTIFACTS, columns)
    if real is not None:
        removals = _remove(setting, section, (layer, order), see, progress)
        bench.run.write_table(ARTIFACT_REMOVALS, _removal_columns(layer, section.images, removals, reference))


def weights_of(peaks: Floats) -> Values:
    """Return the weight of each image in each unit's score `(unit, image)`: a tenth for the ten strongest images.

    Images that tie for the last of the ten places share them equally. All weights of a unit are NaN if its peaks
    `(image, unit)` do not vary or are not finite.

    >>> weights_of(np.array([[1, 0, 5], [3, 0, 0], [2, 0, 0], *[[0, 0, 0]] * 9], dtype=np.float32))[:, :4].round(3)
    array([[0.1  , 0.1  , 0.1  , 0.078],
           [  nan,   nan,   nan,   nan],
           [0.1  , 0.082, 0.082, 0.082]])
    """
    known = np.nan_to_num(peaks, nan=-np.inf)
    count = min(TOP, len(peaks))
    lowest = -np.sort(-known, axis=0)[count - 1]
    above, level = known > lowest, known == lowest
    weights = above / count + level * ((count - above.sum(axis=0)) / level.sum(axis=0) / count)
    varies = (peaks != peaks[0]).any(axis=0) & np.isfinite(peaks).all(axis=0)
    found: Values = np.where(varies, weights, np.nan).T
    return found


def chance_of(weights: Values, distances: Values, seed: int) -> float:
    """Return the chance level of the highest score of all units; NaN if no unit has a score.

    If the distances `(image,)` are assigned to the images at random, the highest score is above this level in 1 of 20
    cases. Every assignment is the same for all units, which keeps units correlated that are active on the same images.
    """
    known = weights[np.isfinite(weights).all(axis=1)]
    if not len(known):
        return float("nan")
    random = np.random.default_rng(seed)
    highest = []
    for first in range(0, DEALS, BATCH):
        deals = [random.permutation(distances) for _ in range(first, min(first + BATCH, DEALS))]
        highest.append((known @ np.stack(deals, axis=1)).max(axis=0))
    return float(np.quantile(np.concatenate(highest), LEVEL, method="higher"))


def _remove(
    setting: Setting, section: ArtifactsSection, worst: tuple[str, Cells], see: FeatureNetwork, progress: Progress
) -> dict[int, list[Values]]:
    """Compute the features of further images with units ablated, by the number of units.

    The first entry of a list is for the `worst` units (their layer, and all units in order), the others for units in
    random orders.
    """
    layer, order = worst
    generator = EditedGenerator(setting, layer, further_images(setting, section.images))
    random = np.random.default_rng(abs(setting.study.seed))
    orders = [order, *(random.permutation(len(order)) for _ in range(DRAWS))]
    found: dict[int, list[list[Values]]] = {size: [[] for _ in orders] for size in SIZES if size < len(order)}
    with progress.stage("Ablating artifacts", len(generator), "images") as advance:
        for numbers in in_turn(len(generator), setting.study.compute.batch):
            batch, point = generator.draw(numbers)
            before = see(batch.views)
            for size, of_orders in found.items():
                for units, features in zip(orders, of_orders, strict=True):
                    changed = generator.redraw(batch, point, without(point.output, units[:size])) if size else None
                    features.append(before if changed is None else see(changed.views))
            advance(len(numbers))
    return {size: [np.concatenate(features) for features in of_orders] for size, of_orders in found.items()}


def _removal_columns(
    layer: str, images: int, removals: Mapping[int, Sequence[Values]], reference: Gaussian
) -> dict[str, npt.NDArray[Any]]:
    distances = np.array([[Gaussian.of(some).frechet(reference) for some in found] for found in removals.values()])
    random = distances[:, 1:]
    return {
        "layer": np.full(len(removals), layer, dtype=object),
        "units": np.array(list(removals)),
        "images": np.full(len(removals), images),
        "distance": distances[:, 0],
        "random": random.mean(axis=1),
        "random_low": random.min(axis=1),
        "random_high": random.max(axis=1),
    }


def open_features(setting: Setting, section: ArtifactsSection) -> FeatureNetwork:
    """Build the network that computes the features.

    Raises:
        SubjectError: the network cannot be built.
    """
    return FeatureNetwork(section.features, setting.study.base, "artifacts.features", setting.device)


def _real_images(setting: Setting, section: ArtifactsSection) -> ImageFolder | None:
    """Open the real images, cropped and resized to the size of the generated images; `None` if the study has none."""
    if section.real is None:
        return None
    return ImageFolder(setting.study.path(section.real), setting.images.geometry, "none", "artifacts.real")


def _features_of(setting: Setting, images: ImageFolder, see: FeatureNetwork, progress: Progress) -> Values:
    compute, found = setting.study.compute, []
    with progress.stage("Reading real images", len(images), "images") as advance:
        for batch in images.batches(batches(len(images), compute.batch), compute.workers):
            if len(batch):
                found.append(see(batch.views))
            advance(len(batch))
    if sum(map(len, found)) < 2:  # noqa: PLR2004 - for a covariance
        raise ImagesError(
            f"artifacts.real: {sum(map(len, found))} of the {len(images)} images in {images.folder} can be decoded; "
            "at least 2 are needed"
        )
    return np.concatenate(found)


def _distances(reference: Values, features: Values) -> tuple[Gaussian, Values]:
    """Fit a Gaussian to reference features `(image, feature)`, and return it with the distances of others `(image,)`.

    Raises:
        StudyError: all reference features are the same.
    """
    gaussian = Gaussian.of(reference)
    try:
        return gaussian, gaussian.distances(features)
    except ValueError:
        raise StudyError(
            "[artifacts] the features of all images are the same: use more images, or another network in "
            "artifacts.features"
        ) from None
