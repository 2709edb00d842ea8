"""The setting: everything that a study names, opened: the network, its layers, the images and the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.subjects.layers import select_layers, survey_generator
from dissectory.analysis.subjects.models import load_model
from dissectory.analysis.subjects.preprocessing import Preprocessing, resolve
from dissectory.analysis.subjects.steady import check_steady
from dissectory.analysis.tally.backends import backend_for
from dissectory.analysis.tally.device.memory import pinned
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from torch import Tensor

    from dissectory.analysis.concepts.vocabulary import Vocabulary
    from dissectory.analysis.study.sections import LatentsSection
    from dissectory.analysis.study.study import Study
    from dissectory.analysis.subjects.geometry import Geometry
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.subjects.models import LoadedModel
    from dissectory.analysis.tally.backends import Backend


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything an experiment works with; `tally` is the backend that counts."""

    study: Study
    model: LoadedModel
    preprocessing: Preprocessing
    layers: tuple[LayerInfo, ...]
    images: ImageFolder | Latents
    vocabulary: Vocabulary
    device: torch.device
    tally: Backend

    @property
    def positions(self) -> int:
        """The number of grid positions of one image."""
        return self.study.dissection.grid**2

    def check_layer(self, key: str, layer: str | None) -> None:
        """Check that the layer that a study's `key` names is dissected; `None` always passes.

        Raises:
            StudyError: the layer is not dissected.
        """
        names = [known.name for known in self.layers]
        if layer and layer not in names:
            raise StudyError(
                f"{key} names '{layer}', which is not one of the layers of the study; {nearest(layer, names)}"
            )

    def inputs(self, batch: ViewBatch) -> tuple[Tensor, ...]:
        """Return the network's inputs for a batch, on its device."""
        if isinstance(self.images, Latents):
            return self.images.inputs(batch.images)
        tensor = pinned(self.preprocessing.tensor(batch.views), self.device)
        return (tensor.to(self.device, non_blocking=True),)


def open_setting(study: Study) -> Setting:
    """Open everything that the study names, so that its mistakes are found before any long work begins.

    Raises:
        DissectoryError: something cannot be opened or used.
    """
    device = _device(study.compute.device)
    _check_autocast(study, device)
    model = load_model(study.model, study.base)
    if study.latents is not None:
        return _generator_setting(study, model, study.latents, device)
    section = study.photographs
    preprocessing = resolve(section, model.preprocessing)
    images = ImageFolder(study.path(section.folder), preprocessing.geometry, section.classes)
    vocabulary = _vocabulary(study, preprocessing.geometry, device)
    vocabulary.check(images.paths, images.size_of)
    model.module.to(device)
    size = preprocessing.geometry.size
    layers = select_layers(model.module, torch.zeros(1, 3, size, size, device=device), study.model.layers)
    check_steady(model.module, [torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)).to(device)])
    return Setting(study, model, preprocessing, layers, images, vocabulary, device, _tally(study, device))


def _generator_setting(study: Study, model: LoadedModel, section: LatentsSection, device: torch.device) -> Setting:
    model.module.to(device)
    images = Latents(model.module, section, device)
    vocabulary = _vocabulary(study, images.geometry, device)
    vocabulary.check(images.paths, images.size_of)
    layers = survey_generator(model.module, images.inputs([0, 0])).select(study.model.layers)
    check_steady(model.module, images.inputs([0]))
    preprocessing = Preprocessing(images.geometry)
    return Setting(study, model, preprocessing, layers, images, vocabulary, device, _tally(study, device))


def _tally(study: Study, device: torch.device) -> Backend:
    return backend_for(device, int(study.compute.memory_gb * 1e9), torch.get_num_threads())


def _vocabulary(study: Study, geometry: Geometry, device: torch.device) -> Vocabulary:
    grid, threads = study.dissection.grid, torch.get_num_threads()
    return open_sources(study.concepts.sources, study.base, geometry, grid, threads, device=device)


def _check_autocast(study: Study, device: torch.device) -> None:
    if study.compute.autocast and not torch.amp.is_autocast_available(device.type):
        raise StudyError(
            f"compute.autocast is true, but torch has no autocast for the device '{device}': set it to false"
        )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).cpu()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise StudyError(
            f"compute.device is {name!r}, which is not available here ({reason}); use 'auto' or 'cpu'"
        ) from None
    return device
