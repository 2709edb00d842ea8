"""A world as a folder of files: pictures whose concepts have colors of their own, with exact label maps."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
from networks import planted
from PIL import Image

from dissectory.analysis.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIDE, GRID, IMAGES, QUANTILE = 32, 16, 30, 0.03
CONCEPTS = ["barn", "hill", "lake", "sun", "<script>alert('ice/☃')</script>"]
LAYERS = ["detectors", "coarse"]


def draw(folder: Path) -> None:
    """Rectangles of the concepts' colors on gray, with their label maps."""
    random = np.random.default_rng(7)
    (folder / "labels").mkdir(parents=True)
    for number in range(IMAGES):
        picture, labels = np.full((SIDE, SIDE, 3), 0.5), np.zeros((SIDE, SIDE), dtype=np.uint8)
        for concept in random.permutation(len(CONCEPTS)):
            top, left = random.integers(0, SIDE - 7, size=2)
            height, width = random.integers(5, 8, size=2)
            area = np.s_[top : top + height, left : left + width]
            picture[area], labels[area] = planted.COLORS[concept], concept + 1
        picture += random.normal(scale=0.02, size=picture.shape)
        path = folder / "photos" / ("odd" if number % 2 else "even") / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8)).save(path)
        Image.fromarray(labels).save(folder / "labels" / f"{number:02}.png")
    with (folder / "labels" / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(0, "ground", "void"), *((index + 1, name, "object") for index, name in enumerate(CONCEPTS))]
        csv.writer(file).writerows([("index", "name", "category"), *rows])


def study_values() -> dict[str, dict[str, Any]]:
    """The study of the planted network on this world, as TOML gives it."""
    return {
        "model": {"source": f"python:{planted.__file__}:build", "layers": LAYERS},
        "images": {"folder": "photos", "size": SIDE, "resize": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "concepts": {"sources": ["masks:labels"]},
        "dissection": {"quantile": QUANTILE, "grid": GRID, "top_images": 4},
        "compute": {"batch": 7},
    }


def study(folder: Path, **changes: Mapping[str, object]) -> Study:
    values = study_values()
    for section, keys in changes.items():
        values[section] = {**values[section], **keys}
    return Study.from_dict(values, base=folder)
