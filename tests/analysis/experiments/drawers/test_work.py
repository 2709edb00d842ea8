"""Units of a generator as detectors of their labels, on a generator in which it is known what each unit generates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from networks import drawing_generator as drawing
from PIL import Image
from worlds.drawn_world import IMAGES, levels, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.drawers.paths import counterexamples as counterexamples_path
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

COVERED = 0.05 * drawing.CELLS**2
SUN = [unit for unit, thing in enumerate(drawing.THINGS) if thing == "sun"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("drawers")
    return dissect(study(folder), folder / "run")


def areas() -> np.ndarray:
    """Count the cells that show each concept `(image, concept)`."""
    cells: np.ndarray = drawing.shows(levels()).sum(dim=(2, 3)).numpy()
    return cells


def test_balanced_accuracy_and_area_match_a_search_over_all_thresholds_and_pairs(run: Run) -> None:
    peaks, units = levels().clamp(min=0).numpy(), run.table("units").set_index("unit")
    rows = run.table("detectors").set_index("unit")
    assert sorted(rows.index) == sorted(units.index[units.matched])
    for unit, row in rows.iterrows():
        drawn = areas()[:, drawing.CONCEPTS.index(row["positives"])] > COVERED
        peak = peaks[:, int(str(unit))]
        best = max(((peak[drawn] > t).mean() + (peak[~drawn] <= t).mean()) / 2 for t in peak)
        higher = [(one > other) + (one == other) / 2 for one in peak[drawn] for other in peak[~drawn]]
        assert (row["kind"], row["positives"]) == ("concept", units.concept.to_dict()[unit])
        assert (row["images"], row["others"]) == (drawn.sum(), IMAGES - drawn.sum())
        assert row["balanced_accuracy"] == pytest.approx(best, abs=1e-6)
        assert row["area"] == pytest.approx(np.mean(higher), abs=1e-6)


def test_counterexamples_are_generated_by_other_units(run: Run) -> None:
    peaks, found = levels().clamp(min=0).numpy(), run.table("counterexamples")
    for unit, row in run.table("detectors").set_index("unit").iterrows():
        number = int(str(unit))
        area = areas()[:, drawing.CONCEPTS.index(row["positives"])]
        missed = [
            image for image in range(IMAGES) if area[image] > COVERED and peaks[image, number] <= row["threshold"]
        ]
        missed.sort(key=lambda image: (-area[image], image))
        rows = found[found.unit == unit]
        assert rows.image.tolist() == missed[:5]
        assert rows["rank"].tolist() == list(range(len(rows)))
        assert rows.pixels.tolist() == area[rows.image].tolist()
        assert rows.peak.tolist() == pytest.approx(peaks[rows.image, number], abs=1e-6)
        assert (run.folder / counterexamples_path(0, number)).is_file() == (len(rows) > 0)
    assert set(SUN) <= set(found.unit)  # two units generate the sun


def test_the_only_unit_of_a_concept_has_area_one_and_no_counterexample(run: Run) -> None:
    fog = drawing.THINGS.index("fog")
    row = run.table("detectors").set_index("unit").loc[fog]
    assert row["area"] == row["balanced_accuracy"] == 1
    assert fog not in set(run.table("counterexamples").unit)


def test_pictures_of_counterexamples_show_their_images(run: Run) -> None:
    found, tile = run.table("counterexamples"), Pictures().tile
    rows = found[found.unit == SUN[0]]
    strip = np.asarray(Image.open(run.folder / counterexamples_path(0, SUN[0])).convert("RGB"))
    assert strip.shape == (tile, 5 * tile, 3)
    for rank, image in enumerate(rows.image):
        cell = tile // drawing.CELLS
        shown = strip[cell // 2 :: cell, rank * tile + cell // 2 : (rank + 1) * tile : cell].astype(int)
        sun = drawing.shows(levels())[image, drawing.CONCEPTS.index("sun")].numpy()
        assert np.abs(shown[sun] - [255, 255, 0]).max() < 90


def test_a_concept_on_all_images_or_none_has_no_detector(tmp_path: Path) -> None:
    found = dissect(study(tmp_path, latents={"count": 1}), tmp_path / "run")
    assert not found.has("detectors")
