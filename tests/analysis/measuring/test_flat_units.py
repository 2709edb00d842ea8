"""Flat units have no label; a planted network has units of every kind, and says which they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from networks import nearly_equal
from networks.nearly_equal import CONSTANT, EQUAL, FLAT, NEGATIVE, ORDINARY, RECTIFIED
from PIL import Image
from reference.dissection import least_exceeded

from dissectory.analysis.dissection import dissect
from dissectory.analysis.study.study import Study

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from dissectory.analysis.run import Run

SIDE, IMAGES, QUANTILE = 16, 12, 0.05


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, random = tmp_path_factory.mktemp("noise"), np.random.default_rng(11)
    for number in range(IMAGES):
        (folder / "photos").mkdir(exist_ok=True)
        pixels = random.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number:02}.png")
    return folder


def dissected(folder: Path, name: str, **compute: float) -> Run:
    values = {
        "model": {"source": f"python:{nearly_equal.__file__}:build", "layers": ["units"]},
        "images": {"folder": "photos", "size": SIDE, "resize": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "concepts": {"sources": ["color"]},
        "dissection": {"quantile": QUANTILE, "grid": SIDE},
        "compute": {"batch": 5, **compute},
    }
    return dissect(Study.from_dict(values, base=folder), folder / name)


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissected(folder, "run")


@pytest.fixture(scope="module")
def table(run: Run) -> pd.DataFrame:
    return run.table("units").set_index("unit")


def test_units_are_flat_by_definition(folder: Path, table: pd.DataFrame) -> None:
    pictures = np.stack([np.asarray(Image.open(path)) for path in sorted((folder / "photos").iterdir())])
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    for unit, maps in enumerate(nearly_equal.build().units(pixels).numpy().swapaxes(0, 1)):
        values = maps.ravel().astype(np.float64)
        threshold = least_exceeded(maps.ravel(), QUANTILE)
        scale = max(abs(threshold), np.sqrt((values**2).mean()))
        active = values[values > threshold]
        near = (active <= threshold + 4e-6 * scale).sum()
        assert table.active[unit] == len(active)
        assert table.flat[unit] == (near > 0.1 * len(active)) == (unit in FLAT)


def test_only_flat_units_have_no_label(run: Run, table: pd.DataFrame) -> None:
    flat = table[table.flat]
    assert set(flat.index) == FLAT
    assert (flat.active > 0).all()
    assert flat[["concept", "category", "iou_low", "iou_high", "q_value"]].isna().all(axis=None)
    assert not flat.matched.any()
    assert (flat.iou == 0).all()
    labeled = table.loc[[ORDINARY, RECTIFIED]]
    assert labeled[["concept", "category", "iou_low", "iou_high", "q_value"]].notna().all(axis=None)
    assert (table.active[CONSTANT], table.flat[CONSTANT]) == (0, False)
    pairs = run.table("unit_concepts")
    assert {EQUAL, NEGATIVE} < set(pairs.unit)  # the counts are kept
    matched = run.table("layers").iloc[0]
    assert matched.matched_units == table.matched.sum()


def test_flat_units_do_not_depend_on_the_memory_limit(folder: Path, run: Run) -> None:
    small = dissected(folder, "small", memory_gb=1e-9)
    assert small.table("units").equals(run.table("units"))
