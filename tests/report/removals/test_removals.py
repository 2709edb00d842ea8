"""What a classifier loses without its units, as pages tell it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.many_classes import make_many_classes

from dissectory.report.core.home import home_page
from dissectory.report.removals.class_page import class_page
from dissectory.report.removals.classes import classes_page
from dissectory.report.removals.curve_charts import class_curve
from dissectory.report.removals.detectors import Detectors
from dissectory.report.removals.importance_charts import (
    detector_density,
    interpretability_by_importance,
    interpretability_by_led,
)
from dissectory.report.removals.needs import headline, layer_needs, unit_needs
from dissectory.report.removals.reading import Curve, Removals
from dissectory.report.site import Site

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.report.core.findings import Findings


@pytest.fixture(scope="module")
def site(hostile: Run) -> Site:
    return Site(hostile)


@pytest.fixture(scope="module")
def findings(site: Site) -> Findings:
    return site.findings


@pytest.fixture(scope="module")
def many_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make_many_classes(tmp_path_factory.mktemp("many") / "run", classes=40, units=48, each=5)


@pytest.fixture(scope="module")
def many(many_run: Run) -> Removals:
    found = Removals.read(Site(many_run))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def removals(site: Site) -> Removals:
    found = site.reading(Removals)
    assert found is not None
    return found


def test_a_class_s_page_tells_what_the_tables_say(site: Site, hostile: Run, removals: Removals) -> None:
    name = "ski resort 🎿"
    number = [one.name for one in removals.classes].index(name)
    page = class_page(site, removals, number)
    assert page.href == "classes/ski-resort.html"
    table, curves = (
        hostile.table("unit_ablations"),
        hostile.table("ablation_curves").set_index(["layer", "class", "mode", "units"]),
    )
    assert [at.layer for at in page.layers] == [ablation.layer for ablation in hostile.manifest.ablations]
    for at in page.layers:
        rows = table[(table["layer"] == at.layer) & (table["class"] == name) & (table["split"] == "reporting")]
        ranked = rows.sort_values("rank")
        assert [row.chip.unit for row in at.units] == ranked.unit[: len(at.units)].tolist()
        assert [chip.unit for chip in at.cards] == ranked.unit[:8].tolist()
        first = ranked.iloc[0]
        assert at.units[0].drop == f"{-100 * first['drop']:+.1f} %"
        confused = hostile.table("confusions")
        mine = confused[(confused["layer"] == at.layer) & (confused["class"] == name)]
        assert at.most == len(at.units)
        for row in at.mistakes:
            assert [int(images) for images in row.images] == [
                int(mine[(mine.units == size) & (mine.taken_as == row.name)].images.sum()) for size in at.removed
            ]
        assert at.chart is not None
        unchanged = float(curves.balanced_accuracy[at.layer, name, "remove", 0])
        assert f"{100 * unchanged:.3g} % with all units" in at.chart.says
    assert "goes from 90 %" in page.answer


def test_a_unit_that_was_not_removed_says_so(site: Site, removals: Removals) -> None:
    rows = [
        row
        for number in range(len(removals.classes))
        for at in class_page(site, removals, number).layers
        for row in at.units
    ]
    last = [row for row in rows if (row.chip.layer, row.chip.unit) == ("fire4", 23)]
    assert [row.drop for row in last] == ["", ""]  # among the most important of two classes
    assert all(row.drop for row in rows if row not in last)


def shared_units(removals: Removals, layer: int, number: int) -> list[tuple[int, int]]:
    """Look at every other class: how many of its most important units are also this one's."""
    of = removals.losses[layer]
    own = {need.place for need in of[number].needs}
    counts = [(other, len(own & {need.place for need in loss.needs})) for other, loss in of.items() if other != number]
    return sorted([pair for pair in counts if pair[1]], key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize("source", ["removals", "many"])
def test_classes_that_share_units_are_those_found_by_looking_at_all(
    source: str, request: pytest.FixtureRequest
) -> None:
    found: Removals = request.getfixturevalue(source)
    for layer in found.layers:
        for number in found.losses[layer]:
            every = shared_units(found, layer, number)
            assert found.sharing(layer, number, len(found.classes)) == every
            assert found.sharing(layer, number, 6) == every[:6]
    lonely = {
        layer: {number: dataclasses.replace(loss, needs=()) for number, loss in of.items()}
        for layer, of in found.losses.items()
    }
    assert dataclasses.replace(found, losses=lonely).sharing(found.layers[0], 0, 6) == []


def test_each_class_has_the_numbers_of_its_own_rows(many_run: Run, many: Removals) -> None:
    (layer,) = many.layers
    classes, curves, confusions = (many_run.table(name) for name in ("classes", "ablation_curves", "confusions"))
    for number, one in enumerate(many.classes):
        row = classes[(classes["class"] == one.name) & (classes["split"] == "reporting")].iloc[0]
        assert (one.recall, one.precision, one.balanced_accuracy) == (
            row["recall"], row["precision"], row["balanced_accuracy"]
        )  # fmt: skip
        loss = many.losses[layer][number]
        for mode, curve in (("remove", loss.remove), ("keep", loss.keep)):
            rows = curves[(curves["class"] == one.name) & (curves["mode"] == mode)].sort_values("units")
            assert curve is not None
            assert list(curve.sizes) == rows["units"].tolist()
            for name in ("accuracy", "everything", "random", "random_low", "random_high"):
                column = {"accuracy": "balanced_accuracy", "everything": "all_class_accuracy"}.get(name, name)
                assert getattr(curve, name).tolist() == rows[column].astype(float).tolist()
        for size, pairs in loss.taken.items():
            rows = confusions[(confusions["class"] == one.name) & (confusions["units"] == size)]
            assert dict(pairs) == dict(zip(rows["taken_as"], rows["images"], strict=True))
            assert [images for _, images in pairs] == sorted(rows["images"], reverse=True)


def test_the_headline_is_the_mean_over_classes(
    bare: Run, site: Site, hostile: Run, findings: Findings, removals: Removals
) -> None:
    told = headline(site)
    assert told is not None
    curves = hostile.table("ablation_curves")
    for row in told.rows:
        of = curves[(curves["layer"] == row.layer) & (curves["mode"] == "remove")]
        for size, cell in zip((0, 4, 20), row.cells, strict=False):
            rows = of[of["units"] == size]
            if len(rows):
                assert cell.startswith(f"{100 * rows.balanced_accuracy.mean():.3g} %")
            else:
                assert not cell
    assert "mean over 3 classes" in told.says
    unknown = {
        layer: {
            number: dataclasses.replace(loss, remove=None if number else loss.remove) for number, loss in of.items()
        }
        for layer, of in removals.losses.items()
    }
    few = headline(Site(site.run, findings, dataclasses.replace(removals, losses=unknown)))
    assert few is not None
    assert "mean over 1 class;" in few.says
    assert home_page(site).headline == told
    assert home_page(Site(bare)).headline is None


def test_a_unit_s_page_names_the_classes_that_need_it(
    bare: Run, site: Site, hostile: Run, findings: Findings, removals: Removals
) -> None:
    layer = removals.layers[-1]
    needs = unit_needs(site, findings.layers[layer].first + 3)
    assert needs is not None
    table = hostile.table("unit_ablations")
    rows = table[
        (table["layer"] == findings.layers[layer].name) & (table["unit"] == 3) & (table["split"] == "reporting")
    ].sort_values("rank")
    assert [(row.name, row.rank) for row in needs.classes] == [
        (name, rank + 1) for name, rank in zip(rows["class"], rows["rank"], strict=True)
    ]
    assert needs.says == "The unit is among the 20 most important units of 3 classes."
    assert len(needs.detectors) == 2
    assert unit_needs(site, 0) is None
    assert unit_needs(Site(bare), 3) is None


def test_a_unit_s_page_says_of_how_many_classes_it_tells(many_run: Run, many: Removals) -> None:
    (layer,), site = many.layers, Site(many_run)
    first = site.findings.layers[layer].first
    table = many_run.table("unit_ablations")
    among = table[(table["split"] == "reporting") & (table["rank"] < 20)].groupby("unit").size()
    told = []
    for unit in range(48):
        needs = unit_needs(site, first + unit)
        count = int(among.get(unit, 0))
        assert needs is not None
        assert len(needs.classes) == min(8, count)
        assert f"units of {count} classes" in needs.says or count < 2
        assert ("the 8 with the highest rank are shown" in needs.says) == (count > 8)
        told.append(count)
    assert max(told) > 8
    lost = dataclasses.replace(many, needed={}, sharers={})
    none = unit_needs(Site(many_run, lost), first)
    assert none is not None
    assert none.says == "The unit is among the 20 most important units of no class."


def test_densities_are_shares_of_both_sets(site: Site) -> None:
    detectors = site.reading(Detectors)
    assert detectors is not None
    one = next(iter(detectors.of_unit.values()))[0]
    chart = detector_density(one)
    data = json.loads(chart.data)
    assert (data["inside"], data["outside"]) == (list(one.inside), list(one.outside))
    assert str(chart.rows).count("<tr>") == sum(1 for pair in zip(one.inside, one.outside, strict=True) if any(pair))
    flat = dataclasses.replace(one, low=1.0, high=1.0, threshold=1.0)
    assert "NaN" not in detector_density(flat).marks


def test_curves_may_have_few_sizes_and_no_random_sets() -> None:
    nothing = np.full(3, np.nan)
    curve = Curve((0, 1, 2), np.array([1.0, 0.75, 0.5]), np.array([1.0, 0.9, 0.8]), nothing, nothing, nothing)
    chart = class_curve("a <b>", "layer", curve, None)
    assert "nan" not in chart.marks.lower()
    assert "not known" not in chart.says
    assert "Chance level is 50 %" in chart.says
    assert str(chart.rows).count("<tr>") == 3


def test_importance_is_grouped_from_the_most_important(site: Site, removals: Removals) -> None:
    importance, iou = np.arange(70.0), np.linspace(0.2, 0.0, 70)
    chart = interpretability_by_importance(importance, iou, "drop")
    assert chart is not None
    assert "-1.00" in chart.says
    points = json.loads(chart.data)["points"]
    assert [point[2] for point in points] == [32, 32, 6]
    assert points[0][0] == pytest.approx(importance[38:].mean())
    assert points[0][1] == pytest.approx(iou[38:].mean(), abs=1e-5)
    assert interpretability_by_importance(np.full(3, np.nan), iou[:3], "drop") is None
    led = json.loads(interpretability_by_led(np.array([0, 0, 2, 9]), np.array([0.1, 0.3, 0.2, 0.5])).data)
    assert (led["names"], led["units"]) == (["0", "2", "6 or more"], [2, 1, 1])
    assert led["means"] == [0.2, 0.2, 0.5]
    assert layer_needs(site, removals.layers[0]) is not None
    assert layer_needs(site, 0) is None


def test_the_list_of_classes_leads_to_their_pages(site: Site) -> None:
    page = classes_page(site)
    assert page is not None
    assert [row.name for row in page.rows] == sorted({row.name for row in page.rows})
    assert {row.href for row in page.rows if row.name == "ski resort 🎿"} == {"classes/ski-resort.html"}
    assert {row.href for row in page.rows if row.name == "unknown to the network"} == {""}


def test_the_list_of_classes_tells_what_each_has_and_loses(many_run: Run) -> None:
    page = classes_page(Site(many_run))
    assert page is not None
    classes = many_run.table("classes")
    whole = classes[classes["split"] == "all"].set_index("class")
    curves = many_run.table("ablation_curves")
    removed = curves[curves["mode"] == "remove"].set_index(["class", "units"])["balanced_accuracy"].astype(float)
    assert [row.name for row in page.rows] == list(whole.index)
    assert [name for name, _ in page.head] == [
        "balanced accuracy", "without 20 units", "recall", "precision", "accuracy"
    ]  # fmt: skip
    for row in page.rows:
        change = removed[row.name, 20] - removed[row.name, 0]
        shown = [f"{100 * whole[name][row.name]:.1f} %" for name in ("balanced_accuracy", "recall", "precision")]
        assert [row.cells[place][0] for place in (0, 2, 3)] == shown
        assert row.cells[1][0] == (f"{100 * change:+.1f} %" if abs(change) > 0.0005 else "0 %")
        assert float(row.cells[1][1]) == pytest.approx(-change, abs=1e-6)
        assert row.images == whole["images"][row.name]
    assert f"{100 * whole['balanced_accuracy'].mean():.1f}".removesuffix(".0") in page.answer


def test_the_list_of_classes_tells_of_losses_only_what_was_measured(many_run: Run, many: Removals) -> None:
    layer = many.layers[-1]
    few = {
        number: dataclasses.replace(loss, remove=_up_to(loss.remove, 4) if number else None)
        for number, loss in many.losses[layer].items()
    }
    page = classes_page(Site(many_run, dataclasses.replace(many, losses={layer: few})))
    assert page is not None
    assert page.head[1][0] == "without 4 units"
    assert [row.name for row in page.rows if row.cells[1] == ("", "-9")] == [many.classes[0].name]
    none = {number: dataclasses.replace(loss, remove=None) for number, loss in few.items()}
    page = classes_page(Site(many_run, dataclasses.replace(many, losses={layer: none})))
    assert page is not None
    assert len(page.head) == len(page.rows[0].cells) == 4


def _up_to(curve: Curve | None, most: int) -> Curve:
    assert curve is not None
    return dataclasses.replace(curve, sizes=tuple(size for size in curve.sizes if size <= most))


def test_a_run_without_removals_has_none(bare: Run) -> None:
    assert Removals.read(Site(bare)) is None
    assert Detectors.read(Site(bare)) is None
