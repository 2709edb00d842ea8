"""Artifacts, on a generator in which one known unit generates something that no real image has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from networks import color_features
from networks import drawing_generator as drawing
from PIL import Image
from worlds import drawn_world
from worlds.drawn_world import levels, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.artifacts.work import DRAWS, chance_of, weights_of
from dissectory.analysis.tally.outliers import Gaussian
from dissectory.errors import DissectoryError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from dissectory.analysis.run import Run

IMAGES = 24
FEATURES = f"python:{color_features.__file__}:Colors"
FOG, NOTHING = drawing.THINGS.index("fog"), drawing.THINGS.index(None)


def pictures(given: Tensor) -> np.ndarray:
    """Generate images `(image, 32, 32, 3)`, 0..255, from levels `(image, 6)`."""
    with torch.no_grad():
        answer = drawing.Generator()(given)
    values: np.ndarray = ((answer + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return values


def colors(views: np.ndarray) -> np.ndarray:
    means: np.ndarray = (views / 255).mean(axis=(1, 2))
    return means


def further() -> Tensor:
    first = drawn_world.SEED + drawn_world.IMAGES
    seeds = [torch.Generator().manual_seed(seed) for seed in range(first, first + IMAGES)]
    return torch.stack([torch.randn(drawing.UNITS, generator=seed) for seed in seeds])


def real_views() -> np.ndarray:
    """Make real images: without any fog, and with a little of every color but that of fog."""
    random = torch.Generator().manual_seed(5)
    given = torch.randn(60, drawing.UNITS, generator=random)
    given[:, FOG] = -1
    return pictures(given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("artifacts")
    (folder / "real").mkdir()
    for number, view in enumerate(real_views()):
        Image.fromarray(view).save(folder / "real" / f"{number:02}.png")
    section = {"features": FEATURES, "real": "real", "images": IMAGES}
    return dissect(study(folder, artifacts=section), folder / "run")


def test_the_unit_that_generates_what_no_real_image_has_is_ranked_first(run: Run) -> None:
    table = run.table("artifacts").set_index("unit")
    assert table["rank"].idxmin() == FOG
    assert table.score[FOG] > table.usual[FOG]
    assert sorted(table["rank"]) == list(range(drawing.UNITS))


def test_scores_are_mean_distances_of_ten_images(run: Run) -> None:
    """Images that tie for the last of the ten places, such as those on which a unit is inactive, count equally."""
    distances = Gaussian.of(colors(real_views())).distances(colors(pictures(levels())))
    peaks = levels().clamp(min=0).numpy()
    for unit, row in run.table("artifacts").set_index("unit").iterrows():
        own = peaks[:, int(str(unit))]
        left, total = 10, 0.0
        for peak in sorted(set(own.tolist()), reverse=True):
            alike = distances[own == peak]
            counted = min(left, len(alike))
            total += counted * alike.mean()
            left -= counted
        assert row["score"] == pytest.approx(total / 10, rel=1e-4)
        assert row["usual"] == pytest.approx(distances.mean(), rel=1e-4)


def test_chance_level_is_the_highest_score_of_randomly_assigned_distances() -> None:
    random = np.random.default_rng(2)
    peaks, distances = random.random((60, 40)).astype(np.float32), random.gamma(2, size=60)
    weights = weights_of(peaks)
    strongest = np.argsort(-peaks, axis=0)[:10]
    highest = [random.permutation(distances)[strongest].mean(axis=0).max() for _ in range(4000)]
    assert chance_of(weights, distances, 3) == pytest.approx(np.quantile(highest, 0.95), rel=0.03)
    assert chance_of(weights, distances, 3) == chance_of(weights, distances, 3)
    assert chance_of(np.full((3, 60), np.nan), distances, 3) != chance_of(weights, distances, 3)


def test_without_artifacts_few_runs_have_a_unit_above_chance() -> None:
    """If distances are independent of peaks, the highest score is above the chance level in one of twenty runs."""
    random = np.random.default_rng(4)
    above = 0
    for _ in range(200):
        weights = weights_of(random.random((50, 20)).astype(np.float32))
        distances = random.gamma(2, size=50)
        above += (weights @ distances).max() > chance_of(weights, distances, 0)
    assert above <= 20


def test_distances_without_units_are_those_of_images_generated_without_them(run: Run) -> None:
    order = run.table("artifacts").sort_values("rank").unit.tolist()
    table = run.table("artifact_removals").set_index("units")
    assert table.index.tolist() == [0, 5]
    reference = Gaussian.of(colors(real_views()))
    for size, row in table.iterrows():
        given = further()
        given[:, order[: int(str(size))]] = -1
        wanted = Gaussian.of(colors(pictures(given))).frechet(reference)
        assert row["images"] == IMAGES
        assert row["distance"] == pytest.approx(wanted, rel=1e-3)
    assert table.random[0] == table.distance[0] == table.random_low[0] == table.random_high[0]
    assert table.random_low[5] <= table.random[5] <= table.random_high[5]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(DRAWS):
        given = further()
        given[:, random.permutation(drawing.UNITS)[:5].tolist()] = -1
        drawn.append(Gaussian.of(colors(pictures(given))).frechet(reference))
    assert table.random[5] == pytest.approx(np.mean(drawn), rel=1e-3)


def test_without_real_images_no_unit_is_ablated(tmp_path: Path) -> None:
    found = dissect(study(tmp_path, artifacts={"features": FEATURES}), tmp_path / "run")
    assert found.has("artifacts")
    assert not found.has("artifact_removals")
    views = colors(pictures(levels()))
    assert found.table("artifacts").usual[0] == pytest.approx(Gaussian.of(views).distances(views).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"features": "torchvision:resnet18"}, "artifacts.features is 'torchvision:resnet18'; it must be"),
        ({"features": FEATURES.replace("Colors", "Colours")}, "artifacts.features"),
        (
            {"features": FEATURES.replace("Colors", "Sized")},
            "the network of artifacts.features has size = '64'; set it",
        ),
        ({"features": FEATURES.replace("Colors", "Lengths")}, r"returned \(\); expected features"),
        ({"features": FEATURES.replace("Colors", "Nothing")}, "the features of all images are the same"),
        ({"features": FEATURES, "real": "nowhere"}, "artifacts.real names"),
        ({"features": FEATURES, "layer": "mops"}, "artifacts.layer names 'mops'"),
        ({"features": FEATURES, "images": 0}, "artifacts.images is 0"),
        ({"features": FEATURES, "images": 1}, "artifacts.images is 1; it must be 2 or more"),
        ({"features": FEATURES, "real": "one"}, "1 of the 1 images in .*one can be decoded; at least 2 are needed"),
        ({}, "needs the key 'features'"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, section: dict[str, object], says: str) -> None:
    (tmp_path / "one").mkdir()
    Image.new("RGB", (32, 32)).save(tmp_path / "one" / "only.png")
    with pytest.raises(DissectoryError, match=says):
        dissect(study(tmp_path, artifacts=section), tmp_path / "run")


def test_one_image_has_no_distances(tmp_path: Path) -> None:
    with pytest.raises(DissectoryError, match=r"latents\.count is 1; it must be 2 or more"):
        dissect(study(tmp_path, latents={"count": 1}, artifacts={"features": FEATURES}), tmp_path / "run")


def test_identical_images_without_the_worst_units_do_not_end_the_run(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    for number, view in enumerate(real_views()[:8]):
        Image.fromarray(view).save(tmp_path / "real" / f"{number}.png")
    single = {"source": f"python:{drawing.__file__}:Single"}
    found = dissect(
        dataclasses.replace(
            study(tmp_path, model=single, artifacts={"features": FEATURES, "real": "real", "images": 4}), seed=-2
        ),
        tmp_path / "run",
    )
    assert np.isfinite(found.table("artifact_removals").distance).all()
