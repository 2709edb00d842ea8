"""What a run records besides the results of units: label maps, predictions, passes and wall times."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.classification import NO_PREDICTION

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.measuring.label_maps import LabelMaps
    from dissectory.analysis.resuming.shards import Shards


@dataclass(frozen=True, slots=True)
class ImagePredictions:
    """The highest-scoring output for each image `(image,)`, -1 if there is none; the network has `outputs` outputs."""

    strongest: npt.NDArray[np.intp]
    outputs: int

    @classmethod
    def read(cls, shards: Shards, files: int) -> ImagePredictions:
        """Read the predictions for `files` images from the shards."""
        strongest = np.full(files, NO_PREDICTION, dtype=np.intp)
        for shard in shards:
            strongest[shard.read("images")] = shard.read("predicted")
        return cls(strongest, max(shard.note["outputs"] for shard in shards))


@dataclass(frozen=True, slots=True)
class Record:
    """Label maps, predictions, the hash of the images, the number of passes, and wall time by stage."""

    labels: LabelMaps
    predictions: ImagePredictions
    images_hash: str
    passes: int
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
