"""The small networks of the embedded world, and their weights.

network = trained_classifier()                   # as committed, ready to look at
scores = network((pictures / 255 - MEAN) / STD)  # (batch, 10)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 96
"""Pixels across what the classifier sees."""
MEAN, STD = 0.5, 0.25
"""A picture's values 0..1 less the mean, by the deviation, are what the classifier sees; alike for all colours."""

WEIGHTS = Path(__file__).parent / "weights"
CLASSIFIER = WEIGHTS / "classifier.safetensors"


class Stage(nn.Sequential):
    """Halve the resolution or not, convolve, normalise, rectify: `(batch, units, height, width)`, 0 and above."""

    def __init__(self, before: int, units: int, *, halve: bool = False, stride: int = 1) -> None:
        """Go from `before` channels to `units`; `halve` pools first, so that a stage's maps keep their size."""
        steps: list[nn.Module] = [nn.MaxPool2d(2)] if halve else []
        steps += [nn.Conv2d(before, units, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(units)]
        super().__init__(*steps, nn.ReLU())


class Classifier(nn.Module):
    """Six convolutional stages, the mean over the picture, one linear layer: which scene is it?"""

    def __init__(self, classes: int = len(SCENES)) -> None:
        """Make it with random weights for `classes` classes."""
        super().__init__()
        self.conv1 = Stage(3, 24, stride=2)
        self.conv2 = Stage(24, 48)
        self.conv3 = Stage(48, 80, halve=True)
        self.conv4 = Stage(80, 96)
        self.conv5 = Stage(96, 128, halve=True)
        self.conv6 = Stage(128, 128)
        self.head = nn.Linear(128, classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Score every class.

        Args:
            pictures: `(batch, 3, 96, 96)`, see `MEAN` and `STD`.

        Returns:
            `(batch, classes)`, before the softmax.
        """
        for stage in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5, self.conv6):
            pictures = stage(pictures)
        scores: Tensor = self.head(pictures.mean(dim=(2, 3)))
        return scores


def random_classifier(seed: int = 0) -> Classifier:
    """Make the classifier with random weights, as a control."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Classifier().eval()


def trained_classifier(weights: Path = CLASSIFIER) -> Classifier:
    """Make the classifier with trained weights.

    Raises:
        SubjectError: if the file is missing, or holds other weights.
    """
    network = random_classifier()
    if not weights.is_file():
        raise SubjectError(
            f"the demo's classifier has no weights {weights}: train them with "
            "'python -m dissectory.analysis.demo.train_classifier'"
        )
    try:
        network.load_state_dict(load_file(weights))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise SubjectError(
            f"{weights} does not hold the demo's classifier ({str(error).splitlines()[0]}): take the file that "
            "came with this version, or train anew"
        ) from None
    return network
