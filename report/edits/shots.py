"""Pictures of generated images before and after an edit, and the effect of a unit's removal."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.drawers import paths as drawer_paths
from dissectory.analysis.experiments.generator_ablation import paths as ablation_paths
from dissectory.analysis.experiments.insertion import paths as insertion_paths
from dissectory.report import words
from dissectory.report.core.chips import image_name
from dissectory.report.edits.counterexamples import Counterexamples
from dissectory.report.edits.reading import EditResults

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dissectory.report.core.chips import ConceptLink, UnitChip
    from dissectory.report.core.findings import DissectedConcept, Findings, Layer
    from dissectory.report.edits.reading import Effect, Place
    from dissectory.report.estimate import Estimate
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its sprite, its place there as a style, its description, and the note below it.

    `mark` is the cell of the edit, as a style.
    """

    sprite: str
    place: str
    says: str
    note: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ShotRow:
    """A row of pictures, with a `name` before them and a `remark` after them."""

    shots: tuple[Shot, ...]
    name: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Shots:
    """A table of pictures: its description, a head for each column, and rows."""

    says: str
    heads: tuple[str, ...]
    rows: tuple[ShotRow, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """The effect of a unit's removal on a concept; `bar` has the change and its interval on a bar, as a style."""

    concept: ConceptLink
    change: str
    interval: str
    bar: str
    positions: str
    gained: bool
    own: bool
    unsure: bool


@dataclass(frozen=True, slots=True)
class Alone:
    """The removal of one unit: in a sentence, in pictures, and concept by concept."""

    says: str
    shots: Shots | None
    changes: tuple[Changed, ...]


def removal_shots(site: Site, concept: DissectedConcept) -> Shots | None:
    """Show images with more and more of a concept's units removed; `None` if the run has no such pictures."""
    edits, findings = site.reading(EditResults), site.findings
    found = edits.removed.get(concept.name) if edits else None
    if not found:
        return None
    sprite, whole = ablation_paths.ablation(concept.row), findings.manifest.grid**2
    count, columns = len(found.removals), len(found.sizes)
    rows = []
    for rank, one in enumerate(found.removals):
        shares = [words.percent(area / whole) for area in one.pixels]
        says = [
            f"seed {one.seed} {_without(size)}: {share} {concept.name}"
            for size, share in zip(found.sizes, shares, strict=True)
        ]
        tiles = [_at(column, rank, columns, count) for column in range(columns)]
        rows.append(ShotRow(tuple(map(Shot, [sprite] * columns, tiles, says, shares))))
    return Shots(
        f"The images with the largest area of {concept.name}, with the best units of {found.layer} removed; the number "
        f"below each picture is the share of it that {concept.name} covers.",
        tuple("all units" if not size else f"\N{MINUS SIGN}{words.count(size, 'unit')}" for size in found.sizes),
        tuple(rows),
    )


def insertion_shots(site: Site, concept: DissectedConcept) -> Shots | None:
    """Show images before and after a concept's units were forced on; `None` if the run has no such pictures."""
    edits, findings = site.reading(EditResults), site.findings
    found = edits.inserted.get(concept.name) if edits else None
    if not found:
        return None
    layout = findings.manifest.pictures
    (layer,) = (one for one in findings.layers if one.name == found.layer)
    rows = []
    for rank, place in enumerate(found.places):
        tiles = [_at(column, rank, 3, len(found.places)) for column in range(3)]
        says = [f"seed {place.seed} {state}" for state in ("before", "after", "difference")]
        marks = [_mark(place, layer)] * 3
        shots = map(Shot, [insertion_paths.insertion(concept.row)] * 3, tiles, says, [""] * 3, marks)
        here = place.context.strip("()")
        rows.append(ShotRow(tuple(shots), remark=f"where {here} was: {words.count(place.added, 'position')}"))
    return Shots(
        f"The images in which most {concept.name} appeared, one for each context of the framed cell. "
        f"The difference is amplified {layout.amplified} times.",
        ("before", "after", "difference"),
        tuple(rows),
    )


def counterexample_shots(site: Site, place: int) -> Shots | None:
    """Show images with a unit's label on which the unit stays below its threshold; `None` if there are none."""
    found, findings = site.reading(Counterexamples), site.findings
    concept, images = found.of_unit.get(place, ("", ())) if found else ("", ())
    if not images:
        return None
    layer = findings.layer_of(place)
    layout = findings.manifest.pictures
    sprite = drawer_paths.counterexamples(layer.index, int(findings.units.unit[place]))
    shots = tuple(
        Shot(
            sprite,
            _at(column, 0, layout.counterexample_tiles, 1),
            f"{image_name(findings, one.image)}: {words.percent(one.share)} {concept}, peak {words.number(one.peak)}",
            f"{words.percent(one.share)} · {words.number(one.peak)}",
        )
        for column, one in enumerate(images)
    )
    return Shots(
        f"Images with {concept} on which the unit stays below its best threshold. Below each image are the share of it "
        f"that {concept} covers and the unit's peak activation on it.",
        (),
        (ShotRow(shots),),
    )


def alone_view(site: Site, place: int) -> Alone | None:
    """Show the effect of a unit's removal; `None` if it was not measured in the unit's layer."""
    edits, findings, chips = site.reading(EditResults), site.findings, site.chips
    layer, chip = findings.layer_of(place), chips.units[place]
    if edits is None or layer.name not in edits.alone:
        return None
    effects = edits.effects.get((layer.name, chip.unit), ())
    links = {concept.name: chips.concepts[concept.row] for concept in findings.concepts}
    known = [abs(effect.change.value) for effect in effects if math.isfinite(effect.change.value)]
    scale = min(1.0, max([*known, 0.02]) * 1.1)
    ordered = sorted(effects, key=lambda effect: (effect.concept != chip.concept, -_size(effect)))
    changes = tuple(_changed(effect, links[effect.concept], chip.concept, scale) for effect in ordered)
    return Alone(_says(chip, effects, changes), _pairs(findings, chip, place), changes)


def _size(effect: Effect) -> float:
    """Return how large a change is; a concept without any area before the edit comes last."""
    return abs(effect.change.value) if math.isfinite(effect.change.value) else -1.0


def _without(size: int) -> str:
    return f"without {words.count(size, 'unit')}" if size else "with all units"


def _at(column: int, row: int, columns: int, rows: int) -> str:
    return f"--c:{column};--r:{row};--n:{columns};--m:{rows}"


def _mark(place: Place, layer: Layer) -> str:
    """Return the frame of a cell of the layer's map, in percent of a picture."""
    across, down = 100 / layer.width, 100 / layer.height
    return f"left:{place.column * across:.2f}%;top:{place.row * down:.2f}%;width:{across:.2f}%;height:{down:.2f}%"


def _pairs(findings: Findings, chip: UnitChip, place: int) -> Shots | None:
    """Show the unit's first top images, which are the first ones of its sprite, with and without the unit."""
    if not chip.sprite:
        return None
    layout, layer = findings.manifest.pictures, findings.layer_of(place)
    images = findings.tops.of(place, layout.without_tiles)["image"].tolist()
    names = [image_name(findings, image) for image in images]
    columns = max(1, min(layout.columns, layout.unit_tiles))
    less, wide = ablation_paths.without(layer.index, chip.unit), layout.without_tiles
    tiles, high = range(len(names)), -(-layout.unit_tiles // columns)
    rows = (
        ("with all units", chip.sprite, [_at(t % columns, t // columns, columns, high) for t in tiles]),
        ("without the unit", less, [_at(t, 0, wide, 2) for t in tiles]),
        ("difference", less, [_at(t, 1, wide, 2) for t in tiles]),
    )
    return Shots(
        f"The first top images of the unit; the difference is amplified {layout.amplified} times.",
        (),
        tuple(
            ShotRow(tuple(Shot(sprite, at, f"{name}, {state}") for at, name in zip(places, names, strict=True)), state)
            for state, sprite, places in rows
        ),
    )


def _changed(effect: Effect, link: ConceptLink, label: str, scale: float) -> Changed:
    span = effect.change
    known = math.isfinite(span.low)
    return Changed(
        concept=link,
        change=words.signed_percent(span.value, decimals=1) if math.isfinite(span.value) else "new",
        interval=words.signed_interval(span.low, span.high, decimals=1),
        bar=change_bar(span, scale),
        positions=f"{effect.after - effect.before:+,} of {effect.before:,} positions".replace("-", words.MINUS),
        gained=effect.after > effect.before,
        own=effect.concept == label,
        unsure=not known or span.low <= 0 <= span.high,
    )


def change_bar(span: Estimate, scale: float) -> str:
    """Return a change and its interval on a bar whose middle is no change, in percent of its width."""
    if not math.isfinite(span.value):
        return ""
    start, end = sorted((50.0, _on(span.value, scale)))
    drawn = f"--a:{start:.1f}%;--z:{end:.1f}%"
    return f"{drawn};--l:{_on(span.low, scale):.1f}%;--h:{_on(span.high, scale):.1f}%" if _finite(span) else drawn


def _finite(span: Estimate) -> bool:
    return math.isfinite(span.low) and math.isfinite(span.high)


def _on(value: float, scale: float) -> float:
    return 50 + 50 * min(1.0, max(-1.0, value / scale))


def _says(chip: UnitChip, effects: Iterable[Effect], changes: tuple[Changed, ...]) -> str:
    """Name the clearest loss of area, or say that there is none."""
    images = max((effect.images for effect in effects), default=0)
    lost = [change for change in changes if not change.unsure and not change.gained and change.change != "new"]
    if not changes:
        return "Removing only this unit changes no concept's area on any of the images."
    start = f"Measured on {words.count(images, 'other image')}, removing only this unit"
    own = next((change for change in changes if change.own), None)
    if own in lost:
        return f"{start} takes away {own.change.lstrip('-')} of the area of its label, {chip.concept}."
    if lost:
        others = f"; the area of its label, {chip.concept}, does not change with certainty" if own else ""
        return f"{start} takes away {lost[0].change.lstrip('-')} of the area of {lost[0].concept.name}{others}."
    return (
        f"{start} takes no area away with certainty: other units do the same work, or the unit has little effect on "
        "these images."
    )
