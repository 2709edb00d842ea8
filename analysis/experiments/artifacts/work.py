"""Artifacts: units of a generator that are most active on images unlike all others, and what removing them does.

In Bau et al. 2019 ('GAN dissection') people chose such units by looking, and units were ranked by the distance of their
strongest images from real ones. Here an image's distance is Mahalanobis's, in the features of a network, from the
distribution of real images, or of all generated ones; a unit's score is the mean of its ten strongest images. As the
highest of many scores is high by chance alone, it is compared with that where distances are dealt out to images anew.
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
"""Strongest images of a unit that make up its score."""
SIZES = (0, 5, 10, 20)
"""How many of the worst units are removed, as far as the layer has more."""
DRAWS = 3
"""Sets of as many units at random to compare with."""
DEALS, BATCH = 1000, 100
"""How often distances are dealt out anew, and how often at once."""
LEVEL = 0.95
"""The share of the deals in which the highest score of all units is not above the level of chance."""


def check(setting: Setting, section: ArtifactsSection) -> None:
    """Check the layer, and open the network of the features and the real images.

    Raises:
        DissectoryError: they cannot be had.
    """
    setting.check_layer("artifacts.layer", section.layer)
    see, size = open_features(setting, section), setting.images.geometry.size
    see(np.zeros((1, size, size, 3), dtype=np.uint8))
    if len(setting.images) < 2:  # noqa: PLR2004 - a distance is one of several
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
    """What each image counts for in a unit's score `(unit, image)`: a tenth each, the strongest ones.

    Of images with equal peaks, of which not all are among the ten, each counts for a part. All are NaN where the peaks
    `(image, unit)` of a unit do not vary.

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
    """What the highest score of all units is in 1 of 20 deals of the distances `(image,)`; NaN without any score.

    Distances go to other images, the same for all units, so that units that move the same images stay alike.
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
    """Features of other images, by how many units were removed: of the `worst` of a layer, and of each random order."""
    layer, order = worst
    generator = EditedGenerator(setting, layer, further_images(setting, section.images))
    random = np.random.default_rng(abs(setting.study.seed))
    orders = [order, *(random.permutation(len(order)) for _ in range(DRAWS))]
    found: dict[int, list[list[Values]]] = {size: [[] for _ in orders] for size in SIZES if size < len(order)}
    with progress.stage("Removing artifacts", len(generator), "images") as advance:
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
    distances = np.array([[Gaussian.of(one).frechet(reference) for one in found] for found in removals.values()])
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
    """Build the network that describes pictures.

    Raises:
        SubjectError: it cannot be had.
    """
    return FeatureNetwork(section.features, setting.study.base, "artifacts.features")


def _real_images(setting: Setting, section: ArtifactsSection) -> ImageFolder | None:
    """The real images, cropped and shrunk to the size of the generated ones."""
    if section.real is None:
        return None
    try:
        return ImageFolder(setting.study.path(section.real), setting.images.geometry, "none")
    except ImagesError as error:
        raise ImagesError(str(error).replace("images.folder", "artifacts.real")) from None


def _features_of(setting: Setting, images: ImageFolder, see: FeatureNetwork, progress: Progress) -> Values:
    compute, found = setting.study.compute, []
    with progress.stage("Looking at real images", len(images), "images") as advance:
        for batch in images.batches(batches(len(images), compute.batch), compute.workers):
            if len(batch):
                found.append(see(batch.views))
            advance(len(batch))
    if sum(map(len, found)) < 2:  # noqa: PLR2004 - a spread is needed
        raise ImagesError(
            f"artifacts.real: {sum(map(len, found))} of the {len(images)} pictures in {images.folder} can be decoded; "
            "2 are needed at least"
        )
    return np.concatenate(found)


def _distances(reference: Values, features: Values) -> tuple[Gaussian, Values]:
    """The distribution of features `(image, feature)`, and the distances of others from it `(image,)`."""
    gaussian = Gaussian.of(reference)
    try:
        return gaussian, gaussian.distances(features)
    except ValueError:
        raise StudyError(
            "[artifacts] the features of all images are the same: more images are needed, or another network in "
            "artifacts.features"
        ) from None
