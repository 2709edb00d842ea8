"""The classifier: its stages, its weights, and its training in small."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from dissectory.analysis.demo import train_classifier as training
from dissectory.analysis.demo.bulk import Drawn, draw
from dissectory.analysis.demo.networks import CLASSIFIER, SIZE, Classifier, random_classifier, save, trained_classifier
from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

STAGES = ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6")


def only(pictures: npt.NDArray[np.uint8]) -> Drawn:
    """Pictures without label maps."""
    return Drawn(pictures, pictures[:, 0], pictures[:, 0])


def test_every_stage_gives_rectified_maps() -> None:
    maps: dict[str, torch.Tensor] = {}
    network = random_classifier()
    for name in STAGES:
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: maps.update({name: out}))
    with torch.no_grad():
        scores = network(torch.randn(2, 3, SIZE, SIZE))
    assert scores.shape == (2, len(SCENES))
    assert [tuple(maps[name].shape[1:]) for name in STAGES] == [
        (24, 48, 48),
        (48, 48, 48),
        (80, 24, 24),
        (96, 24, 24),
        (128, 12, 12),
        (128, 12, 12),
    ]
    assert all(float(values.min()) >= 0 for values in maps.values())


def test_random_weights_come_from_their_seed() -> None:
    before = torch.random.get_rng_state()
    one, same, other = (random_classifier(seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_committed_weights_are_small_and_whole() -> None:
    assert CLASSIFIER.stat().st_size < 2_000_000
    assert set(load_file(CLASSIFIER)) == set(Classifier().state_dict())


def test_the_trained_classifier_knows_fresh_scenes() -> None:
    drawn = draw(3_000_000, 200, SIZE, 1)
    counts = training.confusion(trained_classifier(), drawn)
    assert counts.sum() == 200
    assert counts.diagonal().sum() > 0.9 * 200


def test_missing_and_foreign_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"has no weights .*train them with"):
        trained_classifier(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("not weights")
    with pytest.raises(SubjectError, match="does not contain the demo's classifier"):
        trained_classifier(tmp_path / "text.safetensors")
    save(Classifier(classes=3), tmp_path / "three.safetensors")
    with pytest.raises(SubjectError, match="does not contain the demo's classifier"):
        trained_classifier(tmp_path / "three.safetensors")


def test_weights_survive_being_written(tmp_path: Path) -> None:
    network = random_classifier(4)
    save(network, tmp_path / "deep" / "weights.safetensors")
    back = trained_classifier(tmp_path / "deep" / "weights.safetensors")
    for name, value in network.state_dict().items():
        assert torch.allclose(back.state_dict()[name].float(), value.float(), rtol=1e-3, atol=1e-4)


def test_training_learns_and_repeats_itself() -> None:
    drawn = only(np.zeros((128, 3, SIZE, SIZE), dtype=np.uint8))
    for number, label in enumerate(drawn.classes):
        drawn.pictures[number, :, 9 * label : 9 * label + 9] = 255  # the class is the height of a bright bar
    one, same = (training.train(drawn, 1, seed=3) for _ in range(2))
    other = training.train(drawn, 1, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.head.weight, other.head.weight)
    assert not one.training


def test_confusion_counts_every_answer() -> None:
    class Fixed(Classifier):
        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            answers = pictures[:, 0, 0, 0] * 0.25 + 0.5  # back to 0..1
            return torch.nn.functional.one_hot((answers * 255).round().long(), len(SCENES)).float()

    told = [0, 1, 2, 3, 3, 5, 6, 7, 0, 9, 0, 0]
    drawn = np.zeros((len(told), 3, 4, 4), dtype=np.uint8)
    drawn[:, 0, 0, 0] = told
    counts = training.confusion(Fixed(), only(drawn))
    expected = np.zeros((10, 10), dtype=int)
    for number, answer in enumerate(told):
        expected[number % 10, answer] += 1
    assert np.array_equal(counts, expected)
