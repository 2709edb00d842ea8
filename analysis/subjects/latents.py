"""The images of a generator: drawn of seeds, in the same pass that looks at its units.

    latents = Latents(generator, LatentsSection(count=100), torch.device("cpu"))
    for batch in latents.batches([(0, 2), (1, 3)]):
        answer = generator(*latents.inputs(batch.images))
        pictured = latents.pictured(batch, answer)     # the batch with its views

Image n has the seed `seed + n`. What the generator makes an image of is standard normal numbers from a random generator
seeded by that number alone, in the shape that the study or the network's attribute `latent_shape` says. A network that
wants anything else has a method `inputs(seeds)`, which gives all inputs of its `forward` as a tuple of tensors, a row
for each seed. Where it has a method `classes_of(seeds)`, that names the kind of each image.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.identity import network_hash, tensor_bytes
from dissectory.analysis.subjects.images import ViewBatch
from dissectory.errors import ImagesError, SubjectError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

    import numpy.typing as npt
    from torch import nn

    from dissectory.analysis.run import Skipped
    from dissectory.analysis.study import LatentsSection

    Views = npt.NDArray[np.uint8]
    Inputs = tuple[Tensor, ...]

_COLORS = (1, 3)
"""Channels of a picture: gray, or red, green and blue."""
_PICTURE = 4
"""Dimensions of pictures: batch, color, height, width."""
_FAR, _MOST = 0.25, 0.5
"""A range is wrong where more than this share of a picture is beyond it by more than that part of it."""


class Latents:
    """The images that a generator draws of consecutive seeds.

    `paths` are texts such as `seed 12`. `classes` are the names that `classes_of` gives, in alphabetical order; there
    are none where the network does not name any. `geometry` is that of the square pictures.

    Raises:
        SubjectError: it is not known what the network takes, it fails, or its answer is no square picture.
    """

    geometry: Geometry
    seeds: Sequence[int]
    paths: tuple[str, ...]
    classes: tuple[str, ...]

    def __init__(self, module: nn.Module, section: LatentsSection, device: torch.device) -> None:
        """Draw the first image, to see how large it is."""
        self._module = module
        self._section = section
        self._device = device
        self._lock = threading.Lock()
        self.seeds = range(section.seed, section.seed + section.count)
        self.paths = tuple(f"seed {seed}" for seed in self.seeds)
        self._classes = _classes(module, self.seeds)
        self.classes = tuple(sorted({name for name in self._classes if name is not None}))
        first = self._answer(0)
        size = self._views(first, self.paths[:1]).shape[1]
        self.geometry = Geometry(size, size)
        self._check_range(first)

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def range(self) -> tuple[float, float]:
        """The output's values that are black and white."""
        return self._section.range

    def class_of(self, image: int) -> str | None:
        """What the generator was told to draw, where it says so."""
        return self._classes[image]

    def size_of(self, image: int) -> tuple[int, int] | None:  # noqa: ARG002 - all are alike
        """Width and height of an image."""
        return self.geometry.size, self.geometry.size

    def inputs(self, images: Sequence[int]) -> Inputs:
        """What the generator makes some images of, on its device: a row for each image."""
        found = inputs_of(self._module, [self.seeds[image] for image in images], self._section.shape)
        return tuple(value.to(self._device) for value in found)

    def batches(self, groups: Iterable[Sequence[int]], workers: int = 1) -> Generator[ViewBatch]:  # noqa: ARG002
        """Give groups of images in their order, with views without pixels: the forward pass draws them."""
        side = (self.geometry.size, self.geometry.size)
        for group in groups:
            images = tuple(group)
            views = np.empty((len(images), 0, 0, 3), dtype=np.uint8)
            yield ViewBatch(images, tuple(self.paths[image] for image in images), views, (side,) * len(images))

    def pictured(self, batch: ViewBatch, answer: object) -> ViewBatch:
        """Give a batch the views that the generator answered with.

        Raises:
            SubjectError: the answer is no picture, or has values that are not finite.
        """
        return replace(batch, views=self._views(answer, batch.paths))

    def view(self, image: int) -> Views:
        """Draw one image again: RGB `(size, size, 3)`, 0..255; any thread may ask."""
        with self._lock:
            return self._draw(image)

    def digest(self, workers: int = 1) -> str:  # noqa: ARG002 - there is nothing to wait for
        """SHA-256 of all that determines the images but the network's code."""
        total = hashlib.sha256(network_hash(self._module).encode() + repr(self._section.range).encode())
        for seed in self.seeds:
            for value in inputs_of(self._module, [seed], self._section.shape):
                total.update(tensor_bytes(value))
        return total.hexdigest()

    def nothing_readable(self, skipped: Sequence[Skipped]) -> ImagesError:  # noqa: ARG002 - none ever is
        """The error of a run without images."""
        return ImagesError("the generator drew no image: give latents.count")

    def _draw(self, image: int) -> Views:
        view: Views = self._views(self._answer(image), [self.paths[image]])[0]
        return view

    def _answer(self, image: int) -> object:
        """What the network answers for one image."""
        try:
            with torch.inference_mode():
                return self._module(*self.inputs([image]))
        except SubjectError:
            raise
        except Exception as error:  # whatever the network raises
            shapes = " and ".join(str(tuple(value.shape)) for value in self.inputs([image]))
            raise SubjectError(
                f"the generator fails on latents {shapes}: {type(error).__name__}: {error}. "
                "Is latents.shape that of one image's latents, without the batch?"
            ) from error

    def _check_range(self, answer: object) -> None:
        """Refuse a range that most values of a picture are far beyond: every picture would be black or white."""
        picture, (low, high) = picture_of(answer), self.range
        assert picture is not None  # noqa: S101 - it was turned into a view before
        far = (high - low) * _FAR
        if ((picture < low - far) | (picture > high + far)).float().mean() > _MOST:
            raise SubjectError(
                f"the values of the generator's first picture go from {picture.min():.4g} to {picture.max():.4g}, most "
                f"of them far beyond {low:g} and {high:g}: give latents.range, the values that are black and white"
            )

    def _views(self, answer: object, paths: Sequence[str]) -> Views:
        """Turn the network's answer into views `(batch, size, size, 3)`."""
        pictures = picture_of(answer)
        if not isinstance(pictures, Tensor) or len(pictures) != len(paths):
            raise SubjectError(
                f"the generator answers with {_told(answer)}; expected pictures (batch, 3, height, width), as high as "
                "they are wide"
            )
        finite = pictures.isfinite().flatten(1).all(dim=1).tolist()
        if not all(finite):
            raise SubjectError(
                f"the picture of {paths[finite.index(False)]} has values that are not finite: check model.weights"
            )
        low, high = self.range
        levels = (pictures.float() - low) * (255 / (high - low))
        views = levels.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return views.expand(-1, -1, -1, 3).contiguous().cpu().numpy()


def picture_of(answer: object) -> Tensor | None:
    """Take a generator's answer for pictures `(batch, color, size, size)`; None where it is something else."""
    if not isinstance(answer, Tensor) or answer.ndim != _PICTURE or answer.shape[1] not in _COLORS:
        return None
    return answer if answer.shape[2] == answer.shape[3] else None


def is_generator(module: nn.Module) -> bool:
    """Whether a network says what it draws images of."""
    return callable(getattr(module, "inputs", None)) or hasattr(module, "latent_shape")


def inputs_of(module: nn.Module, seeds: Sequence[int], shape: tuple[int, ...] | None = None) -> Inputs:
    """Find what a generator makes images of: the inputs of its `forward`, a row for each seed.

    Args:
        module: the generator.
        seeds: of the images; each one's row depends on its seed alone.
        shape: of one image's latents, where the study says it.

    Raises:
        SubjectError: nobody says what the generator takes, or what it says makes no sense.
    """
    own = getattr(module, "inputs", None)
    if not callable(own):
        wanted = shape or _own_shape(module)
        return (torch.stack([torch.randn(wanted, generator=torch.Generator().manual_seed(seed)) for seed in seeds]),)
    if shape is not None:
        raise SubjectError("the network has a method 'inputs' that says what it takes: remove latents.shape")
    rows = [_own_inputs(own, seed) for seed in seeds]
    return tuple(torch.cat(values) for values in zip(*rows, strict=True))


def _own_shape(module: nn.Module) -> tuple[int, ...]:
    stated = getattr(module, "latent_shape", None)
    shape = (stated,) if isinstance(stated, int) else stated
    if shape is None:
        raise SubjectError(
            "it is not known what the generator draws images of: give latents.shape, such as [512], the shape of one "
            "image's latents without the batch; or give the network an attribute latent_shape or a method inputs(seeds)"
        )
    if not isinstance(shape, (tuple, list, torch.Size)) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise SubjectError(f"the network's latent_shape is {stated!r}; it must be whole numbers of 1 or more")
    return tuple(shape)


def _own_inputs(own: Any, seed: int) -> Inputs:  # noqa: ANN401 - whatever the network's author wrote
    try:
        given = own([seed])
    except Exception as error:  # the same
        raise SubjectError(f"the network's inputs([{seed}]) failed: {type(error).__name__}: {error}") from error
    if (
        not isinstance(given, tuple)
        or not given
        or not all(isinstance(value, Tensor) and value.ndim and len(value) == 1 for value in given)
    ):
        told = f"a tuple of {', '.join(map(_told, given)) or 'nothing'}" if isinstance(given, tuple) else _told(given)
        raise SubjectError(
            f"the network's inputs([{seed}]) gave {told}; it must give a tuple of tensors, each with one row for each "
            "seed"
        )
    return given


def _classes(module: nn.Module, seeds: Sequence[int]) -> tuple[str | None, ...]:
    own = getattr(module, "classes_of", None)
    if not callable(own):
        return (None,) * len(seeds)
    try:
        names = tuple(own(seeds))
    except Exception as error:  # whatever the network's author wrote
        raise SubjectError(f"the network's classes_of(seeds) failed: {type(error).__name__}: {error}") from error
    others = [name for name in names if not isinstance(name, str)]
    if len(names) != len(seeds) or others:
        told = repr(others[0]) if others else f"{len(names)} of them"
        raise SubjectError(f"the network's classes_of must give a text for each of {len(seeds)} seeds, not {told}")
    return names


def _told(answer: object) -> str:
    return str(tuple(answer.shape)) if isinstance(answer, Tensor) else type(answer).__name__
