"""The whole dissection, from files to tables, on a network whose results are known in advance."""

from __future__ import annotations

import contextlib
import os
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

from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring import parts
from dissectory.analysis.measuring.order import batches
from dissectory.analysis.measuring.parts import scores_of
from dissectory.analysis.subjects import images
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tally import chance
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run
    from dissectory.analysis.tally.upsampling import Upsampler


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(study(folder), folder / "run")


@pytest.fixture(scope="module")
def masks(folder: Path) -> np.ndarray:
    """Return the masks of the concepts `(image, concept, row, column)`."""
    paths = sorted((folder / "photos").rglob("*.png"))
    labels = np.stack([np.asarray(Image.open(folder / "labels" / path.name)) for path in paths])
    at_centers = labels[:, 1::2, 1::2]  # the pixel just right of and below a cell's center
    return np.stack([at_centers == index + 1 for index in range(len(CONCEPTS))], axis=1)


@pytest.fixture(scope="module")
def truth(folder: Path, masks: np.ndarray) -> dict[str, reference.Reference]:
    paths = sorted((folder / "photos").rglob("*.png"))
    views = np.stack([np.asarray(Image.open(path)) for path in paths])
    x = torch.from_numpy(views).permute(0, 3, 1, 2).float() / 255
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


def ious(lit: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Compute the IoU of each unit and concept, from `lit` `(image, unit, ...)` and `masks` `(image, concept, ...)`."""
    both = np.einsum("nuhw,nchw->uc", lit.astype(int), masks.astype(int))
    either = lit.sum(axis=(0, 2, 3))[:, None] + masks.sum(axis=(0, 2, 3)) - both
    found: np.ndarray = both / np.maximum(either, 1)
    return found


def test_labels_are_tested_against_the_label_maps_of_other_images(
    run: Run, truth: dict[str, reference.Reference], masks: np.ndarray
) -> None:
    check_tested(run, truth, masks, step=1)


def test_a_fine_grid_is_tested_at_some_of_its_positions(
    folder: Path,
    tmp_path: Path,
    truth: dict[str, reference.Reference],
    masks: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chance, "PAIRED_SIDE", GRID // 3)
    check_tested(dissect(study(folder), tmp_path / "run"), truth, masks, step=3)


def check_tested(run: Run, truth: dict[str, reference.Reference], masks: np.ndarray, step: int) -> None:
    visit = [image for batch in batches(IMAGES, 7) for image in batch]
    p = []
    for layer in ("coarse", "detectors"):
        lit = truth[layer].lit[visit][..., step // 2 :: step, step // 2 :: step]
        shown = masks[visit][..., step // 2 :: step, step // 2 :: step]
        null = [ious(lit, np.roll(shown, -move, axis=0)).max(axis=1) for move in range(1, IMAGES)]
        observed = ious(lit, shown).max(axis=1)
        p.append(chance.p_values(np.where(units_of(run, layer).concept.isna(), np.nan, observed), np.array(null)))
    q = chance.q_values(np.concatenate(p))
    np.testing.assert_allclose(run.table("units").q_value, q, rtol=1e-6)  # IMAGES - 1 pairings are all there are
    assert (units_of(run, "detectors").q_value[:5] < 0.05).all()
    layers = run.table("layers").set_index("layer")
    units = run.table("units")
    significant = units[units.matched & (units.q_value <= 0.05)].groupby("layer", observed=True).size()
    assert layers.matched_significant.to_dict() == significant.to_dict()


@pytest.mark.parametrize("layer", LAYERS)
def test_intervals_equal_those_of_all_images_together(
    run: Run, truth: dict[str, reference.Reference], masks: np.ndarray, layer: str
) -> None:
    units, lit = units_of(run, layer), truth[layer].lit
    labelled = units.concept.notna().to_numpy()
    best = np.array([CONCEPTS.index(name) for name in units.concept[labelled]])
    mine = lit[:, labelled]
    bootstrap = chance.Bootstrap(len(best))
    weights = chance.poisson_weights(range(IMAGES), chance.REPLICATES, 0)
    areas = masks[:, best]
    bootstrap.observe(weights, (mine & areas).sum(axis=(2, 3)), mine.sum(axis=(2, 3)), areas.sum(axis=(2, 3)))
    low, high = bootstrap.interval()
    np.testing.assert_allclose(units.iou_low[labelled], low, rtol=1e-6)
    np.testing.assert_allclose(units.iou_high[labelled], high, rtol=1e-6)
    assert units.iou_low[~labelled].isna().all()
    assert (units.iou_low[labelled] <= units.iou[labelled]).all()
    assert (units.iou[labelled] <= units.iou_high[labelled]).all()


def test_without_pairings_nothing_is_tested(folder: Path, tmp_path: Path) -> None:
    made = dissect(study(folder, dissection={"pairings": 0}), tmp_path / "run")
    assert made.table("units").q_value.isna().all()
    assert made.table("layers").matched_significant.isna().all()
    assert made.table("units").iou_low.notna().any()


def test_dead_and_constant_units_have_no_label(run: Run) -> None:
    units = units_of(run, "detectors")
    assert units.active[7] == 0
    assert pd.isna(units.concept[7])
    assert units.iou[7] == 0


@pytest.mark.parametrize("layer", LAYERS)
def test_masks_of_sprites_show_exactly_the_counted_positions(
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


def tables_of(run: Run) -> dict[str, pd.DataFrame]:
    return {name: run.table(name) for name in all_tables() if run.has(name)}


def check_same(run: Run, other: Run, *, names: Collection[str] = ()) -> None:
    """Check that two runs have the same tables, bit for bit."""
    one, two = tables_of(run), tables_of(other)
    assert list(one) == list(two)
    for name in names or one:
        pd.testing.assert_frame_equal(one[name], two[name], check_exact=True)


@pytest.mark.parametrize("compute", [{"workers": 1}, {"workers": 4}, {"memory_gb": 1e-9}, {"memory_gb": 1e-3}])
def test_tables_depend_neither_on_workers_nor_on_memory(
    folder: Path, run: Run, tmp_path: Path, compute: dict[str, object]
) -> None:
    check_same(dissect(study(folder, compute=compute), tmp_path / "again"), run)


def test_only_means_and_pairings_depend_on_the_batch(folder: Path, run: Run, tmp_path: Path) -> None:
    again = dissect(study(folder, compute={"batch": 4}), tmp_path / "again")
    check_same(again, run, names={*all_tables()} - {"units", "classes"} & {*tables_of(run)})
    one, other = (made.table("units").drop(columns="q_value") for made in (again, run))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


def test_tables_do_not_depend_on_the_order_on_disk(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.scandir

    @contextlib.contextmanager
    def backwards(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with listed(path) as entries:
            yield sorted(entries, key=lambda entry: entry.name, reverse=True)

    monkeypatch.setattr(images, "os", SimpleNamespace(scandir=backwards))
    check_same(dissect(study(folder), tmp_path / "again"), run)


@pytest.mark.parametrize("bold", [(12, 1), (1, 2), (0.3, 3), (1e-9, 4)], ids=str)
def test_bounds_that_are_too_high_cost_more_passes_and_change_no_result(
    folder: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bold: tuple[float, int]
) -> None:
    share, passes = bold

    def guessed(maps: torch.Tensor, _total: int, quantile: float, upsampler: Upsampler, _threads: int) -> np.ndarray:
        values = maps.swapaxes(0, 1).flatten(1).numpy()
        level = np.quantile(values, max(1 - share * quantile, 0), axis=1).astype(np.float32)
        bound: np.ndarray = np.maximum(np.nextafter(level, np.float32(-np.inf)), upsampler.floor(values.min(axis=1)))
        return bound

    monkeypatch.setattr(parts, "first_bound", guessed)
    again = dissect(study(folder), tmp_path / "again")
    assert again.manifest.model["passes"] == passes
    check_same(again, run)


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
def test_scores_are_found_in_the_answers_of_networks(answer: str) -> None:
    scores = torch.eye(3)
    answers = {
        "tensor": scores,
        "logits": {"loss": None, "logits": scores},
        "attribute": SimpleNamespace(logits=scores),
        "tuple": (scores, torch.zeros(3, 8)),
        "map": torch.zeros(3, 8, 4, 4),
    }
    found = scores_of(answers[answer])
    assert found is None if answer == "map" else found is scores


@pytest.mark.parametrize(("build", "told"), [("build_repeating", "2 times"), ("build_skipping", "0 times")])
def test_a_layer_that_is_not_called_once_per_batch_is_refused(
    folder: Path, tmp_path: Path, build: str, told: str
) -> None:
    changed = {"source": f"python:{planted.__file__}:{build}", "layers": ["detectors"]}
    with pytest.raises(SubjectError, match=f"layer 'detectors' was called {told}, not once, for the 7 images from '"):
        dissect(study(folder, model=changed), tmp_path / "run")


def test_a_network_that_draws_random_numbers_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="returns different outputs for the same inputs"):
        dissect(study(folder, model={"source": f"python:{planted.__file__}:build_noisy"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_network_without_finite_activations_is_refused(folder: Path, tmp_path: Path) -> None:
    changed = {"source": f"python:{planted.__file__}:build_broken", "layers": ["detectors"]}
    with pytest.raises(SubjectError, match="no activation of detectors is a finite number"):
        dissect(study(folder, model=changed), tmp_path / "run")
