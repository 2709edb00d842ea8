"""The tables of an ablation: every ratio follows from the counts beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from networks import dependent

from dissectory.analysis.experiments.class_ablation.cache import FeatureCache
from dissectory.analysis.experiments.class_ablation.columns import ablation_curves, detectors, unit_ablations
from dissectory.analysis.experiments.class_ablation.images import SplitImages
from dissectory.analysis.experiments.class_ablation.plan import plan_removal
from dissectory.analysis.experiments.class_ablation.sets import remove_random_sets, remove_sets
from dissectory.analysis.experiments.class_ablation.tables import ABLATION_CURVES, DETECTORS, UNIT_ABLATIONS
from dissectory.analysis.experiments.class_ablation.units import remove_units
from dissectory.analysis.run import Run
from dissectory.analysis.subjects.rest import find_rest
from dissectory.analysis.tables.catalog import all_tables
from dissectory.analysis.tally.outcomes import Grouping, halves
from dissectory.analysis.tally.separation import Peaks

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

NAMES = {0: "attic", 1: "barn", 3: "coast"}
FIRST, LAST = range(8), range(8, 16)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    module = dependent.build("linear")
    classes = np.arange(16) % dependent.CLASSES
    inputs = dependent.pictures(torch.from_numpy(classes))
    plan = plan_removal(find_rest(module, "units", inputs), inputs)

    def batches() -> list[tuple[np.ndarray, torch.Tensor]]:
        return [(np.array(part), inputs[list(part)]) for part in (FIRST, LAST)]

    images = SplitImages(batches, classes, halves(classes, 0), Grouping.alike(module(inputs).shape[1]))
    cache = FeatureCache(plan.tail, images, 1e9)
    found = remove_units(plan, images, cache=cache)
    orders = {output: found.order(output) for output in NAMES}
    curves = remove_sets(cache, orders, (1, 3, 7))
    random = remove_random_sets(cache, (1, 3), seed=0)
    folder: Path = tmp_path_factory.mktemp("run")
    written = Run(folder)
    written.write_table(UNIT_ABLATIONS, unit_ablations("units", found, NAMES))
    written.write_table(ABLATION_CURVES, ablation_curves("units", curves, random, NAMES))
    separation = Peaks(found.peaks).separation(classes == 1)
    written.write_table(DETECTORS, detectors("units", "class", "barn", separation))
    return written


def balanced(table: pd.DataFrame) -> np.ndarray:
    wrong = table["taken"] - table["right"]
    rates: np.ndarray = ((table["right"] / table["images"] + 1 - wrong / table["others"]) / 2).to_numpy(float)
    return rates


@pytest.mark.parametrize(
    ("name", "rows"), [("unit_ablations", 20 * 3 * 2), ("ablation_curves", 3 * 2 * 3), ("detectors", 20)]
)
def test_ratios_follow_from_counts(run: Run, name: str, rows: int) -> None:
    table = run.table(name)
    assert len(table) == rows
    assert not table.duplicated(list(all_tables()[name].key)).any()
    np.testing.assert_allclose(table["balanced_accuracy"], balanced(table), rtol=1e-6)


def test_each_unit_has_its_own_numbers(run: Run) -> None:
    table = run.table("unit_ablations").query("split == 'reporting'")
    for output, name in NAMES.items():
        of = table[table["class"] == name].set_index("unit")
        assert set(of.index[of["drop"] > 0]) == dependent.units_of(output)
        assert (of["images"] == 2).all()
        assert (of["others"] == 6).all()


def test_each_curve_has_its_own_numbers(run: Run) -> None:
    table = run.table("ablation_curves")
    for name in NAMES.values():
        of = table[table["class"] == name]
        removed, kept = of[of["mode"] == "remove"], of[of["mode"] == "keep"]
        assert removed["units"].tolist() == kept["units"].tolist() == [1, 3, 7]
        assert removed["balanced_accuracy"].tolist() == [0.5, 0.5, 0.5]
        assert kept["balanced_accuracy"].tolist() == [0.5, 1.0, 1.0]
        assert removed["all_class_accuracy"].tolist()[:2] == [0.75, 0.75]
        assert removed["random"].isna().tolist() == [False, False, True]
        assert (of["random_low"].dropna() <= of["random"].dropna()).all()


def test_detectors_find_the_units_of_their_class(run: Run) -> None:
    table = run.table("detectors").set_index("unit")
    assert set(table.index[table["area"] == 1]) == dependent.units_of(1)
    assert (table["image_bins"].str.split().map(lambda bins: sum(map(int, bins))) == table["images"]).all()
    assert (table["other_bins"].str.split().map(lambda bins: sum(map(int, bins))) == table["others"]).all()
