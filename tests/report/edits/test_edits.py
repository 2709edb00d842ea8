"""What became of a generator's images, on the pages of concepts."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run

from dissectory.analysis.experiments.generator_ablation.tables import GENERATOR_ABLATIONS
from dissectory.analysis.experiments.insertion.tables import INSERTIONS, NO_CONTEXT
from dissectory.report.build import build_site
from dissectory.report.core.findings import Findings
from dissectory.report.edits.charts import ablation_curve, insertion_bars
from dissectory.report.edits.reading import AblationResult, EditResults, InsertionContext, InsertionResult
from dissectory.report.edits.vanished import MOST, Vanished, vanished
from dissectory.report.estimate import Estimate
from dissectory.report.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def span(value: float) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1)


def ablation(last: float = -0.5, *others: str, informed: bool = False) -> AblationResult:
    values = (span(0.0), span(last / 2), span(last))
    return AblationResult(
        layer="layer2",
        drawn=90,
        images=40,
        without=30,
        sizes=(0, 4, 20),
        own=values,
        informed=(span(0.0), span(-0.2), span(-0.3)) if informed else (),
        random=(span(0), span(0.01), span(-0.02)),
        others=tuple((name, values) for name in others),
    )


def insertion(*contexts: tuple[str, int, float]) -> InsertionResult:
    return InsertionResult(
        "layer2", tuple(InsertionContext(name, places, span(added)) for name, places, added in contexts)
    )


def test_the_sentence_of_a_removal_says_what_it_took() -> None:
    says = ablation_curve("tree", ablation()).says
    assert says.startswith(
        "Removing the 20 units of layer2 with the highest IoU with tree shrinks its area by 50 % (-60 % to -40 %)."
    )
    assert "Removing as many random units changes it by -2 %" in says
    assert (
        "Measured on 40 images that show tree and 30 that do not, of 90 other images; the intervals hold 99 %." in says
    )
    assert " enlarges its area by 50 % " in ablation_curve("tree", ablation(0.5)).says


def test_a_removal_has_its_numbers_beside_it() -> None:
    chart = ablation_curve("tree", ablation(-0.5, "sky", "<b>grass</b>"))
    assert chart.head == ("units removed", "tree", "random units", "sky", "<b>grass</b>")
    assert "-50 % (-60 % to -40 %)" in chart.rows
    assert "<b>" not in chart.marks
    data = json.loads(chart.data)
    assert data["sizes"] == [0, 4, 20]
    assert [one[:2] for one in data["series"]][:2] == [["own", "tree"], ["random", "random units"]]
    assert data["series"][0][2][2] == [-0.5, -0.6, -0.4]


def test_a_removal_by_both_rankings_tells_both() -> None:
    chart = ablation_curve("tree", ablation(-0.5, "sky", informed=True))
    assert "by 50 % (-60 % to -40 %); removing as many units ranked by IQR changes it by -30 % (-40 % to -20 %)." in (
        chart.says
    )
    assert chart.head == ("units removed", "tree", "units by IQR", "random units", "sky")
    assert "curve informed" in chart.marks


def test_another_concept_does_not_dwarf_the_own_one() -> None:
    one = ablation(-0.5, "sky")
    grown = dataclasses.replace(one, others=(("sky", (span(0.0), span(2.0), span(5.0))),))
    marks = ablation_curve("tree", grown).marks
    assert "sky +500 %" in marks
    assert ">+50 %<" in marks
    assert "+100 %" not in marks.replace("+500 %", "")
    few = dataclasses.replace(one, own=tuple(Estimate(at.value, math.nan, math.nan) for at in one.own))
    assert ablation_curve("tree", few).says.endswith(
        "30 that do not, of 90 other images; these are too few for an interval."
    )


def test_a_concept_that_was_not_there_cannot_be_removed() -> None:
    nothing = AblationResult("layer2", 90, 0, 0, (0, 4), (UNKNOWN, UNKNOWN), (), (UNKNOWN, UNKNOWN), ())
    assert (
        ablation_curve("tree", nothing).says == "None of the 90 images that were generated for this concept shows tree."
    )


def test_bars_are_of_contexts_that_were_met_more_than_a_few_times() -> None:
    chart = insertion_bars("tree", insertion(("moon", 1, 90.0), ("hill", 9, 40.0), (NO_CONTEXT, 7, 2.0)), 64)
    assert (
        "most tree appears where hill was: 40 of 4,096 positions on average (99 % confidence interval 40 to 40)"
        in chart.says
    )
    assert [bar[0] for bar in json.loads(chart.data)["bars"]] == ["hill", NO_CONTEXT]
    assert "moon" in chart.rows
    nowhere = insertion_bars("tree", insertion(("hill", 9, 0.0)), 64)
    assert "no tree appears in any context" in nowhere.says
    assert "e-0" not in nowhere.marks
    rare = insertion_bars("tree", insertion(("hill", 9, 0.0), ("fir", 1, 14.0)), 64)
    assert "where fir was: 14 of 4,096 positions" in rare.says
    unsure = InsertionResult(
        "layer2",
        (
            InsertionContext("hill", 9, Estimate(1.0, math.nan, math.nan)),
            InsertionContext("fir", 20, Estimate(3.0, 0.0, 7.0)),
        ),
    )
    assert (
        "no context gains tree with certainty; most, 3.0 of 4,096 positions, appears at the 20 locations where fir was."
        in (insertion_bars("tree", unsure, 64).says)
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = make_fake_run(tmp_path / "run")
    names = [str(name) for name in run.table("concepts").concept]
    rows = [
        (
            *("layer1", names[0], ranking, size, measured, 90, 40, 30, 100 - 3 * size * (measured == names[0]), 100),
            *(-slope * size, -slope * size - 0.1, -slope * size + 0.1, 99, -0.01, -0.02, 0.0),
        )
        for ranking, slope in (("iou", 0.03), ("iqr", 0.02))
        for size in (0, 4, 20)
        for measured in names[:6]
    ]
    table = GENERATOR_ABLATIONS
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})
    met = [
        ("layer1", names[0], names[1], 9, 90, 10.0, 8.0, 12.0),
        ("layer1", names[0], NO_CONTEXT, 1, 0, 0.0, None, None),
    ]
    table = INSERTIONS
    run.write_table(table, {column.name: [row[at] for row in met] for at, column in enumerate(table.columns)})
    return run


def test_tables_are_read_by_concept(run: Run) -> None:
    findings, edits = Findings.read(run), EditResults.read(Site(run))
    assert edits is not None
    (concept,) = edits.ablations
    found = edits.ablations[concept]
    assert (found.drawn, found.images, found.without, found.sizes) == (90, 40, 30, (0, 4, 20))
    assert [at.value for at in found.own] == pytest.approx([0, -0.12, -0.6])
    assert [at.value for at in found.informed] == pytest.approx([0, -0.08, -0.4])
    kinds = {one.name: one.category for one in findings.concepts}
    assert all(kinds[name] == kinds[concept] for name, _ in found.others)
    assert edits.insertions[concept].contexts[0].locations == 9


def test_pages_of_concepts_show_what_was_done_to_them(run: Run) -> None:
    site = build_site(run).parent
    pages = [path.read_text() for path in sorted((site / "concepts").glob("*.html"))]
    assert sum('id="ablation"' in page for page in pages) == 1
    assert sum('id="insertion"' in page for page in pages) == 1


def test_runs_without_them_have_neither(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run")
    assert EditResults.read(Site(run)) is None


def test_the_first_page_tells_what_vanishes(run: Run) -> None:
    findings = Findings.read(run)
    names = [concept.name for concept in findings.concepts]

    def told(**results: AblationResult) -> Vanished | None:
        return vanished(Site(run, findings, EditResults(ablations=results)))

    lost = {
        names[0]: ablation(-0.2, informed=True),
        names[1]: ablation(-0.7),
        names[2]: AblationResult("layer2", 90, 0, 0, (0, 4), (UNKNOWN, UNKNOWN), (), (UNKNOWN, UNKNOWN), ()),
    }
    found = told(**lost)
    assert found is not None
    assert (
        found.says
        == f"The largest loss: when its 20 best units by IoU in layer2 are removed, {names[1]} loses 70 % of its area."
    )
    assert [row.concept.name for row in found.rows] == [names[1], names[0]]
    assert [row.change for row in found.rows] == ["-70 %", "-20 %"]
    assert [row.informed for row in found.rows] == ["", "-30 %"]
    assert [row.interval for row in found.rows] == ["-80 % to -60 %", "-30 % to -10 %"]
    assert not any(row.unsure for row in found.rows)
    both = told(**{names[0]: ablation(-0.2, informed=True)})
    assert both is not None
    assert both.says.endswith(f"{names[0]} loses 20 % of its area (-30 % by IQR).")
    assert vanished(Site(run, findings, EditResults())) is None
    nothing = told(**{names[0]: ablation(0.0)})
    assert nothing is not None
    assert nothing.says == "No concept loses area with certainty when its 20 best units in layer2 are removed."
    assert nothing.rows[0].unsure
    many = {name: ablation(-0.5) for name in names}
    first = told(**many)
    assert first is not None
    assert (len(first.rows), first.concepts) == (min(MOST, len(names)), len(names))
    home = (build_site(run).parent / "index.html").read_text()
    assert 'id="vanished"' in home
