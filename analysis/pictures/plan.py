"""The plan of a run's sprites: what each shows. An interrupted run resumes: it draws only the sprites that are missing.

While sprites are drawn, a file beside them holds the fingerprint of the plan. A later start of the same plan keeps what
is drawn; any other start removes it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.measuring.label_maps import EXAMPLES
from dissectory.analysis.pictures.sprites import Sprite
from dissectory.analysis.resuming.fingerprint import Facts
from dissectory.analysis.resuming.shards import fingerprint, forget
from dissectory.analysis.run import Pictures
from dissectory.analysis.tally.peaks import NO_IMAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dissectory.analysis.measuring.comparing import LayerResult
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """The sprites of a run, and the fingerprint of everything that they depend on."""

    layout: Pictures
    sprites: tuple[Sprite, ...]
    fingerprint: str

    def kept(self, run: Run) -> tuple[Path, ...]:
        """Return the paths that an interrupted run with the same plan has drawn to; empty if there is none."""
        mark = run.folder / Pictures.PLAN
        try:
            same = mark.read_text(encoding="utf-8") == self.fingerprint
        except (OSError, UnicodeDecodeError):
            same = False
        return (mark, run.folder / Pictures.UNITS, run.folder / Pictures.CONCEPTS) if same else ()

    def begin(self, run: Run) -> list[Sprite]:
        """Write the fingerprint into the run, and list the sprites that are not drawn yet.

        Raises:
            RunError: the run's folder cannot be written.
        """
        missing = [sprite for sprite in self.sprites if not self._is_drawn(run, sprite)]
        with run.replacing(run.folder / Pictures.PLAN) as path:
            path.write_text(self.fingerprint, encoding="utf-8")
        return missing

    def _is_drawn(self, run: Run, sprite: Sprite) -> bool:
        """Whether the two files of a sprite are there; each was written completely or not at all."""
        return all((run.folder / name).is_file() for name in (sprite.path, self.layout.mask(sprite.path)))


def finish_pictures(run: Run) -> None:
    """Remove the fingerprint from a finished run: the next run draws all its pictures.

    Raises:
        RunError: the file cannot be removed.
    """
    forget(run.folder / Pictures.PLAN)


def plan_pictures(setting: Setting, record: Record, results: Sequence[LayerResult]) -> PicturePlan:
    """Plan the sprites of all units and concepts."""
    layout = Pictures(unit_tiles=setting.study.dissection.top_images, concept_tiles=EXAMPLES)
    sprites = (*_unit_sprites(setting, results), *_concept_sprites(setting, record))
    facts = {
        **Facts.of(setting, record.images_hash).labels,
        "the layout": json.dumps(asdict(layout)),
        "the sprites": _digest(sprites),
    }
    return PicturePlan(layout, sprites, fingerprint(facts))


def _digest(sprites: Sequence[Sprite]) -> str:
    """Hash what all sprites show."""
    total = hashlib.sha256()
    for sprite in sprites:
        total.update(json.dumps([sprite.path, list(sprite.images), sprite.grid, sprite.tiles]).encode())
        total.update(sprite.packed.tobytes())
    return total.hexdigest()


def _unit_sprites(setting: Setting, results: Sequence[LayerResult]) -> Iterator[Sprite]:
    dissection = setting.study.dissection
    for result in results:
        for unit in range(result.layer.units):
            images = [int(image) for image in result.top.images[unit] if image != NO_IMAGE]
            path = Pictures.unit(result.layer.index, unit)
            yield Sprite(path, images, result.lit[unit, : len(images)], dissection.grid, dissection.top_images)


def _concept_sprites(setting: Setting, record: Record) -> Iterator[Sprite]:
    """Make the concepts' sprites, numbered in the order of the table concepts, which is sorted by key."""
    grid = setting.study.dissection.grid
    order = sorted(range(len(setting.vocabulary.keys)), key=lambda number: setting.vocabulary.keys[number])
    for row, number in enumerate(order):
        images = [image for image, _ in record.labels.examples_of(number)]
        present = [(record.labels.of(image) == number + 1).any(axis=1) for image in images]
        packed = np.packbits(np.array(present, dtype=np.bool_).reshape(len(images), grid**2), axis=1)
        yield Sprite(Pictures.concept(row), images, packed, grid, EXAMPLES)
