"""Dissections of real networks on a few real photographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from networks import squeezenet_places365
from reference import dissection as reference

from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.study.study import Study
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tables.catalog import all_tables

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

OPENED_UNITS = [0, 100, 502]
ON_DEMAND = {
    "control_units",
    "control_concepts",
    "unit_ablations",
    "ablation_curves",
    "unit_importance",
    "confusions",
    "detectors",
    "counterexamples",
    "artifacts",
    "artifact_removals",
    "generator_ablations",
    "insertions",
    "unit_effects",
    "ablation_pictures",
    "insertion_pictures",
    "ablation_trials",
    "paint_trials",
    "attacks",
    "attack_units",
    "attack_changes",
    "textures",
}
"""Tables of experiments that a study has to ask for."""


def some_of(source: Path, target: Path, every: int) -> Path:
    """Link every n-th file of a folder, with its sub-folders."""
    files = sorted(path for path in source.rglob("*") if path.suffix in {".jpg", ".png"})
    for path in files[::every]:
        link = target / path.relative_to(source)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return target


@pytest.fixture(scope="module")
def scenes(assets: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """SqueezeNet-Places365 on one in fifty scene photographs, with a segmenter, colors and parts."""
    network = assets / "classifiers" / "squeezenet_places365"
    folder = some_of(assets / "datasets/places_like/intel_scenes", tmp_path_factory.mktemp("scenes"), every=50)
    return Study.from_dict(
        {
            "model": {
                "source": f"python:{squeezenet_places365.__file__}:build",
                "weights": str(network / "weights.safetensors"),
                "classes": str(network / "classes.txt"),
                "layers": ["conv1", "fire9"],
            },
            "images": {
                "folder": str(folder),
                "size": 224,
                "resize": 256,
                "fit": "stretch",
                "mean": [116.67 / 255, 112.51 / 255, 104.05 / 255],
                "std": [1, 1, 1],
            },
            "concepts": {"sources": [f"onnx:{assets / 'segmenters/mosaic_ade20k31/model.onnx'}", "color", "parts"]},
        }
    )


@pytest.fixture(scope="module")
def run(scenes: Study, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return dissect(scenes, tmp_path_factory.mktemp("squeezenet"))


def test_counts_of_a_real_layer_match_the_definition(run: Run, scenes: Study) -> None:
    setting = open_setting(scenes)
    batch = next(setting.images.batches([range(30)]))
    planes = setting.vocabulary.label(batch)
    masks = np.stack([(planes == number + 1).any(axis=1) for number in range(len(setting.vocabulary))], axis=1)
    outputs = {}
    with watch(setting.model.module, ["fire9"], lambda name, output: outputs.update({name: output.clone()})):
        setting.model.module(setting.preprocessing.tensor(batch.views))
    maps = outputs["fire9"].detach().numpy()[:, OPENED_UNITS]
    touched = masks.any(axis=(0, 2, 3))
    expected = reference.dissect(maps, masks[:, touched], 0.01)
    units = run.table("units").query("layer == 'fire9'").set_index("unit").loc[OPENED_UNITS]
    np.testing.assert_allclose(units.threshold, expected.threshold, rtol=1e-5)
    np.testing.assert_array_equal(units.active, expected.active)
    pairs = run.table("unit_concepts").query("layer == 'fire9'").set_index(["unit", "concept"])
    keys = np.array(setting.vocabulary.keys)[touched]
    for row, unit in enumerate(OPENED_UNITS):
        mine = pairs.loc[unit].intersection.reindex(keys, fill_value=0)
        np.testing.assert_array_equal(mine, expected.intersection[row])


def test_the_person_unit_of_all_photographs_is_found_on_a_few(run: Run) -> None:
    # On all 1,500 photographs, unit 502 of fire9 is 'person' at IoU 0.188, the best object unit of the network.
    unit = run.table("units").query("layer == 'fire9' and unit == 502").iloc[0]
    persons = run.table("unit_concepts").query("layer == 'fire9' and concept == 'person'").set_index("unit").iou
    assert unit.matched
    assert persons.rank(ascending=False)[502] <= 10


def test_classes_with_an_output_of_their_own_are_scored(run: Run) -> None:
    classes = run.table("classes").set_index("class")
    assert classes.images.tolist() == [5] * 6
    assert classes.accuracy.notna()[["glacier", "mountain", "street"]].all()
    assert classes.accuracy.isna()[["buildings", "sea"]].all()  # Places365 has no such outputs


@pytest.mark.parametrize("name", [name for name in all_tables() if name not in ON_DEMAND])
def test_pandas_and_duckdb_read_the_same_tables(run: Run, name: str) -> None:
    path = run.table_path(name)
    frame = pd.read_parquet(path)
    with duckdb.connect() as connection:
        rows = connection.execute("select * from read_parquet(?)", [str(path)]).fetchall()
        names = [column[0] for column in connection.description or ()]
    assert len(rows) == len(frame)
    assert names == list(frame.columns) == [column.name for column in all_tables()[name].columns]
    assert len(frame) > 0
    described = pq.read_schema(path)
    for column in all_tables()[name].columns:
        metadata = described.field(column.name).metadata
        assert metadata[b"description"].decode() == column.meaning


def test_efficientnet_with_the_label_maps_of_camvid(assets: Path, tmp_path: Path) -> None:
    network = assets / "classifiers" / "efficientnet_lite0_imagenet"
    study = Study.from_dict(
        {
            "model": {
                "source": "timm:tf_efficientnet_lite0",
                "weights": str(network / "weights.safetensors"),
                "layers": ["blocks.2", "blocks.4"],
            },
            "images": {
                "folder": str(some_of(assets / "datasets/camvid/images", tmp_path / "images", every=20)),
                "classes": "none",
            },
            "concepts": {"sources": [f"masks:{assets / 'datasets/camvid/labels'}"]},
        }
    )
    run = dissect(study, tmp_path / "run")
    layers = run.table("layers").set_index("layer")
    assert not run.has("classes")
    assert (layers.matched_units > 0).all()
    concepts = run.table("concepts").set_index("concept")
    assert len(concepts) == 11
    share = concepts.pixels / (run.manifest.images * run.manifest.grid**2)
    # Every 20th frame, its middle: near the shares of the whole data set (road 31.7 %, building 23.3, sky 16.9).
    assert share["road"] == pytest.approx(0.317, abs=0.08)
    assert share["building"] == pytest.approx(0.233, abs=0.08)
    assert share["sky"] == pytest.approx(0.169, abs=0.08)
    assert share["pole"] == pytest.approx(0.010, abs=0.01)
