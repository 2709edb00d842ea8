"""What many pages show: links to units and concepts, pictures, bars."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.categories import SIGNIFICANT
from dissectory.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.report.core.findings import DissectedConcept, Findings


@dataclass(frozen=True, slots=True)
class UnitChip:
    """A link to a unit, with the unit's label and IoU.

    `width` is the length of the IoU's bar, in percent of the longest bar of the site; `spread` is the confidence
    interval on that scale, as a style. `interval` and `q_value` are empty if they were not measured; q-values sort by
    `q_order`. A `doubtful` label may be chance.
    """

    href: str
    layer: str
    unit: int
    concept: str
    category: str
    iou: str
    width: str
    spread: str
    interval: str
    q_value: str
    q_order: str
    doubtful: bool
    matched: bool
    sprite: str
    mask: str

    @property
    def q_shown(self) -> str:
        """The q-value without its sign, for a column of q-values."""
        return self.q_value.removeprefix("q ").removeprefix("= ")


@dataclass(frozen=True, slots=True)
class ConceptLink:
    """A link to a concept."""

    href: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of a sprite; `place` is its column and row, as a style."""

    place: str
    says: str
    note: str


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures of a sprite, and the mask to lay over them; `columns` and `rows` are those of the whole sprite."""

    sprite: str
    mask: str
    columns: int
    rows: int
    tiles: tuple[Tile, ...]


class Chips:
    """The links of one site: one for every unit and concept, with all bars on one scale.

    `cut_at` is the IoU threshold on that scale, in percent; all templates can use `shared`.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        units = findings.units
        highest, end = (float(column[np.isfinite(column)].max(initial=0)) for column in (units.iou, units.iou_high))
        self._widest = max(highest, min(end, 1.25 * highest), 2.5 * findings.iou_threshold, 1e-6)
        self.cut_at = self.width(findings.iou_threshold)
        layout = findings.manifest.pictures
        self.shared = {"cut_at": self.cut_at, "unit_columns": str(max(1, min(layout.columns, layout.unit_tiles)))}
        self.concepts = [concept_link(concept) for concept in findings.concepts]
        self.units = [self._unit(place) for place in range(len(units))]

    @property
    def scale(self) -> float:
        """The length of a bar for an IoU of 1, in percent."""
        return 100 / self._widest

    def width(self, iou: float) -> str:
        """Return the length of a bar in percent."""
        return f"{min(100.0, self.scale * iou):.1f}"

    def concept(self, row: int) -> ConceptLink | None:
        """Return the link to the concept of a row; `None` for -1."""
        return self.concepts[row] if row >= 0 else None

    def spread(self, low: float, high: float) -> str:
        """Return an interval on a bar, as a style; empty if it was not measured."""
        return f"--l:{self.width(low)}%;--h:{self.width(high)}%" if math.isfinite(low) and math.isfinite(high) else ""

    def chosen(self, places: Iterable[int]) -> tuple[UnitChip, ...]:
        """Return the links to some units; -1 is left out."""
        return tuple(self.units[place] for place in places if place >= 0)

    def _unit(self, place: int) -> UnitChip:
        findings, units = self._findings, self._findings.units
        layer, label, unit = findings.layer_of(place), findings.label_of(place), int(units.unit[place])
        pictures = findings.manifest.pictures
        tops = findings.tops.slice(place)
        sprite = pictures.unit(layer.index, unit) if tops.stop > tops.start else ""
        low, high, q_value = (float(column[place]) for column in (units.iou_low, units.iou_high, units.q_value))
        return UnitChip(
            href=unit_href(findings, place),
            layer=layer.name,
            unit=unit,
            concept=label.name if label else "",
            category=label.category if label else "",
            iou=words.ratio(float(units.iou[place])),
            width=self.width(float(units.iou[place])),
            spread=self.spread(low, high),
            interval=f"{words.ratio(low)} to {words.ratio(high)}" if math.isfinite(low) else "",
            q_value=words.q_value(q_value) if math.isfinite(q_value) else "",
            q_order=f"{q_value:.6g}" if math.isfinite(q_value) else "9",
            doubtful=q_value > SIGNIFICANT,
            matched=bool(units.matched[place]),
            sprite=sprite,
            mask=pictures.mask(sprite) if sprite else "",
        )


def unit_href(findings: Findings, place: int) -> str:
    """Return the file of a unit's page, from the root of the site."""
    return f"units/{findings.layer_of(place).slug}/{findings.units.unit[place]}.html"


def concept_link(concept: DissectedConcept) -> ConceptLink:
    """Return the link to a concept."""
    return ConceptLink(concept.href, concept.name, concept.category)


def gallery(findings: Findings, sprite: str, most: int, captions: Iterable[tuple[str, str]]) -> Gallery:
    """Return the pictures of a sprite in order, each with its description and note.

    Args:
        findings: of the run.
        sprite: its path.
        most: the number of tiles of the sprite.
        captions: a description and a note for each of its images.
    """
    layout = findings.manifest.pictures
    columns = max(1, min(layout.columns, most))
    tiles = tuple(
        Tile(f"--c:{place % columns};--r:{place // columns}", says, note)
        for place, (says, note) in zip(range(most), captions, strict=False)
    )
    return Gallery(sprite, layout.mask(sprite), columns, -(-most // columns), tiles)


def image_name(findings: Findings, image: int) -> str:
    """Return the file of an image by its number."""
    place = findings.image_places.get(image)
    return findings.image_paths[place] if place is not None else f"image {image}"
