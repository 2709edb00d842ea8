"""The control: dissected like the network under study, and compared with it, concept by concept."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from networks import planted
from worlds.planted_world import CONCEPTS, draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.attack.declare import AttackSection
from dissectory.analysis.experiments.control import work as control
from dissectory.analysis.experiments.control.declare import ControlSection
from dissectory.analysis.experiments.control.work import is_output, plan_control
from dissectory.analysis.experiments.texture.declare import TextureSection
from dissectory.analysis.measuring.passes import Pass
from dissectory.analysis.run import Run
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.study.study import Study

SOURCE = f"python:{planted.__file__}:build_moved"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control")
    draw(folder)
    (folder / "classes.txt").write_text("Barn\nn01234567 lake, tarn\nthree\nfour\nfive\nsix\nseven\neight\n")
    return folder


def controlled(folder: Path, source: str = SOURCE, weights: Path | None = None) -> Study:
    plain = study(folder, model={"classes": "classes.txt"})
    return dataclasses.replace(plain, experiments={"control": ControlSection(source, weights)})


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(controlled(folder), folder / "run")


@pytest.fixture(scope="module")
def alone(folder: Path) -> Run:
    """The control's network, dissected in a run of its own."""
    return dissect(study(folder, model={"source": SOURCE}), folder / "alone")


def test_a_control_does_not_change_the_tables_of_the_network(folder: Path, run: Run) -> None:
    plain = dissect(study(folder), folder / "plain")
    for name in ("units", "unit_concepts", "unit_images", "layers"):
        pd.testing.assert_frame_equal(run.table(name), plain.table(name))


def test_units_of_the_control_are_those_of_a_run_of_its_own(run: Run, alone: Run) -> None:
    pd.testing.assert_frame_equal(run.table("control_units"), alone.table("units"))
    pd.testing.assert_frame_equal(Run(run.folder / "control").table("unit_concepts"), alone.table("unit_concepts"))


def test_the_best_control_unit_of_each_concept_is_listed(run: Run, alone: Run) -> None:
    pairs = alone.table("unit_concepts").astype({"layer": str, "concept": str})
    table = run.table("control_concepts").astype({"concept": str})
    assert sorted(table.concept) == sorted(CONCEPTS)
    for row in table.to_dict("records"):
        highest = max(iou for name, iou in zip(pairs.concept, pairs.iou, strict=True) if name == row["concept"])
        assert row["iou"] == highest
        assert row["intersection"] / row["union"] == pytest.approx(row["iou"])
        at = pairs[(pairs.layer == row["layer"]) & (pairs.unit == row["unit"]) & (pairs.concept == row["concept"])]
        assert at.iou.tolist() == [highest]


def test_the_control_gets_neither_the_attack_nor_the_texture_experiment(folder: Path) -> None:
    asked = {"attack": AttackSection(), "texture": TextureSection(folder)}
    planned, _ = plan_control(dataclasses.replace(controlled(folder), experiments=asked), ControlSection(SOURCE))
    assert planned.experiments == {}


def test_a_concept_that_overlaps_with_no_control_unit_has_no_unit(folder: Path, tmp_path: Path) -> None:
    torch.save({"detectors.colors": torch.full((5, 3), 9.0)}, tmp_path / "blind.pt")
    wanted = controlled(folder, f"python:{planted.__file__}:build", tmp_path / "blind.pt")
    wanted = dataclasses.replace(wanted, dissection=dataclasses.replace(wanted.dissection, quantile=1e-6))
    table = dissect(wanted, tmp_path / "run").table("control_concepts")
    untouched = table[table.layer.isna()]
    assert len(untouched) > 0
    assert untouched.unit.isna().all()
    assert (untouched.iou == 0).all()


def test_concepts_that_were_labels_in_training_are_marked(run: Run) -> None:
    table = run.table("control_concepts").astype({"concept": str}).set_index("concept")
    assert table.output.to_dict() == {name: name in {"barn", "lake"} for name in CONCEPTS}


def test_without_names_of_outputs_no_concept_is_marked(folder: Path, tmp_path: Path) -> None:
    wanted = dataclasses.replace(study(folder), experiments={"control": ControlSection(SOURCE)})
    assert dissect(wanted, tmp_path / "run").table("control_concepts").output.isna().all()


@pytest.mark.parametrize(
    ("concept", "output", "same"),
    [
        ("tree", "tree", True),
        ("tree [ade, object]", "Tree", True),
        ("city street", "city-street", True),
        ("sky", "ski", False),
        ("street", "n06794110 street sign", False),
        ("street sign", "n06794110 street sign", True),
        ("barrow", "n02797295 barrow, garden cart", True),
    ],
)
def test_names_of_outputs_are_read_with_their_synonyms(concept: str, output: str, same: bool) -> None:
    assert is_output(concept, ["other", output]) is same


def test_the_manifest_describes_the_control(run: Run, folder: Path) -> None:
    manifest, beside = run.manifest, Run(folder / "run" / "control").manifest
    assert manifest.study["control"] == {"source": SOURCE}
    assert manifest.model["source"].endswith(":build")
    assert manifest.seconds["control"] >= beside.seconds["total"]
    assert sum(value for name, value in manifest.seconds.items() if name != "total") <= manifest.seconds["total"]
    assert "control" not in beside.study


def test_the_control_has_the_preprocessing_of_the_network(folder: Path) -> None:
    plain = controlled(folder)
    plain = dataclasses.replace(plain, images=dataclasses.replace(plain.photographs, resize=None, mean=None, std=None))
    planned, _ = plan_control(plain, ControlSection(SOURCE))
    assert (planned.photographs.size, planned.photographs.resize) == (32, 37)
    assert np.allclose(planned.photographs.mean or (), (0.485, 0.456, 0.406))
    assert planned.model.layers == ("detectors", "coarse")


class Stopped(Exception):  # noqa: N818 - stands for an interrupt
    pass


def test_a_run_that_was_interrupted_in_its_control_resumes(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(control, "_write_tables", stop)
        with pytest.raises(Stopped):
            dissect(controlled(folder), tmp_path / "run")

    def never(*_: object) -> None:
        raise AssertionError("images were shown to a network again")

    monkeypatch.setattr(Pass, "run", never)
    again = dissect(controlled(folder), tmp_path / "run")
    for name in ("units", "control_units", "control_concepts"):
        pd.testing.assert_frame_equal(again.table(name), run.table(name))
    assert not (tmp_path / "run" / "progress").exists()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("torchvison:resnet18", r"^\[control\] control\.source is 'torchvison:resnet18': unknown source"),
        (f"python:{planted.__file__}:biuld", r"^\[control\].*biuld"),
        ("python:nowhere.py:build", r"^\[control\] control\.source names the file .*nowhere\.py"),
        (f"python:{planted.__file__}:build_wide", r"^\[control\] layer 'detectors' gives 8 units of 16 x 16 cells in"),
    ],
)
def test_mistakes_are_found_before_the_long_work(folder: Path, tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(SubjectError, match=said):
        dissect(controlled(folder, source), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_flat_unit_is_the_best_of_no_concept() -> None:
    units = pd.DataFrame({"layer": ["a", "a"], "unit": [0, 1], "flat": [True, False]})
    pairs = pd.DataFrame(
        {"layer": ["a"] * 3, "unit": [0, 1, 0], "concept": ["sun", "sun", "sea"], "iou": [0.9, 0.2, 0.8]}
    )
    best = control._best_pairs(units, pairs)
    assert best["iou"].to_dict() == {"sun": 0.2}
    assert control._best_pairs(units.assign(flat=False), pairs)["iou"].to_dict() == {"sun": 0.9, "sea": 0.8}
