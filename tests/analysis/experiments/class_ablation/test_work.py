"""The ablation of a classifier from a study to tables, on a network whose results are known."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from networks import dependent
from PIL import Image
from reference import ablation as reference

from dissectory.analysis.dissection import dissect
from dissectory.analysis.study.study import Study
from dissectory.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

CLASSES = ("ant", "bee", "cat", "dog")
EACH = 8
OUTPUTS = (*CLASSES, "none")
LAYER = "network.units"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of four classes in their folders, and of a class that the network does not know."""
    folder = tmp_path_factory.mktemp("dependent")
    classes = torch.arange(EACH * (len(CLASSES) + 1)) % (len(CLASSES) + 1)
    unknown = classes == len(CLASSES)
    pictures = dependent.gray(torch.where(unknown, -1, classes))
    for number, (place, picture) in enumerate(zip(classes.tolist(), pictures, strict=True)):
        path = folder / "pictures" / (*CLASSES, "yak")[place] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        gray = (picture * 255).round().to(torch.uint8).numpy()
        Image.fromarray(np.repeat(gray[..., None], 3, axis=2)).save(path)
    (folder / "outputs.txt").write_text("\n".join(OUTPUTS), encoding="utf-8")
    return folder


def study(folder: Path, **ablation: Any) -> Study:  # noqa: ANN401 - any keys
    return Study.from_dict(
        {
            "model": {
                "source": f"python:{dependent.__file__}:build_pictured",
                "layers": [LAYER],
                "classes": "outputs.txt",
            },
            "images": {"folder": "pictures", "size": 20, "resize": 20, "mean": [0, 0, 0], "std": [1, 1, 1]},
            "concepts": {"sources": ["color"]},
            "dissection": {"grid": 4, "pairings": 0, "top_images": 1},
            "compute": {"batch": 7},
            "ablation": ablation,
        },
        base=folder,
    )


@pytest.fixture(scope="module")
def run(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return dissect(study(world), tmp_path_factory.mktemp("run"))


def test_the_units_that_a_class_depends_on_rank_first(run: Run) -> None:
    found = run.table("unit_ablations")
    for place, name in enumerate(CLASSES):
        rows = found[(found["class"] == name) & (found["split"] == "reporting")].sort_values("rank")
        planted = dependent.units_of(place)
        assert set(rows.unit[:3]) == planted
        np.testing.assert_allclose(rows["drop"], [0.5] * 3 + [0] * (dependent.UNITS - 3), atol=1e-6)
    importance = run.table("unit_importance").set_index("unit")
    for unit in range(dependent.UNITS):
        planted_for = sum(unit in dependent.units_of(place) for place in range(len(CLASSES)))
        assert importance.mean_drop[unit] == pytest.approx(0.5 * planted_for / len(CLASSES))
        assert importance.classes_led[unit] >= planted_for
    assert importance.classes_led.sum() == 4 * len(CLASSES)


def test_chance_level_without_these_units_and_full_accuracy_with_only_these(run: Run) -> None:
    curves = run.table("ablation_curves").set_index(["class", "mode", "units"]).sort_index()
    for name in CLASSES:
        accuracy = curves.balanced_accuracy.loc[name]
        assert accuracy["remove"].tolist() == [1] + [0.5] * dependent.UNITS
        assert accuracy["keep"].tolist() == [0.5] * 3 + [1] * (dependent.UNITS - 2)
        assert curves.all_class_accuracy.loc[name]["remove", 3] == pytest.approx(0.75)
        assert 0.5 < curves.random.loc[name]["remove", 5] < 1
    confusions = run.table("confusions").set_index(["class", "units", "taken_as"]).images
    assert confusions.to_dict() == {
        (name, units, name if units == 0 else "none"): EACH // 2 for name in CLASSES for units in (0, 4, 20)
    }


def test_splits_are_halves_of_every_class(run: Run) -> None:
    classes = run.table("classes").set_index(["class", "split"])
    for name in CLASSES:
        assert classes.images[name].to_dict() == {"all": EACH, "ranking": EACH // 2, "reporting": EACH // 2}
        assert classes.balanced_accuracy[name].tolist() == [1, 1, 1]
    assert classes.images["yak"].to_dict() == {"all": EACH}
    (told,) = run.manifest.ablations
    assert (told.layer, told.mode, told.classes) == (LAYER, "linear", "folders")
    assert (told.ranking, told.reporting) == (20, 20)


def test_detectors_are_those_of_the_definition(run: Run, world: Path) -> None:
    paths = sorted((world / "pictures").rglob("*.png"))
    views = torch.stack([torch.from_numpy(np.asarray(Image.open(path)).copy()) for path in paths])
    network = dependent.build_pictured()
    with torch.no_grad():
        x = views.permute(0, 3, 1, 2).float() / 255
        scores = network(x).softmax(dim=1).numpy()
        cells = x.mean(dim=1).unfold(1, 4, 4).unfold(2, 4, 4).reshape(len(x), 25, 4, 4)[:, : dependent.UNITS]
        peaks = network.network.units(cells).amax(dim=(2, 3)).numpy()
    found = run.table("detectors")
    assert set(found.kind) == {"class", "concept"}
    for row in found[found.kind == "class"].to_dict("records"):
        own = [path.parent.name == row["positives"] for path in paths]
        threshold, taken, right, accuracy = reference.detector(peaks[:, row["unit"]].tolist(), own)
        assert (row["taken"], row["right"]) == (taken, right)
        assert row["threshold"] == pytest.approx(threshold)
        assert row["balanced_accuracy"] == pytest.approx(accuracy)
        mine, share = peaks[:, row["unit"]], scores[:, CLASSES.index(row["positives"])]
        assert row["correlation"] == pytest.approx(np.corrcoef(mine, share)[0, 1], abs=1e-5)
    for place, name in enumerate(CLASSES):
        told = found[(found.kind == "class") & (found.positives == name)].set_index("unit")
        assert all(told.area[unit] == 1 for unit in dependent.units_of(place))


def test_one_class_may_stand_for_several_outputs(world: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.csv"
    rows = [("output", "class"), ("ant", "ant"), ("bee", "ant"), ("cat", "cat"), ("none", "yak")]
    with mapping.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    run = dissect(study(world, classes=str(mapping)), tmp_path / "run")
    classes = run.table("classes").set_index(["class", "split"])
    assert classes.images.loc[:, "reporting"].to_dict() == {"ant": 4, "cat": 4, "yak": 4}
    assert (classes.taken["ant", "all"], classes.right["ant", "all"]) == (2 * EACH, EACH)  # taken are the bees too
    found = run.table("unit_ablations")
    for name, place in (("ant", 0), ("cat", 2)):
        rows_of = found[(found["class"] == name) & (found["split"] == "ranking")].sort_values("rank")
        assert set(rows_of.unit[:3]) == dependent.units_of(place)
    assert run.manifest.ablations[0].classes == "mapping"
    assert set(run.table("confusions").taken_as) == {"ant", "cat", "yak"}


def test_the_network_s_own_predictions_may_be_the_classes(world: Path, tmp_path: Path) -> None:
    run = dissect(study(world, classes="predicted", curves=["none"]), tmp_path / "run")
    classes = run.table("classes").set_index(["class", "split"])
    assert classes.images.loc[:, "all"].to_dict() == dict.fromkeys([*CLASSES, "none", "yak"], EACH)
    curves = run.table("ablation_curves")
    assert curves[(curves["class"] == "none") & (curves["mode"] == "keep")].units.tolist() == [*range(21)]
    assert curves[curves["class"] == "ant"].units.tolist() == [0, 1, 2, 3, 4, 5] * 2


def test_the_same_tables_for_any_number_of_workers(run: Run, world: Path, tmp_path: Path) -> None:
    values = study(world).to_dict()
    values = {**values.pop("study"), **values, "compute": {"batch": 7, "workers": 4, "memory_gb": 1e-6}}
    again = dissect(Study.from_dict(values, base=world), tmp_path / "run")
    for name in ("unit_ablations", "ablation_curves", "unit_importance", "confusions", "detectors", "classes"):
        pd.testing.assert_frame_equal(run.table(name), again.table(name))


@pytest.mark.parametrize(
    ("ablation", "told"),
    [
        ({"layers": ["network.unit"]}, "'network.unit', which is not one of the layers.*network.units"),
        ({"classes": "nowhere.csv"}, "this file does not exist; it must be 'folders', 'predicted' or a CSV file"),
        ({"classes": "outputs.txt"}, "must be a CSV file with the columns output and class"),
        ({"classes": "empty.csv"}, "has no rows"),
        ({"classes": "output.csv"}, "the output 'cart', and the network does not have.*cat"),
        ({"classes": "class.csv"}, "the class 'anthill', and no folder of images has this name.*ant"),
        ({"classes": "two.csv"}, "two classes for the output 'ant'"),
        ({"curves": ["ape"]}, "'ape', which is not a class that images can have"),
        ({"curves": ["yak"]}, "'yak', which is not a class that images can have"),
        ({"curves": ["ape"], "classes": "predicted"}, "'ape', which is not a class that images can have"),
    ],
)
def test_a_mistake_is_named(world: Path, tmp_path: Path, ablation: dict[str, Any], told: str) -> None:
    files = {"empty": "", "output": "cart,ant\n", "class": "ant,anthill\n", "two": "ant,ant\nant,bee\n"}
    for name, rows in files.items():
        (world / f"{name}.csv").write_text(f"output,class\n{rows}", encoding="utf-8")
    with pytest.raises(StudyError, match=told):
        dissect(study(world, **ablation), tmp_path / "run")


def test_images_without_classes_are_an_error(world: Path, tmp_path: Path) -> None:
    values = study(world).to_dict()
    values["images"]["classes"] = "none"
    with pytest.raises(StudyError, match="not in folders that name their classes; use 'predicted'"):
        dissect(Study.from_dict(values, base=world), tmp_path / "run")
    values["images"]["classes"] = "folders"
    del values["model"]["classes"]
    with pytest.raises(StudyError, match=r"no output of the network has the name of a folder \(ant, bee, cat"):
        dissect(Study.from_dict(values, base=world), tmp_path / "run")
