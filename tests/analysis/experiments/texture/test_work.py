"""Agreement of units on images and their copies, for units that are known to see shapes or textures."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from networks import passing
from PIL import Image
from reference.dissection import least_exceeded, upsampled

from dissectory.analysis.dissection import dissect
from dissectory.analysis.study.study import Study
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

SIDE, GRID, PAIRS, QUANTILE = 16, 8, 12, 0.05
SHAPE, TEXTURE, MIXED, DEAD = 0, 1, 3, 4
"""Units: red is the shape, green the texture; a unit is their sum, another is always 0."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images and copies: red is the same in both, green is different, blue is in between."""
    folder, random = tmp_path_factory.mktemp("textures"), np.random.default_rng(3)
    for number in range(PAIRS):
        shape, half = random.integers(0, 256, size=(2, SIDE, SIDE))
        for name in ("photos", "copies"):
            texture, noise = random.integers(0, 256, size=(2, SIDE, SIDE))
            path = folder / name / f"{number % 2}" / f"{number:02}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            blue = (half + noise // 4).clip(0, 255)
            Image.fromarray(np.stack([shape, texture, blue], axis=2).astype(np.uint8)).save(path)
    return folder


def study(folder: Path, copies: str = "copies", **compute: float) -> Study:
    return Study.from_dict(
        {
            "model": {"source": f"python:{passing.__file__}:build", "layers": ["colors", "coarse"]},
            "images": {"folder": "photos", "size": SIDE, "resize": SIDE, "mean": [0, 0, 0], "std": [1, 1, 1]},
            "concepts": {"sources": ["color"]},
            "dissection": {"quantile": QUANTILE, "grid": GRID, "pairings": 0},
            "texture": {"folder": copies},
            "compute": {"batch": 5, **compute},
        },
        base=folder,
    )


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(study(folder), folder / "run")


@pytest.fixture(scope="module")
def table(run: Run) -> pd.DataFrame:
    return run.table("textures").astype({"layer": str})


def maps_of(folder: Path, layer: str) -> np.ndarray:
    """Return the activations of a layer on the images of a folder `(image, unit, height, width)`, in float32."""
    pictures = [np.asarray(Image.open(path)) for path in sorted(folder.rglob("*.png"))]
    x = (np.stack(pictures).astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2)
    x = np.concatenate([x, x.sum(axis=1, keepdims=True), np.zeros_like(x[:, :1])], axis=1)
    for _ in range(1 if layer == "colors" else 2):
        x = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).mean(axis=(3, 5), dtype=np.float32)
    return x


def top_positions(maps: np.ndarray) -> np.ndarray:
    """Return where each unit is above its own threshold `(image, unit, grid, grid)`."""
    up = np.array([[upsampled(plane, GRID) for plane in image] for image in maps])
    levels = [least_exceeded(up[:, unit].ravel(), QUANTILE) for unit in range(up.shape[1])]
    top: np.ndarray = up > np.array(levels, dtype=np.float32)[None, :, None, None]
    return top


@pytest.mark.parametrize("layer", ["colors", "coarse"])
def test_agreement_matches_its_definition(folder: Path, table: pd.DataFrame, layer: str) -> None:
    one, other = (top_positions(maps_of(folder / name, layer)) for name in ("photos", "copies"))
    rows = table[table.layer == layer].set_index("unit")
    total = PAIRS * GRID * GRID
    for unit in range(4):
        both = (one[:, unit] & other[:, unit]).sum()
        either = (one[:, unit] | other[:, unit]).sum()
        assert (rows.both[unit], rows.active[unit], rows.active_copies[unit]) == (
            both,
            one[:, unit].sum(),
            other[:, unit].sum(),
        )
        assert rows.agreement[unit] == pytest.approx(both / either)
        share = both / total  # as in the paper, whose units are active at just this share of all positions
        if rows.active[unit] == rows.active_copies[unit] == QUANTILE * total:
            assert rows.agreement[unit] == pytest.approx(share / (2 * QUANTILE - share))


def test_chance_is_the_agreement_with_copies_of_other_images(folder: Path, table: pd.DataFrame) -> None:
    one, other = (top_positions(maps_of(folder / name, "colors")) for name in ("photos", "copies"))
    rows = table[table.layer == "colors"].set_index("unit")
    for unit in range(4):
        met = np.mean(
            [
                sum((one[image, unit] & other[(image + move) % PAIRS, unit]).sum() for image in range(PAIRS))
                for move in range(1, PAIRS)
            ]
        )
        active = one[:, unit].sum() + other[:, unit].sum()
        assert rows.chance[unit] == pytest.approx(met / (active - met))


def test_a_unit_that_sees_shapes_agrees_and_one_that_sees_textures_does_not(table: pd.DataFrame) -> None:
    rows = table[table.layer == "colors"].set_index("unit")
    assert (rows.agreement[SHAPE], rows.low[SHAPE], rows.high[SHAPE]) == (1, 1, 1)
    assert rows.low[TEXTURE] <= rows.chance[TEXTURE] <= rows.high[TEXTURE]
    assert rows.chance[MIXED] < rows.agreement[TEXTURE] + 0.2 < rows.agreement[MIXED] + 0.2 < 1
    assert (rows.low <= rows.agreement)[:4].all()
    assert (rows.agreement <= rows.high)[:4].all()


def test_a_unit_that_is_never_active_has_no_agreement(table: pd.DataFrame) -> None:
    rows = table[table.unit == DEAD]
    assert len(rows) == 2
    assert rows[["active", "active_copies", "both"]].eq(0).all().all()
    assert rows[["agreement", "low", "high", "chance"]].isna().all().all()


def test_batches_workers_and_memory_change_nothing(folder: Path, run: Run) -> None:
    other = dissect(study(folder, batch=1, workers=3, memory_gb=1e-4), folder / "other")
    pd.testing.assert_frame_equal(run.table("textures"), other.table("textures"))


def test_its_progress_is_removed(run: Run) -> None:
    assert not (run.folder / "progress").exists()


def copied(folder: Path, target: Path) -> Path:
    shutil.copytree(folder / "photos", target / "photos")
    shutil.copytree(folder / "copies", target / "copies")
    return target


def test_a_single_pair_has_neither_a_chance_level_nor_a_wide_interval(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    for path in [*tmp_path.rglob("*.png")]:
        if path.stem != "00":
            path.unlink()
    rows = dissect(study(tmp_path), tmp_path / "run").table("textures")
    assert rows.chance.isna().all()
    assert (rows.pairs == 1).all()


def test_an_image_without_a_copy_is_named(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    (tmp_path / "copies" / "1" / "03.png").unlink()
    with pytest.raises(ImagesError, match=r"\[texture\] '1/03.png' has no copy in .*copies.* the same path"):
        dissect(study(tmp_path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_copy_without_an_image_is_named(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    for name in ("01", "03"):
        (tmp_path / "photos" / "1" / f"{name}.png").unlink()
    with pytest.raises(ImagesError, match=r"'1/01.png' is in .*copies but has no original in .* \(1 more have none\)"):
        dissect(study(tmp_path), tmp_path / "run")


def test_a_missing_folder_is_named_with_its_key(folder: Path) -> None:
    with pytest.raises(ImagesError, match=r"^texture.folder names .*nowhere, which does not exist"):
        dissect(study(folder, "nowhere"), folder / "failed")


def test_a_copy_that_cannot_be_decoded_is_named(folder: Path, tmp_path: Path) -> None:
    copied(folder, tmp_path)
    (tmp_path / "copies" / "0" / "02.png").write_bytes(b"no picture")
    with pytest.raises(ImagesError, match=r"copies/0/02.png cannot be decoded"):
        dissect(study(tmp_path), tmp_path / "run")
