"""The segmenter: its resolutions, its weights, its measure, its training in small."""

from __future__ import annotations

import numpy as np
import torch

from dissectory.analysis.demo import train_segmenter as training
from dissectory.analysis.demo.bulk import Drawn, draw
from dissectory.analysis.demo.networks import SEGMENTER, SMALL, Segmenter, trained_segmenter
from dissectory.analysis.demo.vocabulary import OBJECTS, PARTS


def test_every_pixel_is_scored_at_any_size_that_halves() -> None:
    network = Segmenter().eval()
    with torch.no_grad():
        for size in (SMALL, 96, 40):
            objects, parts = network(torch.randn(1, 3, size, size))
            assert objects.shape == (1, len(OBJECTS) + 1, size, size)
            assert parts.shape == (1, len(PARTS) + 1, size, size)
        features = network.features(torch.randn(1, 3, SMALL, SMALL))
    assert [tuple(one.shape[1:]) for one in features] == [(32, 64, 64), (64, 32, 32), (96, 16, 16), (128, 8, 8)]


def test_the_trained_segmenter_labels_fresh_scenes() -> None:
    found = training.overlaps(trained_segmenter(), draw(3_000_000, 150, SMALL, 1))
    assert np.nanmean(found["object"]) > 0.6
    assert np.nanmean(found["part"]) > 0.6
    assert SEGMENTER.stat().st_size < 2_000_000


def test_overlap_is_a_ratio_of_sums_over_all_scenes() -> None:
    class Fixed(Segmenter):
        """Takes the red value for the object, the green one for the part."""

        def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            told = ((pictures * 0.25 + 0.5) * 255).round().long()
            objects, parts = (torch.nn.functional.one_hot(told[:, at], 66 - 24 * at).movedim(3, 1) for at in (0, 1))
            return objects.float(), parts.float()

    random = np.random.default_rng(0)
    said = random.integers(0, 4, (250, 3, 6, 6)).astype(np.uint8)
    objects, parts = (
        random.integers(1, 4, (250, 6, 6)).astype(np.uint8),
        random.integers(0, 3, (250, 6, 6)).astype(np.uint8),
    )
    found = training.overlaps(Fixed(), Drawn(said, objects, parts))
    for category, truth, answer in (("object", objects, said[:, 0]), ("part", parts, said[:, 1])):
        for label in (1, 2, 3):
            both, either = ((truth == label) & (answer == label)).sum(), ((truth == label) | (answer == label)).sum()
            expected = both / either if (truth == label).any() else np.nan
            np.testing.assert_allclose(found[category][label - 1], expected)
    assert np.isnan(found["object"][10])


def test_loss_is_cross_entropy_and_dice() -> None:
    torch.manual_seed(0)
    scores, labels = torch.randn(2, 5, 3, 4), torch.randint(0, 4, (2, 3, 4))  # the last label does not occur
    shares = scores.softmax(dim=1)
    dice = []
    for label in range(4):
        true = (labels == label).float()
        dice.append(2 * (shares[:, label] * true).sum() / (shares[:, label].sum() + true.sum()))
    expected = torch.nn.functional.cross_entropy(scores, labels) + 1 - torch.stack(dice).mean()
    torch.testing.assert_close(training.loss_of(scores, labels), expected)


def test_training_learns_and_repeats_itself() -> None:
    drawn = draw(40, 64, 32, 1)
    one, same = (training.train(drawn, 1, seed=3) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not one.training
