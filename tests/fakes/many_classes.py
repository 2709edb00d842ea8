"""A run of a classifier with many classes, without a network: numbers at random, but such as belong together.

    run = make_many_classes(tmp_path / "run", classes=1000)

Units of the last layer were removed, as they are of a network with more than a few classes: sets of some sizes only.
Each class loses much without a few units and nearly nothing without the others; counts are whole and ratios are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from fakes.run import make_fake_run
from PIL import Image

from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, SWITCHES, Board, Switches
from dissectory.analysis.experiments.class_ablation.tables import (
    ABLATION_CURVES,
    CONFUSIONS,
    DETECTORS,
    UNIT_ABLATIONS,
    UNIT_IMPORTANCE,
)
from dissectory.analysis.run import Ablation, Run
from dissectory.analysis.tables.core import CLASSES, IMAGES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

SPLITS = ("ranking", "reporting")
SIZES = (0, 1, 2, 3, 4, 5, 20, 64, 128, 256)
CONFUSED_AFTER = (0, 4, 20)
DETECTORS_EACH = 8
BINS = 40
TILE, COLUMNS = 24, 10
WHERE = ("alpine", "coastal", "covered", "desert", "formal", "indoor", "medieval", "natural", "outdoor", "wooded")
WHAT = (
    "abbey", "airport terminal", "alley", "amphitheater", "art gallery", "bakery, bakeshop, bakehouse", "bridge",
    "bamboo forest", "basement", "boathouse", "canyon", "castle", "cemetery", "classroom", "courtyard", "creek",
    "garden", "greenhouse, nursery, glasshouse", "harbor", "kitchen", "market", "museum", "office", "pagoda", "plaza",
    "railroad track", "shop front", "ski slope", "staircase", "swimming pool", "tower", "vineyard", "waterfall",
    "American Staffordshire terrier, Staffordshire terrier, American pit bull terrier, pit bull terrier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn from; `each` images of a class are in either split."""

    random: np.random.Generator
    layer: str
    units: int
    names: tuple[str, ...]
    each: int

    @property
    def others(self) -> int:
        """Images of a split that are of another class."""
        return (len(self.names) - 1) * self.each

    def balanced(self, taken: Ints, right: Ints) -> Floats:
        """Mean of recall and the true negative rate."""
        return np.asarray((right / self.each + 1 - (taken - right) / self.others) / 2)


def class_names(count: int) -> tuple[str, ...]:
    """Different names, some of them long."""
    pairs = [f"{where} {what}" for what in WHAT for where in WHERE]
    return tuple(pairs[k] if k < len(pairs) else f"{pairs[k % len(pairs)]} {k // len(pairs)}" for k in range(count))


def make_many_classes(folder: Path, classes: int, units: int = 512, each: int = 10, seed: int = 0) -> Run:
    """Write a run with three layers, the last one of twice `units` of the first, and a switchboard for it.

    Args:
        folder: where to.
        classes: how many classes.
        units: of the last layer; an even number.
        each: images of every class in either of the two splits.
        seed: of everything drawn.
    """
    run = make_fake_run(
        folder,
        units=units // 2,
        hostile_names=False,
        classes=False,
        concepts=200,
        images=2 * each * classes,
        pictures=False,
        seed=seed,
    )
    layer = str(run.table("layers")["layer"].iloc[-1])
    world = World(np.random.default_rng(seed), layer, units, class_names(classes), each)
    _write_images(run, world)
    before = {split: _outcomes(world) for split in SPLITS}
    ranks = _write_removals(run, world, before)
    _write_classes(run, world, before)
    _write_curves(run, world, before["reporting"])
    _write_detectors(run, world, ranks)
    _write_switches(run, world, ranks)
    count = len(world.names) * each
    ablation = Ablation(layer, "linear", "a mean over the map and a linear layer follow it", "folders", count, count)
    run.write_manifest(replace(run.manifest, ablations=(ablation,)))
    return Run(folder)  # the other one remembers the manifest as it was


def _write_images(run: Run, world: World) -> None:
    """Sort the images into folders by turns."""
    frame = run.table("images")
    names = [world.names[place % len(world.names)] for place in range(len(frame))]
    columns: dict[str, Any] = {str(name): frame[name].astype(object) for name in frame}
    columns |= {"class": names, "path": [f"{name}/{place:05}.jpg" for place, name in enumerate(names)]}
    run.write_table(IMAGES, columns)


def _outcomes(world: World) -> tuple[Ints, Ints]:
    """Images taken for each class, and those that are right `(class,)`, with all units."""
    right = world.random.binomial(world.each, world.random.beta(6, 4, len(world.names)))
    return right + world.random.binomial(world.each, 0.4, len(world.names)), right


def _write_removals(run: Run, world: World, before: dict[str, tuple[Ints, Ints]]) -> Ints:
    """Write unit_ablations and unit_importance; returns the rank of each unit `(unit, class)`."""
    shape = (world.units, len(world.names))
    loss = world.random.beta(0.06, 1.5, shape)
    drops, leads, counts = {}, {}, {}
    for split, (taken, right) in before.items():
        lost = world.random.binomial(right, loss)
        counts[split] = (taken - lost, right - lost)
        drops[split] = world.balanced(taken, right) - world.balanced(*counts[split])
        leads[split] = 4 * loss + world.random.normal(0, 0.02, shape)
    order = np.lexsort((-leads["ranking"], -drops["ranking"]), axis=0)
    ranks = np.argsort(order, axis=0)
    columns: dict[str, list[Any]] = {column.name: [] for column in UNIT_ABLATIONS.columns}
    for split, (taken, right) in counts.items():
        columns["unit"].append(np.repeat(np.arange(world.units), shape[1]))
        columns["class"].append(np.tile(np.array(world.names, dtype=object), world.units))
        given = {"layer": world.layer, "split": split, "images": world.each, "others": world.others}
        for name, value in given.items():
            columns[name].append(np.full(taken.size, value, dtype=object if isinstance(value, str) else np.int64))
        found = {"taken": taken, "right": right, "balanced_accuracy": world.balanced(taken, right)}
        for name, values in (found | {"drop": drops[split], "lead_drop": leads[split], "rank": ranks}).items():
            columns[name].append(values.ravel())
    run.write_table(UNIT_ABLATIONS, {name: np.concatenate(parts) for name, parts in columns.items()})
    importance = {
        "layer": [world.layer] * world.units,
        "unit": np.arange(world.units),
        "classes_led": (ranks < 4).sum(axis=1),
        "mean_drop": drops["ranking"].mean(axis=1),
        "mean_lead_drop": leads["ranking"].mean(axis=1),
    }
    run.write_table(UNIT_IMPORTANCE, importance)
    return ranks


def _write_classes(run: Run, world: World, before: dict[str, tuple[Ints, Ints]]) -> None:
    taken, right = (before["ranking"][place] + before["reporting"][place] for place in range(2))
    whole = replace(world, each=2 * world.each)
    columns: dict[str, list[Any]] = {column.name: [] for column in CLASSES.columns}
    for split, at, own in (("all", whole, (taken, right)), *((split, world, before[split]) for split in SPLITS)):
        measures: dict[str, Any] = {
            "accuracy": 1 - (at.each + own[0] - 2 * own[1]) / (at.each + at.others),
            "precision": own[1] / np.maximum(1, own[0]),
            "recall": own[1] / at.each,
            "balanced_accuracy": at.balanced(*own),
        }
        counts = {"images": np.full(len(world.names), at.each), "taken": own[0], "right": own[1]}
        for name, values in (counts | measures | {"class": world.names, "split": [split] * len(world.names)}).items():
            columns[name].extend(values)
    run.write_table(CLASSES, columns)


def _write_curves(run: Run, world: World, before: tuple[Ints, Ints]) -> None:
    """Write ablation_curves and confusions."""
    sizes = [size for size in SIZES if size < world.units]
    curves: dict[str, list[Any]] = {column.name: [] for column in ABLATION_CURVES.columns}
    confused: dict[str, list[Any]] = {column.name: [] for column in CONFUSIONS.columns}
    taken, right = before
    total = len(world.names) * world.each
    for mode in ("remove", "keep"):
        for size in sizes:
            left = 0.93**size if mode == "remove" else 1 - 0.9**size
            own_right = right if mode == "remove" and not size else world.random.binomial(right, left)
            own_taken = own_right + np.round((taken - right) * left).astype(np.int64)
            correct = int(right.sum() * (1 - size / world.units if mode == "remove" else size / world.units))
            random = 0.5 + (world.balanced(taken, right) - 0.5) * correct / max(1, right.sum())
            rows = {
                "layer": [world.layer] * len(world.names), "class": world.names, "mode": [mode] * len(world.names),
                "units": [size] * len(world.names), "images": [world.each] * len(world.names),
                "others": [world.others] * len(world.names), "taken": own_taken, "right": own_right,
                "balanced_accuracy": world.balanced(own_taken, own_right), "labelled": [total] * len(world.names),
                "correct": [correct] * len(world.names), "all_class_accuracy": [correct / total] * len(world.names),
                "random": random, "random_low": random - 0.04, "random_high": np.minimum(1, random + 0.03),
            }  # fmt: skip
            for name, values in rows.items():
                curves[name].extend(values)
            if mode == "remove" and size in CONFUSED_AFTER:
                for place, own in enumerate(own_right.tolist()):
                    wrong = (place + world.random.geometric(0.2, world.each - own)) % (len(world.names) - 1)
                    other = np.where(wrong >= place, wrong + 1, wrong)
                    found = {place: own} | {int(one): int((other == one).sum()) for one in np.unique(other)}
                    for one, images in found.items():
                        if images:
                            row = (world.layer, world.names[place], size, world.names[one], images)
                            for column, value in zip(confused.values(), row, strict=True):
                                column.append(value)
    run.write_table(ABLATION_CURVES, curves)
    run.write_table(CONFUSIONS, confused)


def _write_detectors(run: Run, world: World, ranks: Ints) -> None:
    """Write units as detectors of the classes that need them most, and of their label."""
    labels = run.table("units").astype(object)
    of_layer = labels[labels["layer"] == world.layer].sort_values("unit")["concept"].tolist()
    center = np.arange(BINS)
    pairs = [(unit, "class", world.names[k]) for unit, k in np.argwhere(ranks < DETECTORS_EACH).tolist()]
    pairs += [(unit, "concept", label) for unit, label in enumerate(of_layer) if isinstance(label, str)]
    columns: dict[str, list[Any]] = {column.name: [] for column in DETECTORS.columns}
    total = 2 * (world.each + world.others)
    for unit, kind, name in pairs:
        middle, images = world.random.uniform(16, 32), 2 * world.each if kind == "class" else total // 20
        inside = world.random.multinomial(images, _bell(center, middle, 6))
        outside = world.random.multinomial(total - images, _bell(center, 12, 7))
        cut = int(np.argmax(np.cumsum(outside) / outside.sum() - np.cumsum(inside) / inside.sum()))
        right, wrong = int(inside[cut + 1 :].sum()), int(outside[cut + 1 :].sum())
        below = np.cumsum(outside) - outside / 2
        row = (
            world.layer, unit, kind, name, images, total - images, 10 * (cut + 1) / BINS, right + wrong, right,
            (right / images + 1 - wrong / (total - images)) / 2, float((inside * below).sum() / images / outside.sum()),
            world.random.uniform(0, 0.8) if kind == "class" else None, 0.0, 10.0,
            " ".join(map(str, inside)), " ".join(map(str, outside)),
        )  # fmt: skip
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    run.write_table(DETECTORS, columns)


def _bell(places: Ints, middle: float, width: float) -> Floats:
    heights = np.exp(-(((places - middle) / width) ** 2))
    return np.asarray(heights / heights.sum())


def _write_switches(run: Run, world: World, ranks: Ints) -> None:
    """Write a switchboard of numbers that are small and round: what a real one takes when packed is not told."""
    count = len(world.names)
    own = np.tile(np.arange(count), world.each)
    board = Board(
        layer=world.layer, file="0.f32", mode="linear", slope=0.0, bases=1, images=len(own), units=world.units, parts=1,
        outputs=count, compared=2 * len(SIZES) * count, differ=0,
        orders=tuple(map(tuple, np.argsort(ranks, axis=0).T.tolist())),
    )  # fmt: skip
    folder = run.folder / SWITCHES
    folder.mkdir()
    draws = world.random.integers(0, 4, board.bytes // 4).astype("<f4")
    (draws / 4).tofile(folder / board.file)
    switches = Switches(
        classes=world.names, outputs=world.names, stands=tuple(range(count)),
        images=tuple(range(0, 2 * len(own), 2)), own=tuple(own.tolist()), tile=TILE, columns=COLUMNS, boards=(board,),
        left_out=(),
    )  # fmt: skip
    sheet = Image.new("RGB", (COLUMNS * TILE, -(-world.each // COLUMNS) * TILE), (40, 90, 60))
    sheet.save(folder / switches.sprite(0))
    for number in range(1, count):
        (folder / switches.sprite(number)).hardlink_to(folder / switches.sprite(0))
    (folder / CONTENTS).write_text(switches.to_json(), encoding="utf-8")
