from __future__ import annotations

import json

import numpy as np
import pytest

from dissectory.report import charts
from dissectory.report.drawing import Text, embed, paint, tabulate, ticks
from dissectory.report.findings import Concept, Layer

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
    chart = charts.matched_by_layer([layer("a", 4), layer(EVIL, 9)], counts)
    data = json.loads(str(chart.data))
    assert data["counts"]["object"] == [0, 3]
    assert data["units"] == [4, 9]
    assert next(text.says for text in chart.links) == "a"
    assert chart.rows.count("<tr>") == 2


def test_bars_of_concepts_have_the_colour_of_their_category() -> None:
    bars = [(Concept(EVIL, "e", "object", "s", 1, 1, 0), 5), (Concept("red", "red", "color", "s", 1, 1, 1), 2)]
    chart = charts.concepts_of_layer(bars)
    assert 'class="object"' in chart.marks
    assert 'class="color"' in chart.marks
    assert json.loads(str(chart.data))["bars"][0] == [EVIL, "object", 5]
