"""The whole dissection, from files to tables, on a network whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import torch
from networks import planted
from PIL import Image
from reference import dissection as reference
from worlds.planted_world import CONCEPTS, GRID, IMAGES, LAYERS, QUANTILE, draw, study

from dissectory.analysis.experiments import passes
from dissectory.analysis.experiments.dissection import dissect
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(study(folder), folder / "run")


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, reference.Reference]:
    paths = sorted((folder / "photos").rglob("*.png"))
    views = np.stack([np.asarray(Image.open(path)) for path in paths])
    x = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
    labels = np.stack([np.asarray(Image.open(folder / "labels" / path.name)) for path in paths])
    at_centres = labels[:, 1::2, 1::2]  # the pixel just right of and below a cell's centre
    masks = np.stack([at_centres == index + 1 for index in range(len(CONCEPTS))], axis=1)
    fine = planted.Detectors()(x)
    coarse = torch.nn.functional.avg_pool2d(fine, 3, stride=2)
    return {
        name: reference.dissect(maps.numpy(), masks, QUANTILE)
        for name, maps in (("detectors", fine), ("coarse", coarse))
    }


def units_of(run: Run, layer: str) -> pd.DataFrame:
    units = run.table("units")
    return units[units.layer == layer].set_index("unit").sort_index()


def test_every_planted_unit_gets_its_concept(run: Run) -> None:
    units = units_of(run, "detectors")
    assert units.concept[:5].tolist() == CONCEPTS
    assert units.matched[:5].all()
    assert (units.iou[:5] > 0.5).all()
    assert not units.matched[6:].any()


@pytest.mark.parametrize("layer", LAYERS)
def test_tables_equal_the_definition(run: Run, truth: dict[str, reference.Reference], layer: str) -> None:
    expected, units = truth[layer], units_of(run, layer)
    np.testing.assert_allclose(units.threshold, expected.threshold, rtol=1e-6)
    np.testing.assert_array_equal(units.active, expected.active)
    np.testing.assert_allclose(units.iou, expected.iou.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(units.active_fraction, expected.active / (IMAGES * GRID**2), rtol=1e-6)
    pairs = run.table("unit_concepts")
    pairs = pairs[pairs.layer == layer]
    assert len(pairs) == (expected.intersection > 0).sum()
    for row in pairs.to_dict("records"):
        at = row["unit"], CONCEPTS.index(row["concept"])
        assert row["intersection"] == expected.intersection[at]
        assert row["union"] == expected.union[at]
        assert row["iou"] == pytest.approx(expected.iou[at], abs=1e-6)


def test_dead_and_constant_units_have_no_label(run: Run) -> None:
    units = units_of(run, "detectors")
    assert units.active[7] == 0
    assert pd.isna(units.concept[7])
    assert units.iou[7] == 0


@pytest.mark.parametrize("layer", LAYERS)
def test_sprites_light_exactly_the_counted_positions(
    run: Run, truth: dict[str, reference.Reference], layer: str
) -> None:
    pictures = run.manifest.pictures
    index = int(run.table("layers").set_index("layer")["index"][layer])
    images = run.table("unit_images")
    for unit in range(6):
        mask = np.asarray(Image.open(run.folder / pictures.mask(pictures.unit(index, unit))))
        for row in images[(images.layer == layer) & (images.unit == unit)].to_dict("records"):
            top, left = (place * pictures.tile for place in divmod(row["rank"], pictures.columns))
            step = pictures.tile // GRID
            cells = mask[top + step // 2 : top + pictures.tile : step, left + step // 2 : left + pictures.tile : step]
            np.testing.assert_array_equal(cells[..., 3] == 0, truth[layer].lit[row["image"], unit])


def test_results_do_not_depend_on_batch_workers_or_passes(folder: Path, run: Run, tmp_path: Path) -> None:
    # So little memory that a pass takes three units.
    small = {"batch": 4, "workers": 1, "memory_gb": 3 * 232 * 10 * 1.5 * 1.4 / 1e9}
    again = dissect(study(folder, compute=small), tmp_path / "again")
    for name in ("layers", "concepts", "unit_concepts", "unit_images", "unit_histograms", "concept_images", "images"):
        pd.testing.assert_frame_equal(again.table(name), run.table(name))
    # Means are sums of floats: their last bit may depend on the order.
    pd.testing.assert_frame_equal(again.table("units"), run.table("units"), rtol=1e-6)


def test_a_pilot_changes_nothing_even_where_it_guesses_too_boldly(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    plain = passes.Passes.run

    def counted(self: passes.Passes, blocks: list[passes.Block], *rest: object, **more: object) -> object:
        rows.append(len(blocks))
        return plain(self, blocks, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(passes.Passes, "run", counted)
    monkeypatch.setattr(passes, "PILOT_IMAGES", 2)
    for share, expected in ((20, [2]), (0.2, [2, 2])):
        rows.clear()
        monkeypatch.setattr(passes, "PILOT_SHARE", share)
        again = dissect(study(folder), tmp_path / str(share))
        assert rows == expected
        for name in ("units", "unit_concepts", "unit_images"):
            pd.testing.assert_frame_equal(again.table(name), run.table(name))


def test_tables_are_sorted_by_their_keys(run: Run) -> None:
    for name in ("units", "unit_concepts", "unit_images", "concepts"):
        frame = run.table(name)
        keys = {"units": ["layer", "unit"], "unit_images": ["layer", "unit", "rank"], "concepts": ["concept"]}
        by = keys.get(name, ["layer", "unit", "concept"])
        plain = frame.astype({key: str for key in by if frame[key].dtype == "category"})
        pd.testing.assert_frame_equal(plain, plain.sort_values(by, ignore_index=True))


def test_classes_of_images_without_an_output_are_listed_without_scores(run: Run) -> None:
    classes = run.table("classes")
    assert classes["class"].tolist() == ["even", "odd"]
    assert classes.images.tolist() == [15, 15]
    assert classes.accuracy.isna().all()


@pytest.mark.parametrize("answer", ["tensor", "logits", "attribute", "tuple", "map"])
def test_scores_are_found_in_what_networks_answer(answer: str) -> None:
    scores = torch.eye(3)
    answers = {
        "tensor": scores,
        "logits": {"loss": None, "logits": scores},
        "attribute": SimpleNamespace(logits=scores),
        "tuple": (scores, torch.zeros(3, 8)),
        "map": torch.zeros(3, 8, 4, 4),
    }
    found = passes.scores_of(answers[answer])
    assert found is None if answer == "map" else found is scores


def test_a_network_of_nothing_but_nan_is_refused(folder: Path, tmp_path: Path) -> None:
    changed = {"source": f"python:{planted.__file__}:build_broken", "layers": ["detectors"]}
    with pytest.raises(SubjectError, match="no activation of detectors is a finite number"):
        dissect(study(folder, model=changed), tmp_path / "run")
