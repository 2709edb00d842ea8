"""How accurately a classifier predicts each class of the images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

NO_PREDICTION = -1

_WORDNET = re.compile(r"n\d{8}")


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Counts and scores of one class against all others.

    The network predicted the class for `taken` images; `right` of them belong to the class. All fields but `images` are
    `None` if the network has no output for the class.
    """

    name: str
    images: int
    taken: int | None
    right: int | None
    accuracy: float | None
    precision: float | None
    recall: float | None
    balanced_accuracy: float | None


def output_of(name: str, outputs: Sequence[str]) -> int | None:
    """Find the network's output for a class of images, by its whole name or by the WordNet ID at its start.

    `None` if no output or more than one has that name or ID.

    >>> output_of("n01440764", ["n01440764 tench, Tinca tinca", "n01443537 goldfish"])
    0
    >>> output_of("street", ["n06794110 street sign", "street sign"]) is None
    True
    """
    names = [output.split(" ", 1)[0] for output in outputs] if _WORDNET.fullmatch(name) else list(outputs)
    return names.index(name) if names.count(name) == 1 else None


def class_scores(
    names: Sequence[str], classes: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], outputs: Sequence[str]
) -> list[ClassScore]:
    """Score every class of images against all other images.

    Args:
        names: the names of the classes.
        classes: each image's class, as an index into `names` `(image,)`; -1 for an image without a class.
        predicted: the highest-scoring output for each image `(image,)`; -1 if the network gave no valid scores.
        outputs: names of the network's outputs; empty if they are not known.
    """
    return [_score(name, classes == place, predicted, output_of(name, outputs)) for place, name in enumerate(names)]


def _score(
    name: str, belongs: npt.NDArray[np.bool_], predicted: npt.NDArray[np.intp], output: int | None
) -> ClassScore:
    images = int(belongs.sum())
    if output is None or (predicted == NO_PREDICTION).all():
        return ClassScore(name, images, None, None, None, None, None, None)
    taken = predicted == output
    right = int((taken & belongs).sum())
    recall = _ratio(right, images)
    true_negatives = int((~taken & ~belongs).sum())
    specificity = _ratio(true_negatives, len(belongs) - images)
    return ClassScore(
        name,
        images,
        taken=int(taken.sum()),
        right=right,
        accuracy=_ratio(right + true_negatives, len(belongs)),
        precision=_ratio(right, int(taken.sum())),
        recall=recall,
        balanced_accuracy=None if recall is None or specificity is None else (recall + specificity) / 2,
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
