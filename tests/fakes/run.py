"""A complete, plausible run without a network: what the site is tested and looked at with.

    run = make_fake_run(tmp_path / "run")

The first layer matches nothing, no image shows the last concept, unit 0 of every layer is dead, unit 1 has no top
image, the first image of the gallery shows nothing, no control unit touches the last two concepts, and with
`hostile_names` the concepts, classes, files and one layer carry markup, quotes, slashes and emoji.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from dissectory.analysis.experiments.class_ablation.tables import (
    ABLATION_CURVES,
    CONFUSIONS,
    DETECTORS,
    UNIT_ABLATIONS,
    UNIT_IMPORTANCE,
)
from dissectory.analysis.experiments.control.tables import CONTROL_CONCEPTS, CONTROL_UNITS
from dissectory.analysis.run import Ablation, Manifest, Pictures, Run, Skipped
from dissectory.analysis.study.study import Study
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tables.categories import SIGNIFICANT
from dissectory.analysis.tables.core import CLASSES, CONCEPT_IMAGES, CONCEPTS, GALLERY, GALLERY_CONCEPTS, IMAGES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.tables.table import Table

GRID = 56
CUT = 0.04
PLAIN = (
    *((name, "object") for name in ("sky", "tree", "building", "car", "person", "road", "grass", "bed", "sea")),
    *((name, "object") for name in ("mountain", "table", "ceiling", "sofa", "lamp")),
    *((name, "part") for name in ("tree-top", "building-bottom", "car-left", "person-top", "bed-bottom")),
    *((name, "material") for name in ("wood", "brick", "glass", "fabric")),
    *((name, "texture") for name in ("striped", "dotted", "woven")),
    *((name, "color") for name in ("red", "green", "blue", "white", "brown")),
)
HOSTILE = (
    ("<script>alert(1)</script>", "object"),
    ("\"quoted\" & 'single'", "part"),
    ("../../etc/passwd", "material"),
    ("🦊 fox/den", "object"),
    ("</script><img src=x onerror=alert(2)>", "texture"),
    ("con", "object"),
    ("{{ 7 * 7 }} @title@", "color"),
    ("Con", "part"),
)
HOSTILE_LAYER = 'features.3/<b>"x"</b>'


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn from: the random source and the sizes."""

    random: np.random.Generator
    layers: tuple[tuple[str, int], ...]
    concepts: tuple[tuple[str, str], ...]
    images: int
    measured: bool
    layout: Pictures

    @property
    def positions(self) -> int:
        """Grid positions of all images."""
        return self.images * GRID * GRID


def make_fake_run(
    folder: Path,
    layers: int = 3,
    units: int = 12,
    *,
    hostile_names: bool = True,
    measured: bool = True,
    classes: bool = True,
    concepts: int | None = None,
    images: int = 40,
    pictures: bool = True,
    gallery: bool = True,
    control: bool = True,
    ablation: bool = False,
    seed: int = 0,
) -> Run:
    """Write a whole run.

    Args:
        folder: where to.
        layers: how many layers; the first matches nothing when there are several.
        units: units of the first layer; each later one has half as many more.
        hostile_names: whether names carry markup, quotes, slashes and emoji.
        measured: whether intervals, q-values and information quality ratios are filled; they are empty otherwise.
        classes: whether images have classes.
        concepts: how many concepts; the plain ones are repeated with numbers where they do not suffice.
        images: how many images.
        pictures: draw every sprite; otherwise all units share one file.
        gallery: whether there is one, and the study says what its images are.
        control: whether the study has one; where there are classes, the first two concepts bear the name of an output.
        ablation: whether units of the last two layers were removed; images need classes.
        seed: of everything drawn.
    """
    names = [f"fire{place + 2}" if place else "conv1" for place in range(layers)]
    if hostile_names and layers > 1:
        names[1] = HOSTILE_LAYER
    sizes = [units + place * units // 2 for place in range(layers)]
    world = World(
        random=np.random.default_rng(seed),
        layers=tuple(zip(names, sizes, strict=True)),
        concepts=_vocabulary(concepts, hostile_names),
        images=images,
        measured=measured,
        layout=Pictures(),
    )
    run = Run(folder)
    _write_units(run, world)
    _write_images(run, world, hostile_names, classes)
    _write_pictures(run, world, pictures)
    if gallery:
        _write_gallery(run, world)
    if control:
        _write_control(run, world, known=classes)
    manifest = _manifest(world, hostile_names, gallery, control)
    run.write_manifest(replace(manifest, ablations=_write_ablation(run, world)) if ablation else manifest)
    return run


def _vocabulary(count: int | None, hostile: bool) -> tuple[tuple[str, str], ...]:
    known = (*PLAIN, *HOSTILE) if hostile else PLAIN
    if count is None:
        return tuple(known)
    return tuple(known[i] if i < len(known) else (f"{PLAIN[i % len(PLAIN)][0]} {i}", "object") for i in range(count))


def _write_units(run: Run, world: World) -> None:
    """Write layers, units, unit_concepts, unit_images and unit_histograms."""
    names = ("layers", "units", "unit_concepts", "unit_images", "unit_histograms")
    tables = {name: _Rows(all_tables()[name]) for name in names}
    for index, (layer, count) in enumerate(world.layers):
        found = [
            _write_unit(world, layer, unit, index / max(1, len(world.layers) - 1), tables) for unit in range(count)
        ]
        matched = [match for match in found if match is not None]
        significant = sum(q <= SIGNIFICANT for _, q in matched) if world.measured else None
        concepts, side = len({label for label, _ in matched}), 56 >> min(index, 3)
        tables["layers"].add(layer, index, "Conv2d", count, side, side, len(matched), significant, concepts)
    for rows in tables.values():
        run.write_table(rows.table, rows.columns)


class _Rows:
    """Columns of a table under construction."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.columns: dict[str, list[Any]] = {column.name: [] for column in table.columns}

    def add(self, *values: Any) -> None:  # noqa: ANN401 - one value of each column's kind
        for column, value in zip(self.columns.values(), values, strict=True):
            column.append(value)


def _write_unit(
    world: World, layer: str, unit: int, depth: float, tables: dict[str, _Rows]
) -> tuple[str, float] | None:
    """Add one unit's rows; returns the label and the q-value of a matched unit."""
    if unit == 0:
        tables["units"].add(
            layer, unit, None, 0, False, None, None, 0.0, None, None, None, False, None, None, None, 0.0, 0.0, 0.0, 0.0
        )
        return None
    touched = _touched(world, depth)
    for name, intersection, union in touched:
        ratio = (0.3 * intersection / union, 4.2) if world.measured else (None, None)
        tables["unit_concepts"].add(layer, unit, name, intersection, union, intersection / union, *ratio)
    name, intersection, union = touched[0]
    iou = intersection / union
    mean, peak = float(world.random.uniform(0.1, 2)), float(world.random.uniform(8, 40))
    threshold = peak * 0.4
    reach = float(world.random.uniform(0.05, 0.35))
    q_value = float(world.random.choice([0.0002, 0.003, 0.04, 0.3], p=[0.5, 0.2, 0.1, 0.2]))
    spread = (iou * (1 - reach), iou * (1 + 1.2 * reach), q_value)
    quality = (0.3 * iou, touched[-1][0], 0.5 * threshold)
    tables["units"].add(
        layer,
        unit,
        threshold,
        world.positions // 100,
        False,
        name,
        dict(world.concepts)[name],
        iou,
        *(spread if world.measured else (None,) * 3),
        iou > CUT,
        *(quality if world.measured else (None,) * 3),
        mean,
        mean * 2,
        peak,
        0.01,
    )
    _add_images(world, layer, unit, peak, tables["unit_images"])
    _add_histogram(world, layer, unit, peak, tables["unit_histograms"])
    return (name, q_value) if iou > CUT else None


def _touched(world: World, depth: float) -> list[tuple[str, int, int]]:
    """Concepts that a unit touches with their counts, the best first; nothing passes the cut at depth 0."""
    shown = len(world.concepts) - 1
    count = min(shown, int(world.random.integers(5, 30)))
    chosen = world.random.choice(shown, count, replace=False)
    best = world.random.beta(2, 14) * (0.6 + depth) if depth else world.random.uniform(0.001, 0.038)
    ious = np.sort(best * world.random.beta(1.2, 3, count))[::-1]
    ious[0] = max(best, 0.0005)
    union = world.positions // 40
    counts = np.maximum(1, np.round(ious * union)).astype(int)
    return [(world.concepts[k][0], int(counts[place]), union) for place, k in enumerate(chosen)]


def _add_images(world: World, layer: str, unit: int, peak: float, rows: _Rows) -> None:
    if unit == 1:
        return
    count = min(world.images, world.layout.unit_tiles)
    chosen = world.random.choice(world.images, count, replace=False)
    for rank, image in enumerate(chosen):
        rows.add(layer, unit, rank, int(image), peak * (1 - 0.03 * rank), 3, 4)


def _add_histogram(world: World, layer: str, unit: int, peak: float, rows: _Rows) -> None:
    bins = int(world.random.integers(24, 48))
    edges = np.linspace(0, peak, bins + 1)
    counts = np.maximum(1, (2e6 * np.exp(-np.arange(bins) / 3.5) * world.random.uniform(0.5, 1.5, bins))).astype(int)
    for place in range(bins):
        rows.add(layer, unit, place + 30, float(edges[place]), float(edges[place + 1]), int(counts[place]))


def _write_images(run: Run, world: World, hostile: bool, classes: bool) -> None:
    """Write concepts, concept_images, images and, where there are classes, classes."""
    known = ["<script>alert(3)</script>", 'a/b & "c"', "ski resort 🎿"] if hostile else ["street", "bedroom", "coast"]
    labels = [known[i % len(known)] if classes else None for i in range(world.images)]
    images = _Rows(IMAGES)
    for place, label in enumerate(labels):
        images.add(place, f"{label or 'photos'}/{place:03}.jpg", label, 640, 480, None)
    concepts, examples = _Rows(CONCEPTS), _Rows(CONCEPT_IMAGES)
    for place, (name, category) in enumerate(world.concepts):
        shown = 0 if place == len(world.concepts) - 1 else min(15, world.images)
        source = {"color": "color", "part": "parts"}.get(category, "ade20k")
        concepts.add(name, category, source, 900 * shown, shown)
        for rank in range(shown):
            examples.add(name, rank, (place + rank) % world.images, 900 - rank)
    for rows in (images, concepts, examples):
        run.write_table(rows.table, rows.columns)
    if classes:
        table = _Rows(CLASSES)
        for name in known:
            table.add(name, "all", labels.count(name), 5, 3, 0.9, 0.6, 0.5, 0.74)
        table.add("unknown to the network", "all", 3, None, None, None, None, None, None)
        run.write_table(table.table, table.columns)


def _write_gallery(run: Run, world: World) -> None:
    """Write six images with boxes of concepts, two of each category, and a third object under the others."""
    categories = list(dict.fromkeys(category for _, category in world.concepts))
    gallery, shown = _Rows(GALLERY), _Rows(GALLERY_CONCEPTS)
    for number, image in enumerate(range(0, world.images, max(1, world.images // 6))):
        picture, _ = _scene(world.random, world.layout.tile)
        _save(run, world.layout.gallery(image), picture)
        for category in categories:
            names = [name for name, kind in world.concepts if kind == category]
            chosen = [names[(number + step) % len(names)] for step in range(min(2, len(names)))] if number else []
            drawn = np.zeros((GRID, GRID, 4), dtype=np.uint8)
            for place, name in enumerate(chosen):
                mask = np.zeros((GRID, GRID), dtype=bool)
                mask[10 * place : 20 + 12 * place, 10 : 30 + number] = True
                color = f"#{names.index(name) * 16 + 40:02x}70a0"
                drawn[mask] = (*bytes.fromhex(color[1:]), 255)
                shown.add(image, name, int(mask.sum()), color, _runs(mask))
            gallery.add(image, category, int((drawn[..., 3] > 0).sum()))
            _save(run, world.layout.gallery(image, category), Image.fromarray(drawn))
    for rows in (gallery, shown):
        run.write_table(rows.table, rows.columns)


def _save(run: Run, name: str, picture: Image.Image) -> None:
    path = run.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, lossless=True)


def _runs(mask: npt.NDArray[np.bool_]) -> str:
    lengths, inside = [0], False
    for lit in mask.ravel().tolist():
        if lit != inside:
            lengths.append(0)
            inside = lit
        lengths[-1] += 1
    return " ".join(str(length) for length in (lengths if inside else lengths[:-1]))


def _write_control(run: Run, world: World, *, known: bool) -> None:
    """Write a control whose units are a third as good, and that touches every concept but the last two."""
    units = run.table("units")
    columns: dict[str, Any] = {str(name): units[name].astype(object) for name in units}
    columns["iou"] = units["iou"] / 3
    columns["matched"] = units["iou"] / 3 > CUT
    run.write_table(CONTROL_UNITS, columns)
    concepts = _Rows(CONTROL_CONCEPTS)
    for place, (name, _) in enumerate(world.concepts):
        touched = place < len(world.concepts) - 2
        layer, count = world.layers[place % len(world.layers)]
        iou = float(world.random.beta(2, 40)) if touched else 0.0
        best = (layer, place % count, round(iou * 1_000_000), 1_000_000) if touched else (None, None, 0, 0)
        concepts.add(name, place < 2 if known else None, *best, iou)
    run.write_table(concepts.table, concepts.columns)


def _write_ablation(run: Run, world: World) -> tuple[Ablation, ...]:
    """Write what classes lose without units of the last two layers: the lower a unit's number the more.

    Unit 0 is dead, and the last unit of the last layer was not removed.
    """
    classes = run.table("classes").astype(object)
    known = [name for name in dict.fromkeys(classes["class"]) if name != "unknown to the network"]
    of_classes = _Rows(CLASSES)
    for row in classes.itertuples(index=False):
        of_classes.add(*(None if value != value else value for value in row))  # noqa: PLR0124 - NaN
    for name in known:
        for split in ("ranking", "reporting"):
            of_classes.add(name, split, 20, 24, 18, 0.9, 0.75, 0.9, 0.9)
    found = {
        table.name: _Rows(table)
        for table in (
            UNIT_ABLATIONS, UNIT_IMPORTANCE, ABLATION_CURVES, CONFUSIONS, DETECTORS
        )
    }  # fmt: skip
    for layer, units in world.layers[-2:]:
        _add_removals(world, layer, units, known, found)
        for name in known:
            _add_curves(layer, units, name, known, found)
        _add_detectors(run, world, layer, known, found[DETECTORS.name])
    for rows in (of_classes, *found.values()):
        run.write_table(rows.table, rows.columns)
    why = "a 1 x 1 convolution, a rectifier and a mean over the map follow the layer"
    return tuple(Ablation(layer, "rectified", why, "folders", 60, 60) for layer, _ in world.layers[-2:])


def _add_removals(world: World, layer: str, units: int, known: list[str], found: dict[str, _Rows]) -> None:
    last = world.layers[-1]
    for unit in range(units):
        removed, dead = (layer, unit) != (last[0], last[1] - 1), unit == 0
        drops = []
        for place, name in enumerate(known):
            rank = units - 1 if dead else (unit - 1 + place) % (units - 1)
            drop = 0.0 if dead else 0.3 * 0.6**rank
            drops.append(drop)
            for split in ("ranking", "reporting"):
                counts = (24, 18 - round(18 * drop), 0.9 - drop, drop, 3 * drop)
                known_counts = counts if removed else (None, None, None, None, 3 * drop)
                found["unit_ablations"].add(layer, unit, name, split, 20, 40, *known_counts, rank)
        led = sum(not dead and (unit - 1 + place) % (units - 1) < 4 for place in range(len(known)))
        mean = float(np.mean(drops))
        found["unit_importance"].add(layer, unit, led, mean if removed else None, 3 * mean)


def _add_curves(layer: str, units: int, name: str, known: list[str], found: dict[str, _Rows]) -> None:
    for mode in ("remove", "keep"):
        for size in range(units + 1):
            gone = size if mode == "remove" else units - size
            accuracy = 0.5 + 0.4 * (0.8**gone if mode == "remove" else 1 - 0.7**size)
            random = 0.5 + 0.4 * (1 - gone / units)
            right = round(40 * (accuracy - 0.5))
            found["ablation_curves"].add(
                layer, name, mode, size, 20, 40, right + 4, right, accuracy, 60, 50 - gone, (50 - gone) / 60,
                random, random - 0.05, random + 0.05,
            )  # fmt: skip
    for size in (0, 4, 20):
        if size <= units:
            for place, taken in enumerate([name, *(other for other in known if other != name)]):
                found["confusions"].add(layer, name, size, taken, (20 - size) if place == 0 else 1 + size // 2)


def _add_detectors(run: Run, world: World, layer: str, known: list[str], rows: _Rows) -> None:
    units = run.table("units")
    for row in units[units["layer"] == layer].astype(object).to_dict("records"):
        unit, concept = int(row["unit"]), row["concept"]
        sets: list[tuple[str, str, float | None]] = [("class", known[unit % len(known)], 0.6)]
        if isinstance(concept, str):
            sets.append(("concept", concept, None))
        for kind, name, correlation in sets:
            center = np.arange(40)
            inside = np.round(9 * np.exp(-(((center - 26) / 6) ** 2))).astype(int)
            outside = np.round(20 * np.exp(-(((center - 12) / 7) ** 2))).astype(int)
            rows.add(
                layer, unit, kind, name, int(inside.sum()), int(outside.sum()), 4.5, int(inside[18:].sum() + 5),
                int(inside[18:].sum()), 0.86, float(world.random.uniform(0.7, 0.99)), correlation, 0.0, 10.0,
                " ".join(map(str, inside)), " ".join(map(str, outside)),
            )  # fmt: skip


def _manifest(world: World, hostile: bool, gallery: bool, control: bool) -> Manifest:
    about = {"about": 'Drawn by a <b class="x">program</b>, & never seen.'} if gallery else {}
    study = Study.from_dict(
        {
            **({"control": {"source": "python:random.py:build<b>"}} if control else {}),
            "title": 'Places & "friends" <b>bold</b>' if hostile else "SqueezeNet on Places365",
            "model": {"source": "torchvision:squeezenet1_1", "layers": [name for name, _ in world.layers]},
            "images": {"folder": "photos", "size": 224, **about},
            "concepts": {"sources": ["onnx:ade20k.onnx", "color", "parts"]},
        }
    )
    return Manifest(
        study=study.to_dict(),
        title=study.title,
        created="2026-01-31T12:00:00+00:00",
        versions={"dissectory": "0.1.0", "torch": "2.14.0", "numpy": "2.0.0"},
        hashes={"weights": "ab" * 32, "images": "cd" * 32},
        seconds={"thresholds": 61.2, "overlaps": 130.0, "pictures": 12.4},
        model={"source": "torchvision:squeezenet1_1", "parameters": 1_235_496, "classes": 1000, "device": "cpu"},
        images=world.images,
        skipped=(Skipped("street/broken.jpg", "truncated file"),),
        grid=GRID,
        notes=("Areas are counted on a grid of 56 by 56 positions.",),
        pictures=world.layout,
    )


def _write_pictures(run: Run, world: World, every: bool) -> None:
    """Write the sprites of units and concepts with their masks."""
    scenes = [_scene(world.random, world.layout.tile) for _ in range(24)]
    first: Path | None = None
    paths = [world.layout.concept(row) for row in range(len(world.concepts))]
    for index, (_, count) in enumerate(world.layers):
        paths += [world.layout.unit(index, unit) for unit in range(count)]
    for path in paths:
        target = run.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if first is not None and not every:
            os.link(first, target)
            os.link(first.with_suffix(".mask.webp"), target.with_suffix(".mask.webp"))
            continue
        first = target
        chosen = world.random.choice(len(scenes), 15)
        _sheet([scenes[k][0] for k in chosen], world.layout, "RGB").save(target, quality=75)
        masks = [_mask(scenes[k][1], world.layout.tile, world.random) for k in chosen]
        _sheet(masks, world.layout, "RGBA").save(target.with_suffix(".mask.webp"), lossless=True)


def _sheet(tiles: list[Image.Image], layout: Pictures, mode: str) -> Image.Image:
    columns = min(layout.columns, len(tiles))
    sheet = Image.new(mode, (columns * layout.tile, -(-len(tiles) // columns) * layout.tile))
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % columns * layout.tile, place // columns * layout.tile))
    return sheet


def _scene(random: np.random.Generator, side: int) -> tuple[Image.Image, list[tuple[int, int, int, int]]]:
    """Draw a small landscape; returns it and the boxes of its things."""
    horizon = int(side * random.uniform(0.4, 0.7))
    rows = np.linspace(0, 1, side)[:, None, None]
    top, bottom = random.uniform(90, 220, 3), random.uniform(140, 250, 3)
    picture = Image.fromarray(np.broadcast_to(top + (bottom - top) * rows, (side, side, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, horizon, side, side), fill=_color(random, 60, 150))
    boxes = []
    for _ in range(int(random.integers(2, 5))):
        width, height = (int(side * random.uniform(0.15, 0.4)) for _ in range(2))
        left, foot = int(random.uniform(0, side - width)), int(random.uniform(horizon, side))
        box = (left, foot - height, left + width, foot)
        shape = (draw.rectangle, draw.ellipse, draw.rounded_rectangle)[int(random.integers(3))]
        shape(box, fill=_color(random, 30, 240))
        boxes.append(box)
    noise = random.normal(0, 7, (side, side, 1))
    grained = np.clip(np.asarray(picture, dtype=np.float64) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(grained), boxes


def _color(random: np.random.Generator, low: int, high: int) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in random.integers(low, high, 3))
    return red, green, blue


def _mask(boxes: list[tuple[int, int, int, int]], side: int, random: np.random.Generator) -> Image.Image:
    """Draw what lies over a tile: dark, but for one thing."""
    mask: npt.NDArray[np.uint8] = np.zeros((side, side, 4), dtype=np.uint8)
    mask[..., 3] = 176
    left, top, right, bottom = boxes[int(random.integers(len(boxes)))]
    mask[max(0, top) : bottom, left:right, 3] = 0
    return Image.fromarray(mask)
