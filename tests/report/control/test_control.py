"""The control's view: both networks, concept by concept and layer by layer, as the tables have them."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.report.control import charts as paired
from dissectory.report.control.page import ControlPage, control_page
from dissectory.report.control.reading import Control
from dissectory.report.core.findings import DissectedConcept, Layer
from dissectory.report.core.home import home_page
from dissectory.report.core.layer import layer_page
from dissectory.report.site import Site

if TYPE_CHECKING:
    from dissectory.analysis.run import Run

CUT = 0.04


@pytest.fixture(scope="module")
def site(hostile: Run) -> Site:
    return Site(hostile)


@pytest.fixture(scope="module")
def page(site: Site) -> ControlPage:
    page = control_page(site)
    assert page is not None
    return page


def best_of(run: Run) -> dict[str, tuple[float, float]]:
    """The highest IoU of each concept, of the network and of the control, read from the tables."""
    pairs = run.table("unit_concepts")
    own: dict[str, float] = {}
    for name, iou in zip(pairs.concept.astype(str), pairs.iou, strict=True):
        own[name] = max(own.get(name, 0.0), float(iou))
    table = run.table("control_concepts")
    return {name: (own.get(name, 0.0), iou) for name, iou in zip(table.concept.astype(str), table.iou, strict=True)}


def test_every_concept_has_its_row_with_both(page: ControlPage, hostile: Run) -> None:
    best = best_of(hostile)
    assert {row.concept.name for row in page.rows} == set(best)
    assert [row.order for row in page.rows] == sorted((row.order for row in page.rows), reverse=True)
    for row in page.rows:
        own, other = best[row.concept.name]
        assert (float(row.order), float(row.control_order)) == pytest.approx((own, other), abs=1e-6)
        assert row.above == (own > CUT >= other)
        if other:
            assert row.times == f"{own / other:.1f}"
            assert float(row.times_order) == pytest.approx(own / other, rel=1e-4)


def test_the_control_unit_of_a_concept_is_named(page: ControlPage, hostile: Run) -> None:
    table = hostile.table("control_concepts").astype({"concept": str}).set_index("concept")
    for row in page.rows:
        expected = table.loc[row.concept.name]
        if isinstance(expected.layer, str):
            assert (row.control_layer, row.control_unit) == (expected.layer, expected.unit)
        else:
            assert (row.control_layer, row.control_iou) == ("", "0")


def test_a_concept_that_the_control_never_touches_has_no_ratio(page: ControlPage) -> None:
    untouched = [row for row in page.rows if not row.control_layer]
    assert len(untouched) == 2
    assert {row.times for row in untouched} <= {"only the network", ""}
    assert all(float(row.times_order) in {0, 1e9} for row in untouched)


def test_the_first_line_counts_what_the_network_alone_detects(page: ControlPage, hostile: Run) -> None:
    best = best_of(hostile).values()
    own, other = (sum(pair[place] > CUT for pair in best) for place in (0, 1))
    alone = sum(one > CUT >= two for one, two in best)
    assert page.answer.startswith(f"{alone} concepts, such as ")
    assert (
        f"{own} have an IoU above 0.04 with a unit of the network, and {other} with a unit of the control"
        in page.remark
    )


def test_labels_in_training_are_told_where_they_are_known(site: Site) -> None:
    control = site.reading(Control)
    assert control is not None

    def page(*flags: bool | None) -> ControlPage:
        outputs = (*flags, *([flags[-1]] * (len(control.outputs) - len(flags))))
        page = control_page(Site(site.run, site.findings, dataclasses.replace(control, outputs=outputs)))
        assert page is not None
        return page

    assert "was not trained to detect any of them" in page(False).training
    assert not page(False).labels
    some = page(True, True, False)
    assert some.training.startswith("2 of these concepts have the name of an output of the network, so they were")
    assert page(True, False).training.startswith("1 of these concepts has the name of an output")
    assert [row.was_label for row in some.rows].count(True) == 2
    assert some.labels
    assert page(None).training == ""


def test_the_chart_shows_the_concepts_with_the_highest_iou_of_all(page: ControlPage, hostile: Run) -> None:
    assert page.chart is not None
    pairs = json.loads(str(page.chart.data))["pairs"]
    highest = sorted((max(pair) for pair in best_of(hostile).values()), reverse=True)[: len(pairs)]
    assert [max(own, other) for _, _, own, other in pairs] == pytest.approx(highest, abs=1e-6)


def test_matched_units_are_counted_for_both(hostile: Run, site: Site) -> None:
    units = hostile.table("control_units")
    summary = home_page(site).control
    assert summary is not None
    matched = json.loads(str(summary.chart.data))["matched"]
    assert matched[0] == [layer.matched_units for layer in site.findings.layers]
    assert matched[1] == [int(units[units.layer == layer.name].matched.sum()) for layer in site.findings.layers]
    assert f"In the control, {sum(matched[1])} unit" in summary.says


def test_a_layer_is_set_beside_that_of_the_control(hostile: Run, site: Site) -> None:
    units = hostile.table("control_units")
    for number, layer in enumerate(site.findings.layers):
        summary = layer_page(site, number).control
        assert summary is not None
        own, other = json.loads(str(summary.chart.data))["curves"]
        ious = units[units.layer == layer.name].iou.sort_values(ascending=False)
        assert [iou for _, iou in other] == pytest.approx(ious.tolist(), abs=1e-5)
        assert [rank for rank, _ in own] == list(range(1, layer.units + 1))


def test_nothing_is_said_of_a_control_that_was_not(bare: Run) -> None:
    site = Site(bare)
    assert Control.read(site) is None
    assert control_page(site) is None
    assert home_page(site).control is None
    assert layer_page(site, 0).control is None


def test_a_long_curve_keeps_its_ends_and_its_order() -> None:
    ious = np.random.default_rng(2).random(5000)
    own, other = json.loads(str(paired.ranked_ious(ious, ious / 2, 0.04).data))["curves"]
    assert len(own) == len(other) <= paired.MOST_POINTS
    ordered = np.sort(ious)[::-1]
    assert own[0] == [1, pytest.approx(ordered[0], abs=1e-5)]
    assert own[-1] == [5000, pytest.approx(ordered[-1], abs=1e-5)]
    assert all(value == pytest.approx(ordered[rank - 1], abs=1e-5) for rank, value in own)


def test_charts_of_nothing_can_be_drawn() -> None:
    layer = Layer("a", "a", 0, "Conv2d", 0, 7, 7, 0, 0, 0, 0)
    assert json.loads(str(paired.matched_beside([layer], np.array([0])).data))["matched"] == [[0], [0]]
    assert json.loads(str(paired.ranked_ious(np.zeros(0), np.zeros(0), 0.0).data))["curves"] == [[], []]


def test_names_in_paired_dots_are_text() -> None:
    concept = DissectedConcept("<b>", "b", "object", "s", 1, 1, 0)
    chart = paired.paired_concepts([(concept, 0.2, 0.0)], 0.04)
    assert "<b>" not in chart.rows
    assert "<b>" not in str(chart.data)
    assert [text.says for text in chart.links] == ["<b>"]
    assert 'class="object"' in chart.marks
