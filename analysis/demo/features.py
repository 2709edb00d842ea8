"""Features to compare pictures by: the mean over the map of the embedded classifier's last stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from dissectory.analysis.demo.networks import MEAN, SIZE, STD, trained_classifier

if TYPE_CHECKING:
    from torch import Tensor

    from dissectory.analysis.demo.networks import Classifier


class SceneFeatures(nn.Module):
    """The classifier up to its last stage; `size`, `mean` and `std` describe its input."""

    size, mean, std = SIZE, MEAN, STD

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, pictures: Tensor) -> Tensor:
        """Return features `(batch, 128)` of pictures `(batch, 3, 96, 96)`."""
        network = self.classifier
        for stage in (network.conv1, network.conv2, network.conv3, network.conv4, network.conv5, network.conv6):
            pictures = stage(pictures)
        return pictures.mean(dim=(2, 3))


def scene_features() -> SceneFeatures:
    """Make the network with trained weights.

    Raises:
        SubjectError: the file of weights is missing, or contains other weights.
    """
    return SceneFeatures(trained_classifier())
