"""The attack of Carlini & Wagner 2017 ('Towards evaluating the robustness of neural networks') in the L2 distance.

    changed, success = attack(network, pixels, targets)

The attack minimizes the squared distance plus c times the lead of the highest other score over the target's score. It
works in a space in which every value is a valid pixel, and searches for the best c. The library foolbox implements it.
"""

from __future__ import annotations

import os
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn

SEARCHES = 4
"""Number of values of c that are tried for each image: higher after a failure, lower after a success."""
STEPS = 45
"""Steps of the optimizer (Adam) for each value of c."""
STEP_SIZE = 0.025
FIRST_C = 0.3


def attack(network: nn.Module, pixels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Change images by small differences, so that a network predicts other classes for them.

    Args:
        network: returns scores `(image, output)` for pixels.
        pixels: the images `(image, 3, height, width)`, 0..1.
        targets: the outputs `(image,)` that should have the highest scores.

    Returns:
        The changed images, 0..1; an image is unchanged if its attack failed. And whether each succeeded `(image,)`.
    """
    library = _library()
    model = library.PyTorchModel(network.eval(), bounds=(0, 1), device=pixels.device)
    search = library.attacks.L2CarliniWagnerAttack(
        binary_search_steps=SEARCHES, steps=STEPS, stepsize=STEP_SIZE, initial_const=FIRST_C, abort_early=False
    )
    found: Tensor = search.run(model, pixels, library.criteria.TargetedMisclassification(targets)).detach()
    with torch.no_grad():
        success: Tensor = network(found).argmax(dim=1) == targets
    return torch.where(success[:, None, None, None], found, pixels), success


@cache
def _library() -> Any:  # noqa: ANN401 - a module
    """Import the library, without its warning that git is missing: it needs git only to download models."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about names that it imports from scipy
        import foolbox  # noqa: PLC0415 - takes half a second, and only attacks need it
    return foolbox
