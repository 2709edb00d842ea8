"""The attack of Carlini & Wagner 2017 ('Towards evaluating the robustness of neural networks') in the L2 distance.

    changed, success = attack(network, pixels, targets)

It minimizes the squared distance and c times the lead of the best other score over the target's, in a space in which
every value is a picture's; c is found by a search of its own. The steps are those of the library foolbox.
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
"""Values of c that are tried for each image, each time more or less than before."""
STEPS = 45
"""Steps of the optimizer (Adam) for each of them."""
STEP_SIZE = 0.025
FIRST_C = 0.3


def attack(network: nn.Module, pixels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Change pictures, as little as is found, so that a network takes them for other classes.

    Args:
        network: scores `(image, output)` of pictures.
        pixels: the pictures `(image, 3, height, width)`, 0..1.
        targets: the outputs `(image,)` that are to have the highest scores.

    Returns:
        The changed pictures, 0..1, unchanged where the attack failed; and whether it succeeded `(image,)`.
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
    """Import the library; it asks for the program git, which it needs for models from elsewhere alone."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of names in scipy that it imports by
        import foolbox  # noqa: PLC0415 - half a second, for studies with an attack alone
    return foolbox
