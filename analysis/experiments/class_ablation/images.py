"""The images of an ablation, with the class and the split of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

if TYPE_CHECKING:
    from dissectory.analysis.tally.outcomes import Grouping

Batches = Callable[[], Iterable[tuple[npt.NDArray[np.integer[Any]], Tensor]]]
"""Goes over the images each time it is called; a batch is the numbers of its images `(image,)` and the inputs."""


@dataclass(frozen=True, slots=True)
class SplitImages:
    """The images of an ablation, in a ranking split and a reporting split.

    Attributes:
        batches: the images; images that are not in any batch do not count.
        classes: the class of each image `(image,)`, -1 for none.
        ranking: whether each image is in the ranking split `(image,)`; all others are in the reporting split.
        grouping: the outputs of the network that stand for each class.
    """

    batches: Batches
    classes: npt.NDArray[np.integer[Any]]
    ranking: npt.NDArray[np.bool_]
    grouping: Grouping
