"""The gallery: images and their label maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report import words
from dissectory.report.core.chips import concept_link, image_name
from dissectory.report.frame.scripts import embed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from markupsafe import Markup

    from dissectory.analysis.run import Run
    from dissectory.report.core.chips import ConceptLink
    from dissectory.report.core.findings import DissectedConcept, Findings
    from dissectory.report.site import Site

NAMED = 4
"""Concepts that the description of a label map names."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """A label map of an image; `says` describes it."""

    category: str
    href: str
    says: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An image of the gallery and its label maps."""

    image: int
    href: str
    name: str
    kind: str
    maps: tuple[LabelMap, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A concept in a legend: `number` is its number in the page's data, `share` that of all positions on the page."""

    number: int
    concept: ConceptLink
    color: str
    share: str
    images: str


@dataclass(frozen=True, slots=True)
class Legend:
    """The concepts of one category, the largest area first."""

    category: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class GalleryPage:
    """The gallery; `data` tells the browser where each concept is."""

    title: str
    answer: str
    remark: str
    about: str
    entries: tuple[Entry, ...]
    legends: tuple[Legend, ...]
    data: Markup


@dataclass(frozen=True, slots=True)
class _Shown:
    """A concept on an image."""

    image: int
    concept: DissectedConcept
    pixels: int
    color: str
    runs: str


def about_images(findings: Findings) -> str:
    """Return what the study says about its images, or that they were generated; empty if nothing is known."""
    study = findings.manifest.study
    if latents := study.get("latents"):
        return str(latents.get("about") or f"The network generated the images, {generated_from(findings)}.")
    return str(study.get("images", {}).get("about") or "")


def generated_from(findings: Findings) -> str:
    """Say from which seeds a generator's images were generated."""
    latents = findings.manifest.study.get("latents", {})
    first, count = int(latents.get("seed", 0)), int(latents.get("count", findings.manifest.images))
    return f"from the seeds {first} to {first + count - 1}"


def has_gallery(site: Site) -> bool:
    """Return whether the run has images to show.

    Raises:
        RunError: a table is unreadable or of another version.
    """
    run = site.run
    return run.has("gallery") and run.has("gallery_concepts") and len(run.table("gallery")) > 0


def gallery_page(site: Site) -> GalleryPage | None:
    """Make the gallery; `None` if the run has no images to show.

    Raises:
        RunError: a table is unreadable or of another version.
    """
    if not has_gallery(site):
        return None
    findings, maps = site.findings, site.run.table("gallery").to_dict("records")
    shown = _shown(site.run, findings)
    images = list(dict.fromkeys(int(row["image"]) for row in maps))
    areas = _areas(shown)
    numbers = {row: number for number, row in enumerate(areas)}
    categories = [category for category in CATEGORIES if category in {str(row["category"]) for row in maps}]
    return GalleryPage(
        title="Gallery",
        answer=_answer(findings, len(images), len(areas)),
        remark=f"On the left is the image as the network {_sees(findings)} it. On the right is its label map: the "
        f"concept at each of the {findings.manifest.grid} by {findings.manifest.grid} grid positions. The activation "
        "maps of the units are compared with these label maps.",
        about=about_images(findings),
        entries=tuple(_entry(findings, image, categories, shown) for image in images),
        legends=tuple(_legend(findings, category, areas, shown, len(images)) for category in categories),
        data=_data(findings, images, numbers, shown),
    )


def _sees(findings: Findings) -> str:
    return "generated" if "latents" in findings.manifest.study else "sees"


def _shown(run: Run, findings: Findings) -> list[_Shown]:
    """Return all concepts on all images, the largest area of an image first."""
    known = {concept.name: concept for concept in findings.concepts}
    frame = run.table("gallery_concepts").sort_values(["image", "pixels"], ascending=[True, False], kind="stable")
    return [
        _Shown(int(row["image"]), known[str(row["concept"])], int(row["pixels"]), str(row["color"]), str(row["runs"]))
        for row in frame.to_dict("records")
        if str(row["concept"]) in known
    ]


def _areas(shown: Sequence[_Shown]) -> dict[int, int]:
    """Count the positions of each concept on all images of the page, by its row, the largest area first."""
    areas: dict[int, int] = {}
    for one in shown:
        areas[one.concept.row] = areas.get(one.concept.row, 0) + one.pixels
    return dict(sorted(areas.items(), key=lambda pair: -pair[1]))


def _answer(findings: Findings, images: int, concepts: int) -> str:
    total = findings.manifest.images
    which = (
        f"these {images:,} of {words.count(total, 'image')}"
        if images < total
        else f"all {words.count(images, 'image')}"
    )
    return words.sentence_case(f"{which} show {concepts:,} of {words.count(len(findings.concepts), 'concept')}.")


def _entry(findings: Findings, image: int, categories: Sequence[str], shown: Sequence[_Shown]) -> Entry:
    here = [one for one in shown if one.image == image]
    place = findings.image_places.get(image)
    kind = (findings.image_classes[place] if place is not None else None) or ""
    pictures = findings.manifest.pictures
    return Entry(
        image=image,
        href=pictures.gallery(image),
        name=image_name(findings, image).removeprefix(f"{kind}/"),
        kind=kind,
        maps=tuple(
            LabelMap(category, pictures.gallery(image, category), _says(findings, category, here))
            for category in categories
        ),
    )


def _says(findings: Findings, category: str, here: Sequence[_Shown]) -> str:
    """Describe a label map."""
    whole = findings.manifest.grid**2
    of_kind = [one for one in here if one.concept.category == category]
    if not of_kind:
        return f"{category}: no concept"
    parts = [f"{one.concept.name} {_share(one.pixels / whole)}" for one in of_kind[:NAMED]]
    if len(of_kind) > NAMED:
        parts.append(f"{len(of_kind) - NAMED} more")
    return f"{category}: {words.listed(parts)}"


def _legend(findings: Findings, category: str, areas: dict[int, int], shown: Sequence[_Shown], images: int) -> Legend:
    whole = images * findings.manifest.grid**2
    colors = {one.concept.row: one.color for one in shown}
    counts = {row: sum(one.concept.row == row for one in shown) for row in areas}
    return Legend(
        category,
        tuple(
            Key(
                number,
                concept_link(findings.concepts[row]),
                colors[row],
                _share(area / whole),
                f"in {counts[row]} of {words.count(images, 'image')}",
            )
            for number, (row, area) in enumerate(areas.items())
            if findings.concepts[row].category == category
        ),
    )


def _share(value: float) -> str:
    """Return a share in words; a small one is not shown as 0 %."""
    return words.share(value) if value >= 0.0005 else "< 0.1 %"  # noqa: PLR2004 - half of the last decimal


def _data(findings: Findings, images: Sequence[int], numbers: dict[int, int], shown: Sequence[_Shown]) -> Markup:
    """Return what the browser highlights: the concepts of each image by number, with their runs, the largest first."""
    concepts = [findings.concepts[row] for row in numbers]
    regions: dict[int, list[Any]] = {image: [] for image in images}
    for one in shown:
        regions[one.image].append([numbers[one.concept.row], one.runs])
    return embed(
        {
            "grid": findings.manifest.grid,
            "concepts": [[concept.name, concept.category] for concept in concepts],
            "images": regions,
        }
    )
