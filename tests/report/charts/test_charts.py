from __future__ import annotations

import json
import re

import numpy as np
import pytest

from dissectory.report.charts.chart import Text, paint, tabulate
from dissectory.report.charts.paths import hatch
from dissectory.report.charts.scales import ticks
from dissectory.report.core import charts
from dissectory.report.core.findings import DissectedConcept, Layer
from dissectory.report.frame.scripts import embed

EVIL = "</script><img src=x onerror=alert(1)>\"'&"


def test_embedded_json_reads_back_and_ends_no_element() -> None:
    made = str(embed({"name": EVIL}))
    assert "<" not in made
    assert json.loads(made) == {"name": EVIL}


def test_texts_and_cells_are_escaped() -> None:
    assert "<img" not in paint([("rule", "M0 0")], [Text(1, 2, EVIL)])
    assert "<img" not in tabulate([(EVIL, "1"), ("2", EVIL)])


def test_a_table_has_its_cells() -> None:
    assert tabulate([("a", "b"), ("c", "d")]) == "<tr><td>a<td>b<tr><td>c<td>d"


@pytest.mark.parametrize("top", [0.003, 0.04, 1, 7, 183, 2624])
def test_ticks_lie_inside_and_are_few(top: float) -> None:
    made = ticks(top)
    assert made[0] == 0
    assert made[-1] <= top * (1 + 1e-9)
    assert 2 <= len(made) <= 6


def layer(name: str, units: int) -> Layer:
    return Layer(name, name, 0, "Conv2d", units, 7, 7, 0, 0, 0, units)


def test_the_iou_distribution_counts_every_unit() -> None:
    ious = np.array([0.0, 0.01, 0.039, 0.041, 0.3])
    chart = charts.iou_distribution(ious, 0.04)
    data = json.loads(str(chart.data))
    assert sum(data["counts"]) == 5
    assert "2 of 5 units" in chart.says


def test_the_distribution_of_no_unit_can_be_drawn() -> None:
    chart = charts.iou_distribution(np.zeros(0), 0.0)
    assert sum(json.loads(str(chart.data))["counts"]) == 0


def test_activations_are_lit_from_the_threshold_on() -> None:
    low, count = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1000, 100, 0, 1])
    chart = charts.activations(low, low + 1, count, 1.5, 0.01)
    lit = chart.marks.split('class="on" d="')[1].split('"')[0]
    dim = chart.marks.split('class="off" d="')[1].split('"')[0]
    assert (lit.count("H"), dim.count("H")) == (2, 2)
    assert json.loads(str(chart.data)) == {"edges": [0, 1, 2, 3, 4], "counts": [1000, 100, 0, 1], "t": 1.5}


def test_a_unit_of_one_value_and_no_threshold_can_be_drawn() -> None:
    chart = charts.activations(np.array([0.0]), np.array([0.0]), np.array([7]), float("nan"), 0.01)
    assert json.loads(str(chart.data))["t"] is None
    assert "cut" not in chart.marks


def test_the_stack_of_layers_holds_all_counts() -> None:
    counts = np.array([[0, 0, 0, 0, 0], [3, 1, 0, 2, 1]])
    chart = charts.matched_by_layer([layer("a", 4), layer(EVIL, 9)], counts, np.array([0, 2]))
    data = json.loads(str(chart.data))
    assert data["counts"]["object"] == [0, 3]
    assert data["doubtful"] == [0, 2]
    assert data["units"] == [4, 9]
    assert next(text.says for text in chart.links) == "a"
    assert chart.rows.count("<tr>") == 2
    assert "<td>3<td>1<td>0<td>2<td>1<td>2<td>9<td>9" in chart.rows
    assert ">7 + 2</text>" in chart.marks
    assert 'class="doubt"' in chart.marks
    assert "may be chance" in chart.says


def test_the_stack_of_a_run_that_was_not_tested_says_nothing_of_chance() -> None:
    chart = charts.matched_by_layer([layer("a", 4)], np.array([[1, 0, 0, 0, 0]]), np.array([0]))
    assert 'class="doubt"' not in chart.marks
    assert "chance" not in chart.says


def test_bars_of_concepts_have_the_color_of_their_category() -> None:
    bars = [
        (DissectedConcept(EVIL, "e", "object", "s", 1, 1, 0), 5, 2),
        (DissectedConcept("red", "red", "color", "s", 1, 1, 1), 2, 0),
    ]
    chart = charts.concepts_of_layer(bars)
    assert 'class="object"' in chart.marks
    assert 'class="color"' in chart.marks
    assert 'class="doubt object"' in chart.marks
    assert 'class="doubt color"' not in chart.marks
    assert json.loads(str(chart.data))["bars"][0] == [EVIL, "object", 5, 2]
    assert chart.rows.endswith("<td>color<td>2<td>0")


@pytest.mark.parametrize(("width", "height"), [(40, 13), (9, 120), (4, 3), (60, 0.5)])
def test_hatching_stays_inside_its_bar(width: float, height: float) -> None:
    path = hatch(10, 10 + width, 20, 20 + height)
    slanting = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", path)
    assert len(slanting) >= (width + height) / 5 - 2
    for numbers in slanting:
        x, y, end, foot = map(float, numbers)
        assert 10 <= x <= end <= 10 + width
        assert 20 <= y <= foot <= 20 + height
        assert end - x == pytest.approx(foot - y, abs=0.11)


def test_dots_of_a_concept_tell_labels_and_doubts_apart() -> None:
    points = [
        charts.UnitPoint(0, 3, 0.2, own=True, low=0.1, high=0.35),
        charts.UnitPoint(1, 5, 0.1, own=True, doubtful=True, low=0.02, high=0.2),
        charts.UnitPoint(1, 6, 0.05, own=True),
        charts.UnitPoint(1, 7, 0.03),
    ]
    chart = charts.units_of_concept([layer("a", 9), layer(EVIL, 9)], points, 0.04)
    assert json.loads(str(chart.data))["points"] == [
        [0, 3, 0.2, 1, 0.1, 0.35], [1, 5, 0.1, 2, 0.02, 0.2], [1, 6, 0.05, 1], [1, 7, 0.03, 0]
    ]  # fmt: skip
    looks = {look: chart.marks.split(f'class="{look}" d="')[1].split('"')[0] for look in ("whisker", "own", "perhaps")}
    assert {look: path.count("M") for look, path in looks.items()} == {"whisker": 2, "own": 2, "perhaps": 1}
    assert "0.100 to 0.350<td>yes" in chart.rows
    assert "0.020 to 0.200<td>may be chance" in chart.rows
    assert "interval" in chart.says
    assert "a diamond is one" in chart.says
    bare = charts.units_of_concept([layer("a", 9)], [charts.UnitPoint(0, 3, 0.2, own=True)], 0.04)
    assert bare.says.endswith("a filled dot is a unit whose label is the concept.")
