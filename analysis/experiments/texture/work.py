"""Shape against texture: is a unit active at the same positions of an image and of its copy with other textures?

As in Bau et al. 2020 (supplement), a unit has one threshold on the images and another on the copies, which the same
share of positions exceeds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.texture.tables import TEXTURES
from dissectory.analysis.measuring.activations import blocks, kept_of
from dissectory.analysis.measuring.attempts import known_bounds, open_part, settle, thresholds_of
from dissectory.analysis.measuring.passes import Pass
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.resuming.shards import Shelf, forget
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.tally.agreement import count_agreement
from dissectory.analysis.tally.chance import REPLICATES, Bootstrap, poisson_weights
from dissectory.analysis.tally.kept import Kept
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.experiments.texture.declare import TextureSection
    from dissectory.analysis.measuring.attempts import Found
    from dissectory.analysis.measuring.parts import LayerPart
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.progress import Progress

    Floats = npt.NDArray[np.float32]
    Columns = dict[str, npt.NDArray[np.generic]]

_AT_ONCE = 256
"""Number of images whose weights for resampling are in memory together."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Images, and copies of them with other textures, which have the same paths."""

    originals: ImageFolder
    copies: ImageFolder


@dataclass(frozen=True, slots=True)
class _Side:
    """A layer's activations on the images of one folder, and the thresholds of its units on them `(unit,)`."""

    shards: Shards
    thresholds: npt.NDArray[np.float32]


def check(setting: Setting, section: TextureSection) -> None:
    """Check that every image has a copy, and every copy an image.

    Raises:
        ImagesError: as in `open_pairs`.
    """
    open_pairs(setting, section)


def open_pairs(setting: Setting, section: TextureSection) -> Pairs:
    """Find the pairs of images and copies by the paths of the files, without opening them.

    Raises:
        ImagesError: a folder is missing or contains no image, or an image has no copy, or a copy no image.
    """
    originals = _folder(setting, section.originals or setting.study.photographs.folder, "texture.originals")
    copies = _folder(setting, section.folder, "texture.folder")
    for paths, others, says in (
        (originals.paths, copies.paths, f"has no copy in {copies.folder}, the folder of texture.folder"),
        (copies.paths, originals.paths, f"is in {copies.folder} but has no original in {originals.folder}"),
    ):
        alone = sorted(set(paths) - set(others))
        if alone:
            more = f" ({len(alone) - 1:,} more have none)" if len(alone) > 1 else ""
            raise ImagesError(f"[texture] '{alone[0]}' {says}{more}: a copy must have the same path as its original")
    return Pairs(originals, copies)


def _folder(setting: Setting, folder: Path, key: str) -> ImageFolder:
    return ImageFolder(setting.study.path(folder), setting.preprocessing.geometry, "none", key)


def run(bench: Bench, section: TextureSection) -> None:
    """Measure all layers on the images and on the copies, and write the table.

    Raises:
        ImagesError: as in `open_pairs`, or a file cannot be decoded.
    """
    setting = bench.setting
    pairs = open_pairs(setting, section)
    kept = bench.kept / "textures"
    forget(kept)
    sides = [
        _measure(dataclasses.replace(setting, images=folder), Shelf(bench.run, kept / name), bench.progress)
        for name, folder in (("originals", pairs.originals), ("copies", pairs.copies))
    ]
    parts = []
    for layer, *both in zip(setting.layers, *sides, strict=True):
        parts.append(_rows(layer, both, setting, len(pairs.originals)))
    forget(kept)
    names = [column.name for column in TEXTURES.columns]
    bench.run.write_table(TEXTURES, {name: np.concatenate([part[name] for part in parts]) for name in names})


def _measure(setting: Setting, shelf: Shelf, progress: Progress) -> list[_Side]:
    """Measure all layers on some images."""

    def find(part: LayerPart) -> Floats:
        return thresholds_of(setting, part, len(setting.images))

    def measure(layers: Sequence[LayerInfo], attempt: int, known: Sequence[Floats | None]) -> list[LayerPart]:
        shelves = [shelf.open("layer", {"layer": layer.name, "attempt": str(attempt)}) for layer in layers]
        each = zip(layers, shelves, known, strict=True)
        parts = [open_part(setting, layer, shards, attempt, bounds) for layer, shards, bounds in each]
        _look(setting, parts, progress)
        return parts

    def measure_again(failed: Found, attempt: int) -> list[LayerPart]:
        layers = [part.layer for part, _ in failed]
        return measure(layers, attempt, [known_bounds(part, levels) for part, levels in failed])

    first = measure(setting.layers, 0, [None] * len(setting.layers))
    return [_Side(part.shards, levels) for part, levels in settle(first, find, measure_again)]


def _look(setting: Setting, parts: Sequence[LayerPart], progress: Progress) -> None:
    """Make a pass over some images.

    Raises:
        ImagesError: an image cannot be decoded; every pair is needed.
    """
    with progress.stage("Measuring textures", len(setting.images), "images") as advance:
        Pass(setting, parts, seconds=Seconds()).run(advance)
    seen = sum(shard.note["images"] for shard in parts[0].shards)
    if seen < len(setting.images):
        for image in range(len(setting.images)):
            setting.images.view(image)  # raises an error for the first that cannot be decoded


def _rows(layer: LayerInfo, sides: Sequence[_Side], setting: Setting, pairs: int) -> Columns:
    """Make the rows of one layer, a block of units at a time."""
    parts: list[Columns] = []
    for first, last in blocks(sides[0].shards):
        one, other = (
            Kept.joined([kept_of(shard, first, last) for shard in side.shards]).above(side.thresholds[first:last])
            for side in sides
        )
        counted = count_agreement(one, other, pairs, setting.positions)
        bootstrap = Bootstrap(last - first)
        for begin in range(0, pairs, _AT_ONCE):
            some = slice(begin, min(begin + _AT_ONCE, pairs))
            weights = poisson_weights(range(some.start, some.stop), REPLICATES, setting.study.seed)
            bootstrap.observe(weights, counted.both[some], counted.one[some], counted.other[some])
        low, high = bootstrap.interval()
        units = np.arange(first, last)
        parts.append(
            {
                "layer": np.full(len(units), layer.name, dtype=object),
                "unit": units,
                "pairs": np.full(len(units), pairs),
                "active": counted.one.sum(axis=0),
                "active_copies": counted.other.sum(axis=0),
                "both": counted.both.sum(axis=0),
                "agreement": counted.agreement,
                "low": low,
                "high": high,
                "chance": counted.chance,
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
