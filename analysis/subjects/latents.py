"""The images of a generator: generated from seeds, in the same forward pass that measures its units.

    latents = Latents(generator, LatentsSection(count=100), torch.device("cpu"))
    for batch in latents.batches([(0, 2), (1, 3)]):
        answer = generator(*latents.inputs(batch.images))
        pictured = latents.pictured(batch, answer)     # the batch with its views

Image n has the seed `seed + n`. By default, the generator's input is a latent of standard normal numbers. A
`torch.Generator` seeded only with the image's seed draws it, in the shape that the study or the network's attribute
`latent_shape` gives. A network that needs another input has a method `inputs(seeds)`, which returns all inputs of its
`forward` as a tuple of tensors, one row for each seed. Its optional method `classes_of(seeds)` names the class of each
image.
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
    from dissectory.analysis.study.sections import LatentsSection

    Views = npt.NDArray[np.uint8]
    Inputs = tuple[Tensor, ...]

_COLORS = (1, 3)
"""Channels of an image: gray, or red, green and blue."""
_PICTURE = 4
"""Dimensions of images: batch, color, height, width."""
_KEPT = 1 << 26
"""Views of up to this many bytes are kept in memory: thousands of small images, or a few hundred large ones."""
_FAR, _MOST = 0.25, 0.5
"""A range is wrong if more than `_MOST` of an image's values are outside it by more than `_FAR` of its width."""


class Latents:
    """The images that a generator generates from consecutive seeds.

    `paths` are texts such as `seed 12`. `classes` are the names that `classes_of` returns, in alphabetical order, empty
    if the network has no such method. `geometry` is that of the square images.

    Raises:
        SubjectError: if the input of the network is unknown, the network fails, or its output is not a square image.
    """

    geometry: Geometry
    seeds: Sequence[int]
    paths: tuple[str, ...]
    classes: tuple[str, ...]

    def __init__(self, module: nn.Module, section: LatentsSection, device: torch.device) -> None:
        """Generate the first image, to find out its size."""
        self._module = module
        self._section = section
        self._device = device
        self._lock = threading.Lock()
        self._kept: dict[int, Views] = {}
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
        """The output values of black and white."""
        return self._section.range

    def class_of(self, image: int) -> str | None:
        """Return the class that the generator gives an image, `None` if it has no classes."""
        return self._classes[image]

    def size_of(self, image: int) -> tuple[int, int] | None:  # noqa: ARG002 - all images have one size
        """Return width and height of an image."""
        return self.geometry.size, self.geometry.size

    def inputs(self, images: Sequence[int]) -> Inputs:
        """Return the generator's inputs for some images, on its device: one row for each image."""
        found = inputs_of(self._module, [self.seeds[image] for image in images], self._section.shape)
        return tuple(value.to(self._device) for value in found)

    def batches(self, groups: Iterable[Sequence[int]], workers: int = 1) -> Generator[ViewBatch]:  # noqa: ARG002
        """Yield groups of images in order, with views without pixels: the forward pass generates them."""
        side = (self.geometry.size, self.geometry.size)
        for group in groups:
            images = tuple(group)
            views = np.empty((len(images), 0, 0, 3), dtype=np.uint8)
            yield ViewBatch(images, tuple(self.paths[image] for image in images), views, (side,) * len(images))

    def pictured(self, batch: ViewBatch, answer: object) -> ViewBatch:
        """Return the batch with the views that the generator's output holds.

        Raises:
            SubjectError: if the output is not an image, or has values that are not finite.
        """
        return replace(batch, views=self._views(answer, batch.paths))

    def views(self, groups: Iterable[Sequence[int]]) -> Generator[ViewBatch]:
        """Yield groups of images with their views. Small views are kept, so that each image is generated only once."""
        for batch in self.batches(groups):
            found = self._kept
            missing = [image for image in batch.images if image not in found]
            if missing:
                with torch.inference_mode():
                    answer = self._module(*self.inputs(missing))
                made = self._views(answer, [self.paths[image] for image in missing])
                found = found | dict(zip(missing, made, strict=True))
                if sum(view.nbytes for view in found.values()) <= _KEPT:
                    self._kept = found
            yield replace(batch, views=np.stack([found[image] for image in batch.images]))

    def view(self, image: int) -> Views:
        """Generate one image again: RGB `(size, size, 3)`, 0..255; safe to call from any thread."""
        with self._lock:
            return self._draw(image)

    def digest(self, workers: int = 1) -> str:  # noqa: ARG002 - no files to read in parallel
        """Return the SHA-256 of everything that determines the images, except the network's code."""
        total = hashlib.sha256(network_hash(self._module).encode() + repr(self._section.range).encode())
        for seed in self.seeds:
            for value in inputs_of(self._module, [seed], self._section.shape):
                total.update(tensor_bytes(value))
        return total.hexdigest()

    def nothing_readable(self, skipped: Sequence[Skipped]) -> ImagesError:  # noqa: ARG002 - no image is ever skipped
        """Return the error for a run without images."""
        return ImagesError("the generator generated no images: set latents.count to the number of images")

    def _draw(self, image: int) -> Views:
        view: Views = self._views(self._answer(image), [self.paths[image]])[0]
        return view

    def _answer(self, image: int) -> object:
        """Return the network's output for one image."""
        try:
            with torch.inference_mode():
                return self._module(*self.inputs([image]))
        except SubjectError:
            raise
        except Exception as error:  # the user's network can raise anything
            shapes = " and ".join(str(tuple(value.shape)) for value in self.inputs([image]))
            raise SubjectError(
                f"the generator fails on latents of shape {shapes}: {type(error).__name__}: {error}. "
                "Set latents.shape to the shape of one image's latent, without the batch dimension"
            ) from error

    def _check_range(self, answer: object) -> None:
        """Refuse a range that most values of an image are far outside: every image would be black or white."""
        picture, (low, high) = picture_of(answer), self.range
        assert picture is not None  # noqa: S101 - __init__ has already made a view of it
        far = (high - low) * _FAR
        if ((picture < low - far) | (picture > high + far)).float().mean() > _MOST:
            raise SubjectError(
                f"the values of the generator's first image range from {picture.min():.4g} to {picture.max():.4g}; "
                f"most are far outside {low:g} to {high:g}: set latents.range to the values of black and white"
            )

    def _views(self, answer: object, paths: Sequence[str]) -> Views:
        """Convert the network's output to views `(batch, size, size, 3)`."""
        pictures = picture_of(answer)
        if not isinstance(pictures, Tensor) or len(pictures) != len(paths):
            raise SubjectError(
                f"the generator returned {_told(answer)}; expected square images (batch, 3, height, width)"
            )
        finite = pictures.isfinite().flatten(1).all(dim=1).tolist()
        if not all(finite):
            raise SubjectError(
                f"the image of {paths[finite.index(False)]} has values that are not finite: check model.weights"
            )
        low, high = self.range
        levels = (pictures.float() - low) * (255 / (high - low))
        views = levels.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)
        return views.expand(-1, -1, -1, 3).contiguous().cpu().numpy()


def picture_of(answer: object) -> Tensor | None:
    """Return a generator's output if it is images `(batch, color, size, size)`, otherwise `None`."""
    if not isinstance(answer, Tensor) or answer.ndim != _PICTURE or answer.shape[1] not in _COLORS:
        return None
    return answer if answer.shape[2] == answer.shape[3] else None


def is_generator(module: nn.Module) -> bool:
    """Whether a network defines its latents, as generators do."""
    return callable(getattr(module, "inputs", None)) or hasattr(module, "latent_shape")


def inputs_of(module: nn.Module, seeds: Sequence[int], shape: tuple[int, ...] | None = None) -> Inputs:
    """Make the inputs of a generator's `forward`, one row for each seed.

    Args:
        module: the generator.
        seeds: the seeds of the images; each row depends only on its own seed.
        shape: the shape of one image's latent, if the study gives it.

    Raises:
        SubjectError: if neither the study nor the network defines the input, or the definition is invalid.
    """
    own = getattr(module, "inputs", None)
    if not callable(own):
        wanted = shape or _own_shape(module)
        return (torch.stack([torch.randn(wanted, generator=torch.Generator().manual_seed(seed)) for seed in seeds]),)
    if shape is not None:
        raise SubjectError("the network's method 'inputs' defines its input: remove latents.shape from the study")
    rows = [_own_inputs(own, seed) for seed in seeds]
    return tuple(torch.cat(values) for values in zip(*rows, strict=True))


def _own_shape(module: nn.Module) -> tuple[int, ...]:
    stated = getattr(module, "latent_shape", None)
    shape = (stated,) if isinstance(stated, int) else stated
    if shape is None:
        raise SubjectError(
            "the shape of the generator's latents is unknown: set latents.shape to the shape of one image's latent, "
            "such as [512], without the batch dimension, or give the network an attribute latent_shape or a method "
            "inputs(seeds)"
        )
    if not isinstance(shape, (tuple, list, torch.Size)) or not all(isinstance(n, int) and n > 0 for n in shape):
        raise SubjectError(f"the network's latent_shape is {stated!r}; it must be whole numbers of at least 1")
    return tuple(shape)


def _own_inputs(own: Any, seed: int) -> Inputs:  # noqa: ANN401 - a method of the user's network
    try:
        given = own([seed])
    except Exception as error:  # the user's network can raise anything
        raise SubjectError(f"the network's inputs([{seed}]) failed: {type(error).__name__}: {error}") from error
    if (
        not isinstance(given, tuple)
        or not given
        or not all(isinstance(value, Tensor) and value.ndim and len(value) == 1 for value in given)
    ):
        told = f"a tuple of {', '.join(map(_told, given)) or 'nothing'}" if isinstance(given, tuple) else _told(given)
        raise SubjectError(
            f"the network's inputs([{seed}]) returned {told}; it must return a tuple of tensors with one row for each "
            "seed"
        )
    return given


def _classes(module: nn.Module, seeds: Sequence[int]) -> tuple[str | None, ...]:
    own = getattr(module, "classes_of", None)
    if not callable(own):
        return (None,) * len(seeds)
    try:
        names = tuple(own(seeds))
    except Exception as error:  # the user's network can raise anything
        raise SubjectError(f"the network's classes_of(seeds) failed: {type(error).__name__}: {error}") from error
    others = [name for name in names if not isinstance(name, str)]
    if len(names) != len(seeds) or others:
        told = repr(others[0]) if others else f"{len(names)} of them"
        raise SubjectError(f"the network's classes_of must return a text for each of {len(seeds)} seeds, not {told}")
    return names


def _told(answer: object) -> str:
    return str(tuple(answer.shape)) if isinstance(answer, Tensor) else type(answer).__name__
