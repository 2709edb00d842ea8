"""The names of the objects, parts, materials and scene classes."""

from __future__ import annotations

import csv
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dissectory.analysis.tables.categories import Category

SCENES = (
    "beach",
    "city-street",
    "desert",
    "farm",
    "forest",
    "harbour",
    "night-town",
    "railway",
    "ski-slope",
    "village",
)

OBJECTS = (
    *("sky", "cloud", "sun", "moon", "mountain", "hill", "grass", "snowfield", "sand dune", "shore", "field"),
    *("sea", "river", "road", "path", "pavement", "quay", "platform", "railway track", "rock"),
    *("tree", "fir", "palm", "cactus", "bush", "flower", "mushroom", "log", "hay bale", "fence"),
    *("house", "church", "barn", "silo", "windmill", "lighthouse", "tower block", "town house", "market stall"),
    *("hut", "tent", "parasol", "street lamp", "traffic light", "signal", "bench", "well", "bridge", "snowman"),
    *("crane", "container", "sailing boat", "ship", "car", "bus", "tractor", "train", "chair lift"),
    *("person", "cow", "sheep", "camel", "deer", "bird"),
)
"""Every pixel shows exactly one object; an object's number is its place here, counted from 1."""

PARTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        part: frozenset(owners.split(", "))
        for part, owners in {
            "roof": "house, church, barn, silo, windmill, lighthouse, tower block, town house, hut, well, platform",
            "wall": "house, church, barn, silo, windmill, lighthouse, tower block, town house, hut, well",
            "door": "house, church, barn, windmill, lighthouse, tower block, town house, hut, tent, train, bus",
            "window": "house, church, barn, windmill, lighthouse, tower block, town house, hut, car, bus, tractor, "
            "train, ship, crane",
            "chimney": "house, hut, town house",
            "steeple": "church",
            "clock": "church",
            "blade": "windmill",
            "lamp head": "street lamp, traffic light, lighthouse, signal",
            "pole": "street lamp, traffic light, parasol, signal, market stall, well, platform, chair lift, tent",
            "awning": "market stall, town house, parasol, tent",
            "counter": "market stall",
            "trunk": "tree, fir, palm",
            "crown": "tree, fir, bush",
            "branch": "tree",
            "frond": "palm",
            "stem": "cactus, flower, mushroom",
            "arm": "cactus, snowman",
            "petal": "flower",
            "cap": "mushroom",
            "hull": "sailing boat, ship",
            "mast": "sailing boat, ship",
            "sail": "sailing boat",
            "funnel": "ship, train, tractor",
            "cabin": "ship, crane, tractor, train",
            "jib": "crane",
            "bodywork": "car, bus, tractor, train",
            "wheel": "car, bus, tractor, train",
            "headlight": "car, bus, train, tractor",
            "rail": "railway track",
            "sleeper": "railway track",
            "arch": "bridge",
            "cable": "chair lift, crane",
            "seat": "chair lift, bench",
            "head": "person, cow, sheep, camel, snowman, deer",
            "torso": "person, cow, sheep, camel, snowman, deer",
            "leg": "person, cow, sheep, camel, deer",
            "hump": "camel",
            "antler": "deer",
            "ski": "person",
            "wing": "bird",
        }.items()
    }
)
"""The parts, each with the objects that have it; a part's number is its place here, counted from 1; 0 is no part."""

MATERIALS = (
    *("brick", "wood", "water", "foliage", "stone", "snow", "metal", "glass"),
    *("plaster", "soil", "asphalt", "cloth", "hide"),
)
"""A material's number is its place here, counted from 1; 0 is no material, as in the sky."""

CATEGORIES: tuple[tuple[str, Category, tuple[str, ...]], ...] = (
    ("objects", "object", OBJECTS),
    ("parts", "part", tuple(PARTS)),
    ("materials", "material", MATERIALS),
)
"""The three label maps of a scene: the folder, the category of its concepts, and the concepts' names in order."""


def numbers(names: tuple[str, ...]) -> dict[str, int]:
    """Number the names from 1; the empty name gets 0.

    >>> numbers(("brick", "wood"))["wood"]
    2
    """
    return {"": 0} | {name: number for number, name in enumerate(names, start=1)}


def write_labels(folder: Path, category: Category, names: tuple[str, ...]) -> None:
    """Write `labels.csv` into a folder of label maps."""
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(number, name, category) for number, name in enumerate(names, start=1)]
        csv.writer(file, lineterminator="\n").writerows([("index", "name", "category"), *rows])
