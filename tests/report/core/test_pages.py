from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.report.core.concept import concept_page, concepts_page
from dissectory.report.core.data import data_page
from dissectory.report.core.home import BEST, home_page
from dissectory.report.core.layer import layer_page
from dissectory.report.core.unit import Fact, UnitPage, unit_page, unit_pages
from dissectory.report.removals.classes import classes_page
from dissectory.report.site import Site

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.report.core.findings import Findings


def changed(site: Site, place: int, **values: float) -> UnitPage:
    """The page of a unit with other numbers."""
    findings, columns = site.findings, {}
    for name, value in values.items():
        columns[name] = getattr(findings.units, name).copy()
        columns[name][place] = value
    other = dataclasses.replace(findings, units=dataclasses.replace(findings.units, **columns))
    return unit_page(Site(site.run, other), place)


@pytest.fixture(scope="module")
def site(hostile: Run) -> Site:
    return Site(hostile)


@pytest.fixture(scope="module")
def findings(site: Site) -> Findings:
    return site.findings


def test_a_matched_unit_is_named_with_its_evidence(site: Site, findings: Findings) -> None:
    place = int(np.argmax(findings.units.iou))
    car = next(concept.row for concept in findings.concepts if concept.name == "car")
    numbers = {"concept": car, "iou": 0.1634, "iou_low": 0.14, "iou_high": 0.18, "q_value": 0.0002}
    page = changed(site, place, **numbers)
    assert page.answer == "Cars, probably."
    assert page.remark == "Its IoU with car is 0.163, above the IoU threshold of 0.04."
    assert page.evidence == "0.140 to 0.180, q < 0.001"
    few = "fewer than 1 in 1,000"
    assert page.certainty == (
        "The 95 % confidence interval of the IoU, over images of the same kind, is 0.140 to 0.180.",
        f"This label is more than chance: of all labels with a q-value as low, {few} are expected to be false.",
    )
    assert not page.chip.doubtful


def test_a_match_that_chance_could_make_is_called_into_question(site: Site, findings: Findings) -> None:
    place = int(np.argmax(findings.units.iou))
    page = changed(site, place, q_value=0.3)
    assert page.answer.endswith(", perhaps.")
    assert "chance" in page.remark
    assert page.certainty[1].startswith("This label may be chance: ")
    assert "about 30 in 100" in page.certainty[1]
    assert page.chip.doubtful


def test_an_interval_stands_on_the_bar_of_the_label_alone(site: Site, findings: Findings) -> None:
    place = int(np.argmax(findings.units.iou))
    page = changed(site, place, iou_low=0.0, iou_high=9.0)
    assert page.runners[0].spread == page.chip.spread == "--l:0.0%;--h:100.0%"
    assert {runner.spread for runner in page.runners[1:]} == {""}


def test_what_was_not_measured_is_said(bare: Run) -> None:
    page = unit_page(Site(bare), 2)
    assert page.evidence == "this run has no confidence intervals and no tests against chance"
    assert page.certainty == ()
    assert page.chip.spread == ""
    assert "Best by IQR" not in [fact.name for fact in page.facts]


def test_what_a_unit_tells_most_of_stands_with_its_threshold(site: Site, findings: Findings) -> None:
    sky = next(concept.row for concept in findings.concepts if concept.name == "sky")
    page = changed(site, 1, iqr=0.1234, iqr_concept=sky, iqr_threshold=2.5)
    assert Fact("Best by IQR", "sky", "information quality ratio 0.123, at the threshold 2.5") in page.facts
    none = changed(site, 1, iqr=0.0, iqr_concept=-1, iqr_threshold=np.nan)
    assert Fact("Best by IQR", "none", "it has no information about any concept") in none.facts


def test_a_unit_below_the_cut_names_the_closest_concept(site: Site) -> None:
    page = unit_page(site, 2)
    assert page.answer == "None of the concepts."
    assert page.runners[0].concept.name in page.remark


def test_a_dead_unit_has_empty_parts(site: Site) -> None:
    page = unit_page(site, 0)
    assert page.answer == "Nothing."
    assert (page.label, page.gallery, page.histogram, page.runners) == (None, None, None, ())
    assert page.same_layer == page.other_layers == ()


def test_a_flat_unit_says_so_and_is_above_no_threshold(site: Site, findings: Findings) -> None:
    place = int(np.argmax(findings.units.iou))
    assert unit_page(site, place).runners[0].above
    page = changed(site, place, flat=True, concept=-1, iou=0, matched=False)
    assert page.answer == "Unknown."
    assert page.remark == (
        "The unit is flat: around its threshold, its activations differ by no more than rounding. Where it is active "
        "depends on the device, so it has no label."
    )
    assert page.label is None
    assert not any(runner.above for runner in page.runners)


def test_a_unit_without_images_has_no_gallery_and_no_picture_elsewhere(site: Site) -> None:
    page = unit_page(site, 1)
    assert page.gallery is None
    assert page.chip.sprite == ""
    assert page.runners


def test_units_lead_to_the_units_beside_them_in_their_layer(site: Site, findings: Findings) -> None:
    pages = list(unit_pages(site))
    for layer in findings.layers:
        assert pages[layer.first].before is None
        assert pages[layer.last - 1].after is None
        middle = pages[layer.first + 1]
        assert (middle.before, middle.after) == (pages[layer.first].chip, pages[layer.first + 2].chip)


def test_runners_are_the_best_concepts_and_know_the_cut(site: Site, findings: Findings) -> None:
    for place, page in enumerate(unit_pages(site)):
        ious = findings.pairs.of(place)["iou"]
        assert len(page.runners) == min(8, len(ious))
        assert [runner.above for runner in page.runners] == [bool(iou > findings.iou_threshold) for iou in ious[:8]]


def test_a_layer_without_a_match_says_what_came_closest(site: Site, findings: Findings) -> None:
    page = layer_page(site, 0)
    assert page.bars is None
    assert page.answer == "None of the concepts."
    assert page.remark.startswith("No unit of this layer has an IoU above 0.04; the highest IoU is ")
    assert len(page.rows) == findings.layers[0].units


def test_a_layers_bars_count_its_matched_units(site: Site, findings: Findings, hostile: Run) -> None:
    units = hostile.table("units")
    for number in (1, 2):
        layer = findings.layers[number]
        page = layer_page(site, number)
        assert page.bars is not None
        matched = units[(units["layer"] == layer.name) & units["matched"]]
        assert page.bars.rows.count("<tr>") == matched["concept"].nunique()
        assert f"{len(matched)} of {layer.units} units match" in page.remark
        sure = int((matched["q_value"] <= 0.05).sum())
        assert 0 < sure < len(matched)
        assert f", {sure} of these units more than chance." in page.remark


def test_the_first_page_shows_one_unit_for_each_concept(site: Site, findings: Findings) -> None:
    best = home_page(site).best
    names = [chip.concept for chip in best]
    assert len(set(names)) == len(names) <= BEST
    sure = findings.units.matched & ~findings.units.doubtful
    assert float(best[0].iou) == pytest.approx(findings.units.iou[sure].max(), abs=0.001)


def test_the_first_page_shows_what_could_be_chance_last(site: Site) -> None:
    best = home_page(site).best
    assert [chip.doubtful for chip in best] == sorted(chip.doubtful for chip in best)


def test_the_first_page_counts_what_is_beyond_chance(site: Site, hostile: Run, bare: Run) -> None:
    page, units = home_page(site), hostile.table("units")
    sure = units[units["matched"] & (units["q_value"] <= 0.05)]
    assert f", {len(sure)} of them more than chance." in page.remark
    assert [row.beyond for row in page.layers] == [str((sure["layer"] == row.layer.name).sum()) for row in page.layers]
    page = home_page(Site(bare))
    assert "chance" not in page.remark
    assert [row.beyond for row in page.layers] == [""]


def test_a_run_that_matches_nothing_says_so(bare: Run) -> None:
    page = home_page(Site(bare))
    assert page.answer == "None of the concepts."
    assert page.best == ()


def test_a_concept_lists_its_units_best_first(site: Site, findings: Findings) -> None:
    for concept in findings.concepts:
        page = concept_page(site, concept)
        orders = [float(row.order) for row in page.detectors]
        assert orders == sorted(orders, reverse=True)
        own = sum(row.own and row.chip.matched for row in page.detectors)
        assert own == site.matched[concept.row]
        if own:
            assert page.answer.startswith(f"{own} unit")
        doubts = sum(row.own and row.chip.matched and row.chip.doubtful for row in page.detectors)
        assert ("may be chance" in page.remark) == (doubts > 0)
        assert all(bool(row.spread) == bool(row.q_value) == row.own for row in page.detectors)


def test_a_concept_that_no_image_shows_has_no_gallery(site: Site, findings: Findings) -> None:
    page = concept_page(site, findings.concepts[-1])
    assert findings.concepts[-1].images > 0 or page.gallery is None


def test_the_list_of_concepts_holds_all(site: Site, findings: Findings) -> None:
    page = concepts_page(site)
    assert {row.concept.name for row in page.rows} == {concept.name for concept in findings.concepts}
    assert sum(row.units for row in page.rows) == int(findings.units.matched.sum())


def test_classes_keep_what_is_not_known_empty(site: Site) -> None:
    page = classes_page(site)
    assert page is not None
    unknown = next(row for row in page.rows if row.name == "unknown to the network")
    assert {cell for cell, _ in unknown.cells} == {""}


def test_no_page_of_classes_without_classes(bare: Run) -> None:
    assert classes_page(Site(bare)) is None


def test_the_data_page_describes_every_table_of_the_run(hostile: Run, bare: Run) -> None:
    assert {table.name for table in data_page(Site(hostile)).tables} - {
        table.name for table in data_page(Site(bare)).tables
    } == {
        "classes",
        "gallery",
        "gallery_concepts",
        "control_units",
        "control_concepts",
        "unit_ablations",
        "unit_importance",
        "ablation_curves",
        "confusions",
        "detectors",
    }
    for table in data_page(Site(hostile)).tables:
        assert int(table.rows.replace(",", "")) == len(hostile.table(table.name))
