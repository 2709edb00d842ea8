"""The sections of the dissection; each experiment declares its own section."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dissectory.analysis.study.section import Rule, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALLEST_VIEW = 8
"""The smallest side of an input image, in pixels."""
LARGEST_GRID = 256
MOST_TOP_IMAGES = 100
MOST_PAIRINGS = 9999


@dataclass(frozen=True, slots=True)
class ModelSection(Section):
    """`[model]`: the network under study.

    `source` is `torchvision:NAME`, `timm:NAME`, `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`.
    `layers` are exact names, globs (`*` stays within one part of a name, `**` does not) or "auto": the last
    convolution of every stage.
    """

    source: str
    weights: Path | None = None
    layers: tuple[str, ...] = ("auto",)
    classes: Path | None = None
    kind: Literal["classifier", "generator"] = "classifier"

    def rules(self) -> Iterable[Rule]:
        """At least one layer."""
        yield Rule("layers", len(self.layers) > 0, "a list with at least one name, or 'auto'")


@dataclass(frozen=True, slots=True)
class ImagesSection(Section):
    """`[images]`: a folder of images, and how they become the network's input.

    A value that is not given comes from the weights' own preprocessing (torchvision, timm), else from the defaults in
    `dissectory.analysis.subjects.preprocessing`. `fit = "crop"` resizes the shorter side to `resize` and crops the
    center; `fit = "stretch"` resizes both sides to `resize`, then crops the center. `about` is a sentence that tells
    the readers of the site what the images are.
    """

    folder: Path
    size: int | None = None
    resize: int | None = None
    fit: Literal["crop", "stretch"] | None = None
    interpolation: Literal["bilinear", "bicubic", "nearest"] | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    classes: Literal["folders", "none"] = "folders"
    about: str | None = None

    def rules(self) -> Iterable[Rule]:
        """Sizes that a network can take, and standard deviations above 0."""
        yield from self._at_least(SMALLEST_VIEW, "size", "resize")
        yield Rule("std", self.std is None or all(value > 0 for value in self.std), "above 0")


@dataclass(frozen=True, slots=True)
class LatentsSection(Section):
    """`[latents]`: the images that a generator generates; image n comes from the seed `seed + n`.

    `shape` is that of one image's latents, which are standard normal numbers, if the network does not give it (see
    `dissectory.analysis.subjects.latents`). `range` holds the output values that are black and white. `about` is a
    sentence that tells the readers of the site what the images are.
    """

    count: int
    seed: int = 0
    shape: tuple[int, ...] | None = None
    range: tuple[float, float] = (-1.0, 1.0)
    about: str | None = None

    def rules(self) -> Iterable[Rule]:
        """At least one image, seeds that fit into 64 bits with it, and black below white."""
        shape, (low, high) = self.shape, self.range
        yield from self._at_least(1, "count")
        yield Rule("seed", 0 <= self.seed < 2**62, "from 0 to 2^62")
        yield Rule("shape", shape is None or (shape != () and min(shape) >= 1), "a list of numbers of 1 or more")
        yield Rule("range", low < high, "black and white, the lower value first")


@dataclass(frozen=True, slots=True)
class ConceptsSection(Section):
    """`[concepts]`: sources of label maps: `onnx:FILE`, `python:FILE.py:FUNCTION`, `masks:FOLDER`, `color`, `parts`."""

    sources: tuple[str, ...]

    def rules(self) -> Iterable[Rule]:
        """At least one source."""
        yield Rule("sources", len(self.sources) > 0, "a list with at least one source")


@dataclass(frozen=True, slots=True)
class DissectionSection(Section):
    """`[dissection]`: how units are compared with concepts (Bau et al. 2020, 'Network dissection').

    `grid` is 64 by default in the study of a generator.
    `pairings` is the number of other images' label maps with which the activations of each image are compared, to test
    the labels against chance; 0 turns the test off. `information_ratio` adds a second threshold for every pair of unit
    and concept: the one at which the unit is most informative about the concept. It needs another pass over the images,
    which counts all units at many levels. It is on by default if units are ablated in a generator.
    """

    quantile: float = 0.01
    iou_threshold: float = 0.04
    grid: int = 56
    border: Literal["zeros", "extend"] = "zeros"
    top_images: int = 15
    pairings: int = 49
    information_ratio: bool = False

    def rules(self) -> Iterable[Rule]:
        """The ranges of all numbers."""
        yield Rule("quantile", 0 < self.quantile < 1, "between 0 and 1")
        yield Rule("iou_threshold", 0 <= self.iou_threshold <= 1, "from 0 to 1")
        yield Rule("grid", 1 <= self.grid <= LARGEST_GRID, f"from 1 to {LARGEST_GRID}")
        yield Rule("top_images", 1 <= self.top_images <= MOST_TOP_IMAGES, f"from 1 to {MOST_TOP_IMAGES}")
        yield Rule("pairings", 0 <= self.pairings <= MOST_PAIRINGS, f"from 0 to {MOST_PAIRINGS}")


@dataclass(frozen=True, slots=True)
class ComputeSection(Section):
    """`[compute]`: how the work is done; only `batch`, `device` and `autocast` can change a number.

    `memory_gb` is the memory that the work may use, in addition to the network and the libraries; on a CUDA device, as
    much of the device's memory too. `keep_progress` keeps the measurements of all images in the run's folder, so that a
    changed study can reuse them. `autocast` measures the units with the network in `torch.autocast` of its device: most
    products are of 16-bit numbers (float16 on a CUDA device, bfloat16 on a CPU), so activations have two or three
    significant digits, and are computed faster. `[texture]` and `[control]` measure like this too; other
    experiments and pictures compute in float32.
    """

    batch: int = 32
    workers: int = 2
    memory_gb: float = 4.0
    device: str = "auto"
    keep_progress: bool = False
    autocast: bool = False

    def rules(self) -> Iterable[Rule]:
        """Positive numbers."""
        yield from self._at_least(1, "batch", "workers")
        yield Rule("memory_gb", self.memory_gb > 0, "above 0")
