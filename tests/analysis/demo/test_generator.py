"""The generator: its latents, its weights, its measures, its training in small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from scipy import linalg

from dissectory.analysis.demo import networks, samples
from dissectory.analysis.demo import train_generator as training
from dissectory.analysis.demo.bulk import draw
from dissectory.analysis.demo.networks import GENERATOR, LATENTS, SMALL, Generator, trained_generator
from dissectory.analysis.demo.vocabulary import OBJECTS, SCENES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_stages_double_the_resolution_and_are_rectified() -> None:
    network, maps = Generator().eval(), dict[str, torch.Tensor]()
    names = [f"layer{number}" for number in range(1, 6)]
    for name in names:
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: maps.update({name: out}))
    with torch.no_grad():
        pictures = network(torch.randn(2, LATENTS))
    assert pictures.shape == (2, 3, SMALL, SMALL)
    assert float(pictures.abs().max()) <= 1
    assert [maps[name].shape[2] for name in names] == [4, 8, 16, 32, 64]
    assert all(maps[name].shape[1] >= 64 and float(maps[name].min()) >= 0 for name in names)


def test_latents_show_the_wanted_scene_and_are_otherwise_normal() -> None:
    scenes = torch.arange(20_000) % len(SCENES)
    latents = networks.latents_of(scenes, torch.Generator().manual_seed(1))
    assert torch.equal(latents[:, : len(SCENES)].argmax(dim=1), scenes)
    assert abs(float(latents.mean())) < 0.01
    assert abs(float(latents.std()) - 1) < 0.01


def test_only_the_greatest_of_the_first_latents_matters() -> None:
    network = Generator().eval()
    one = torch.randn(1, LATENTS)
    other = one.clone()
    other[:, : len(SCENES)] = other[:, : len(SCENES)] * 2 + 1
    with torch.no_grad():
        assert torch.equal(network(one), network(other))


def test_the_trained_generator_draws_scenes_that_are_recognized() -> None:
    pictures = samples.sample(trained_generator(), 200, seed=7)
    assert pictures.shape == (200, 3, SMALL, SMALL)
    assert samples.recognized(pictures) > 0.8
    assert np.array_equal(pictures[:20], samples.sample(trained_generator(), 200, seed=7)[:20])
    by_scene = pictures.reshape(-1, len(SCENES), 3 * SMALL * SMALL).astype(float)
    assert by_scene.std(axis=0).mean() > 10  # pictures of one scene differ


def test_committed_weights_are_small_together() -> None:
    weights = list(networks.WEIGHTS.glob("*.safetensors"))
    assert GENERATOR in weights
    assert sum(file.stat().st_size for file in weights) < 8_000_000


def test_areas_are_shares_of_all_pixels() -> None:
    drawn = draw(3_000_000, 60, SMALL, 1)
    areas = samples.areas(drawn.pictures)
    true = np.bincount(drawn.objects.ravel(), minlength=len(OBJECTS) + 1)[1:] / drawn.objects.size
    assert 0.99 < areas.sum() <= 1
    assert np.abs(areas - true).max() < 0.03


def test_distance_is_the_frechet_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    features = {0: random.normal(size=(50, 4)), 1: random.normal(1, 2, size=(60, 4))}
    gaussians = {key: (value.mean(axis=0), np.cov(value, rowvar=False)) for key, value in features.items()}
    monkeypatch.setattr(samples, "_features", lambda pictures: features[int(pictures[0, 0, 0, 0])])
    zero, one = (np.full((1, 3, 2, 2), value, dtype=np.uint8) for value in (0, 1))
    root = linalg.sqrtm(gaussians[0][1] @ gaussians[1][1]).real
    expected = ((gaussians[0][0] - gaussians[1][0]) ** 2).sum() + np.trace(gaussians[0][1] + gaussians[1][1] - 2 * root)
    np.testing.assert_allclose(samples.distance(zero, one), expected)
    np.testing.assert_allclose(samples.distance(one, one), 0, atol=1e-9)


def test_a_sheet_shows_pictures_row_by_row(tmp_path: Path) -> None:
    pictures = np.zeros((6, 3, 4, 4), dtype=np.uint8)
    pictures[4, 1] = 200  # the second of the second row is green
    samples.sheet(pictures, tmp_path / "sheet.png", columns=3)
    shown = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert shown.shape == (8, 12, 3)
    assert (shown[4:, 4:8] == (0, 200, 0)).all()
    assert shown.sum() == 16 * 200


def test_spread_is_between_pictures_of_the_same_scene() -> None:
    drawn = draw(0, 40, 64, 1)
    pictures, scenes = next(training._batches(drawn, np.random.default_rng(2)))
    half = len(scenes) // 2
    assert torch.equal(scenes[:half], scenes[half:])
    assert -1 <= float(pictures.min()) < float(pictures.max()) <= 1
    features = torch.arange(32.0).reshape(32, 1, 1, 1)
    assert training.spread((features, 2 * features)).tolist() == [16, 32]


def test_training_moves_the_weights_and_repeats_itself(tmp_path: Path) -> None:
    drawn = draw(0, 40, SMALL, 1)
    for name in ("one", "same"):
        training.train(drawn, 2, 3, tmp_path / name)
    one, same = (trained_generator(tmp_path / name).state_dict() for name in ("one", "same"))
    assert all(torch.equal(a, b) for a, b in zip(one.values(), same.values(), strict=True))
    assert not torch.equal(one["start.weight"], trained_generator().start.weight)
