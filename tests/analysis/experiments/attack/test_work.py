"""An attack on the embedded classifier: the tables agree with the attacked images, which are kept as tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from dissectory.analysis.demo.networks import MEAN, SIZE, STD, trained_classifier
from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.analysis.demo.write import write_world
from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.attack import carlini_wagner
from dissectory.analysis.experiments.attack import work as attack
from dissectory.analysis.experiments.attack.paths import TENSORS, picture
from dissectory.analysis.experiments.attack.work import important_units
from dissectory.analysis.experiments.class_ablation.tables import UNIT_ABLATIONS
from dissectory.analysis.run import Run
from dissectory.analysis.study.study import Study
from dissectory.analysis.tables.catalog import all_tables
from dissectory.errors import StudyError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMAGES = 5


@pytest.fixture(scope="module", autouse=True)
def quickly() -> Any:  # noqa: ANN401 - a fixture that cleans up
    """Take few steps: the attacks are weaker and faster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carlini_wagner, "STEPS", 25)
        patch.setattr(carlini_wagner, "SEARCHES", 3)
        patch.setattr(carlini_wagner, "STEP_SIZE", 0.05)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attack")
    write_world(folder / "world", 20, 0)
    (folder / "classes.txt").write_text("\n".join(SCENES))
    return folder


def study(folder: Path, **section: object) -> Study:
    return Study.from_dict(
        {
            "model": {
                "source": "python:dissectory.analysis.demo.networks:trained_classifier",
                "layers": ["conv5", "conv6"],
                "classes": "classes.txt",
            },
            "images": {
                "folder": "world/images",
                "size": SIZE,
                "resize": SIZE,
                "mean": [MEAN] * 3,
                "std": [STD] * 3,
            },
            "concepts": {"sources": ["color"]},
            "dissection": {"grid": 12, "top_images": 1, "pairings": 0},
            "attack": {"images": IMAGES, **section},
        },
        base=folder,
    )


@pytest.fixture(scope="module")
def ranked() -> dict[int, frozenset[int]]:
    """Made-up important units of all classes but one."""
    return {output: frozenset({output, output + 1, 50}) for output in range(len(SCENES) - 1)}


@pytest.fixture(scope="module")
def run(folder: Path, ranked: dict[int, frozenset[int]]) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack, "important_units", lambda *_arguments: ranked)
        return dissect(study(folder), folder / "run")


@pytest.fixture(scope="module")
def tensors(run: Run) -> dict[str, np.ndarray]:
    return dict(load_file(run.folder / TENSORS))


def seen(pictures: np.ndarray, layer: str = "conv6") -> tuple[np.ndarray, np.ndarray]:
    """Return the scores and peak activations of images, 0..1."""
    network, peaks = trained_classifier().eval(), []
    network.get_submodule(layer).register_forward_hook(lambda _module, _inputs, maps: peaks.append(maps.amax((2, 3))))
    with torch.no_grad():
        scores = network((torch.from_numpy(pictures) - MEAN) / STD)
    return scores.numpy().astype(np.float64), peaks[0].numpy()


def text(run: Run, name: str) -> pd.DataFrame:
    frame = run.table(name)
    return frame.astype({column.name: str for column in all_tables()[name].columns if column.kind == "name"})


def test_correctly_predicted_images_are_changed_into_their_targets(run: Run, tensors: dict[str, np.ndarray]) -> None:
    table, images = text(run, "attacks"), text(run, "images").set_index("image")
    assert len(table) == IMAGES
    assert table.success.all()
    assert table.source.tolist() == images["class"][table.image].tolist()
    before, _ = seen(tensors["originals"].astype(np.float32) / 255)
    after, _ = seen(tensors["changed"])
    assert [SCENES[best] for best in before.argmax(axis=1)] == table.source.tolist()
    assert [SCENES[best] for best in after.argmax(axis=1)] == table.target.tolist()
    assert tensors["images"].tolist() == table.image.tolist()


def test_the_target_is_the_most_likely_other_class_with_ranked_units(
    run: Run, tensors: dict[str, np.ndarray], ranked: dict[int, frozenset[int]]
) -> None:
    before, _ = seen(tensors["originals"].astype(np.float32) / 255)
    for row, scores in zip(text(run, "attacks").to_dict("records"), before, strict=True):
        order = [SCENES[output] for output in np.argsort(-scores) if output in ranked]
        assert row["target"] == next(name for name in order if name != row["source"])


def test_distances_and_confidence_are_those_of_the_kept_pictures(run: Run, tensors: dict[str, np.ndarray]) -> None:
    table = text(run, "attacks")
    after, _ = seen(tensors["changed"])
    for place, row in enumerate(table.to_dict("records")):
        added = tensors["changed"][place].astype(np.float64) - tensors["originals"][place] / 255
        assert row["distance"] == pytest.approx(np.sqrt(sum(value**2 for value in added.ravel())), rel=1e-6)
        powers = np.exp(after[place])
        assert row["target_after"] == pytest.approx(powers[SCENES.index(row["target"])] / powers.sum(), rel=1e-3)
        assert row["source_after"] == pytest.approx(powers[SCENES.index(row["source"])] / powers.sum(), rel=1e-3)
        sizes = np.sort(np.abs(added).ravel())
        fits = round(0.995 * (len(sizes) - 1))
        assert row["amplification"] == pytest.approx(0.5 / sizes[fits], rel=0.01)
        assert 0 < row["distance"] < 5
    assert (table.target_before < table.source_before).all()
    assert (table.target_after > table.source_after).all()


def test_the_pictures_show_the_measured_images(run: Run, tensors: dict[str, np.ndarray]) -> None:
    table = text(run, "attacks")
    for place, row in enumerate(table.to_dict("records")):
        read = {
            kind: np.asarray(Image.open(run.folder / picture(row["image"], kind)).convert("RGB"))
            for kind in ("", "changed", "difference")
        }
        assert (read[""].transpose(2, 0, 1) == tensors["originals"][place]).all()
        assert np.abs(read["changed"].transpose(2, 0, 1) / 255 - tensors["changed"][place]).max() < 0.51 / 255
        added = tensors["changed"][place] - tensors["originals"][place] / 255
        shown = (0.5 + row["amplification"] * added).clip(0, 1)
        assert np.abs(read["difference"].transpose(2, 0, 1) / 255 - shown).max() < 0.51 / 255
        assert {read["difference"].min(), read["difference"].max()} & {0, 255}
        assert 0.002 < np.mean((shown == 0) | (shown == 1)) < 0.006


def test_changes_of_units_are_those_of_the_kept_pictures(
    run: Run, tensors: dict[str, np.ndarray], ranked: dict[int, frozenset[int]]
) -> None:
    units, attacks = text(run, "attack_units"), text(run, "attacks").set_index("image")
    _, before = seen(tensors["originals"].astype(np.float32) / 255)
    _, after = seen(tensors["changed"])
    assert set(units.layer) == {"conv6"}
    assert len(units) == IMAGES * before.shape[1]
    place = {image: number for number, image in enumerate(tensors["images"].tolist())}
    for row in units.to_dict("records"):
        at = place[row["image"]], row["unit"]
        assert row["peak"] == pytest.approx(before[at], rel=1e-4, abs=1e-5)
        assert row["attacked_peak"] == pytest.approx(after[at], rel=1e-4, abs=1e-5)
        source, target = (SCENES.index(attacks[name][row["image"]]) for name in ("source", "target"))
        if source in ranked and target in ranked:
            assert (row["of_target"], row["of_source"]) == (
                row["unit"] in ranked[target],
                row["unit"] in ranked[source],
            )
        else:
            assert row["of_target"] is row["of_source"] is None


def test_groups_and_their_intervals_equal_a_slow_reference(run: Run) -> None:
    units, changes = text(run, "attack_units"), text(run, "attack_changes").set_index("group")
    assert changes.index.tolist() == ["all", "other", "source", "target"]
    belongs: dict[str, Callable[[dict[Any, Any]], bool]] = {
        "target": lambda row: bool(row["of_target"]),
        "source": lambda row: bool(row["of_source"]),
        "other": lambda row: row["of_target"] is not None and not (row["of_target"] or row["of_source"]),
        "all": lambda _row: True,
    }
    rows = units.to_dict("records")
    for name, is_in in belongs.items():
        by_image: dict[int, list[float]] = {}
        for row in rows:
            if is_in(row):
                by_image.setdefault(row["image"], []).append(abs(row["attacked_peak"] - row["peak"]))
        means = [sum(values) / len(values) for values in by_image.values()]
        mean = sum(means) / len(means)
        error = (sum((value - mean) ** 2 for value in means) / (len(means) - 1) / len(means)) ** 0.5
        found = changes.loc[name]
        assert found.images == len(means)
        assert (found.change, found.low, found.high) == pytest.approx(
            (mean, mean - 2.58 * error, mean + 2.58 * error), rel=1e-4
        )
    assert changes.images["target"] <= changes.images["all"] == IMAGES


def test_the_same_study_gives_the_same_attack(folder: Path, run: Run) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attack, "important_units", lambda *_arguments: {})
        first, second = (dissect(study(folder, images=2), folder / name) for name in ("first", "second"))
    for name in ("attacks", "attack_units", "attack_changes"):
        pd.testing.assert_frame_equal(first.table(name), second.table(name))
    assert set(first.table("attacks").image) <= set(run.table("attacks").image)


def test_without_ranked_units_only_the_group_of_all_units_is_measured(folder: Path) -> None:
    table = text(dissect(study(folder, images=1, layer="conv5"), folder / "plain"), "attack_changes").set_index("group")
    assert set(table.layer) == {"conv5"}
    assert table.images.to_dict() == {"all": 1, "other": 0, "source": 0, "target": 0}
    assert table.change.isna().to_dict() == {"all": False, "other": True, "source": True, "target": True}
    assert table[["low", "high"]].isna().all().all()


def test_important_units_are_those_of_the_lowest_rank(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert important_units(run, SCENES, "conv6", 2) == {}
    rows = [
        {"layer": layer, "unit": unit, "class": name, "split": split, "rank": rank}
        for split in ("ranking", "reporting")
        for layer, name, ranks in (
            ("conv6", "forest", (2, 0, 1)),
            ("conv6", "beach", (None, None, None)),
            ("conv6", "no output", (0, 1, 2)),
            ("conv5", "beach", (0, 1, 2)),
        )
        for unit, rank in enumerate(ranks)
    ]
    unknown = {"images": 0, "others": 0}
    table = UNIT_ABLATIONS
    run.write_table(table, {one.name: [{**unknown, **row}.get(one.name) for row in rows] for one in table.columns})
    assert important_units(run, SCENES, "conv6", 2) == {SCENES.index("forest"): {1, 2}}
    assert important_units(run, SCENES, "conv5", 1) == {SCENES.index("beach"): {0}}


def test_a_target_can_be_given(folder: Path) -> None:
    table = text(dissect(study(folder, images=4, target="forest"), folder / "given"), "attacks")
    assert set(table.target) == {"forest"}
    assert "forest" not in set(table.source)
    assert len(table) == 4


def test_an_image_whose_attack_failed_is_unchanged(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carlini_wagner, "STEPS", 1)
        patch.setattr(carlini_wagner, "SEARCHES", 1)
        run = dissect(study(folder, images=2), folder / "failed")
    table, changes = text(run, "attacks"), text(run, "attack_changes")
    assert not table.success.any()
    assert table.distance.eq(0).all()
    assert table.amplification.isna().all()
    assert changes.images.eq(0).all()
    tensors = load_file(run.folder / TENSORS)
    assert np.array_equal(tensors["changed"], tensors["originals"].astype(np.float32) / 255)


def test_wrongly_predicted_images_are_not_attacked(folder: Path, tmp_path: Path) -> None:
    (folder / "turned.txt").write_text("\n".join([*SCENES[1:], SCENES[0]]))
    values = study(folder).to_dict()
    values["model"]["classes"] = "turned.txt"
    said: list[str] = []
    run = dissect(Study.from_dict(values, base=folder), tmp_path / "run", Listening(said))
    assert not run.has("attacks")
    assert said == ["No image is attacked, because the network predicts none of them correctly."]


class Listening:
    """Progress that records its lines."""

    def __init__(self, said: list[str]) -> None:
        self.say = said.append

    def stage(self, *arguments: Any, **more: Any) -> Any:  # noqa: ANN401 - as in `Silent`
        return Silent().stage(*arguments, **more)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"layer": "conv7"}, r"attack.layer names 'conv7', which is not one of the layers .*'conv6'"),
        ({"layer": "conv1"}, r"attack.layer names 'conv1'"),
        ({"target": "forrest"}, r"attack.target is 'forrest', which is not an output of the network; .*'forest'"),
    ],
)
def test_a_mistake_is_found_before_the_work_begins(folder: Path, section: dict[str, str], told: str) -> None:
    with pytest.raises(StudyError, match=told):
        dissect(study(folder, **section), folder / "mistaken")
    assert not (folder / "mistaken").exists()


def test_a_target_needs_names_of_outputs(folder: Path) -> None:
    values = study(folder, target="forest").to_dict()
    del values["model"]["classes"]
    with pytest.raises(StudyError, match=r"the outputs have no names: list them in the file model\.classes"):
        dissect(Study.from_dict(values, base=folder), folder / "mistaken")
