"""What a study names, opened: the network, its layers, the images, the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.layers import select_layers
from dissectory.analysis.subjects.models import load_model
from dissectory.analysis.subjects.preprocessing import resolve
from dissectory.errors import StudyError

if TYPE_CHECKING:
    from dissectory.analysis.concepts.vocabulary import Vocabulary
    from dissectory.analysis.study import Study
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.subjects.models import LoadedModel
    from dissectory.analysis.subjects.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything an experiment works with."""

    study: Study
    model: LoadedModel
    preprocessing: Preprocessing
    layers: tuple[LayerInfo, ...]
    images: ImageFolder
    vocabulary: Vocabulary
    device: torch.device

    @property
    def positions(self) -> int:
        """Positions of the grid."""
        return self.study.dissection.grid**2


def open_setting(study: Study) -> Setting:
    """Open what the study names, so that every mistake in it is found before any long work begins."""
    device = _device(study.compute.device)
    model = load_model(study.model, study.base)
    preprocessing = resolve(study.images, model.preprocessing)
    images = ImageFolder(study.path(study.images.folder), preprocessing.geometry, study.images.classes)
    grid, threads = study.dissection.grid, torch.get_num_threads()
    vocabulary = open_sources(study.concepts.sources, study.base, preprocessing.geometry, grid, threads)
    vocabulary.check(images.paths, images.size_of)
    model.module.to(device)
    size = preprocessing.geometry.size
    layers = select_layers(model.module, torch.zeros(1, 3, size, size, device=device), study.model.layers)
    return Setting(study, model, preprocessing, layers, images, vocabulary, device)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"compute.device is {name!r}, which is not at hand here ({reason}); use 'auto' or 'cpu'"
        ) from None
    return device
