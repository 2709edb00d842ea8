"""Two networks side by side: counts and best units by definition, and the page in the site."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from fakes.run import HOSTILE, make_fake_run

from dissectory.analysis.run import Related, Run
from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report.build import build_site
from dissectory.report.compare.charts import depth_chart
from dissectory.report.compare.page import compare_page
from dissectory.report.compare.reading import ComparedNetwork, Comparison
from dissectory.report.core.findings import Findings
from dissectory.report.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    folder = tmp_path_factory.mktemp("compared")
    run = make_fake_run(folder, layers=3, units=8, control=False, gallery=False)
    run.write_manifest(replace(run.manifest, related=(Related("the <i>other</i> one", "50% beside"),)))
    other = make_fake_run(folder / "50% beside", layers=2, units=9, concepts=20, seed=4, control=False, gallery=False)
    return Run(folder), other


@pytest.fixture(scope="module")
def comparison(runs: tuple[Run, Run]) -> Comparison:
    one, other = (Findings.read(run) for run in runs)
    found = Comparison.of(ComparedNetwork.of(one, "one"), ComparedNetwork.of(other, "other", "beside/"))
    assert found
    return found


def category_of(pairs: pd.DataFrame, concepts: pd.DataFrame, shared: set[str], cut: float) -> str | None:
    """By definition: of the pairs of one unit, that of the concept of both that fits best, if above the cut."""
    pairs = pairs[pairs.concept.isin(list(shared)) & (pairs.iou > cut)]
    if pairs.empty:
        return None
    best = str(pairs.sort_values("iou").concept.iloc[-1])
    return str(concepts.category[concepts.concept == best].iloc[0])


def test_units_are_counted_by_the_concept_of_both_that_fits_them_best(
    runs: tuple[Run, Run], comparison: Comparison
) -> None:
    shared = {one.concept.name for one in comparison.shared}
    foreign = 0
    for run, network in zip(runs, comparison.networks, strict=True):
        units, pairs, concepts = (run.table(name) for name in ("units", "unit_concepts", "concepts"))
        foreign += (units.matched & ~units.concept.isin(list(shared))).sum()
        depths = [layer.depth for layer in network.layers]
        assert depths == [place / (len(depths) - 1) for place in range(len(depths))]
        for layer in network.layers:
            inside, of_layer = units[units.layer == layer.name], pairs[pairs.layer == layer.name]
            assert layer.units == len(inside)
            found = [category_of(of_layer[of_layer.unit == unit], concepts, shared, 0.04) for unit in inside.unit]
            for category, count in zip(CATEGORIES, layer.counts, strict=True):
                assert count == found.count(category)
                assert layer.share(category) == count / len(inside)
    assert foreign, "a unit with a label that the other network was not dissected for makes the difference"


def test_the_best_unit_of_each_concept_of_both(runs: tuple[Run, Run], comparison: Comparison) -> None:
    tables = [run.table("concepts") for run in runs]
    assert {one.concept.name for one in comparison.shared} == set(tables[0].concept) & set(tables[1].concept)
    for shared in comparison.shared:
        for run, fit in zip(runs, shared.fits, strict=True):
            pairs = run.table("unit_concepts")
            assert fit.iou == pytest.approx(pairs[pairs.concept == shared.concept.name].iou.max() if fit.iou else 0)


def test_units_link_into_the_site_of_their_network(runs: tuple[Run, Run], comparison: Comparison) -> None:
    page = compare_page(Site(runs[0], comparison))
    assert page
    known = [(one.href, other.href) for one, other in (row.sides for row in page.rows) if one.href and other.href]
    assert known
    assert all(one.startswith("units/") and other.startswith("beside/units/") for one, other in known)
    orders = [max(float(side.order) for side in row.sides) for row in page.rows]
    assert orders == sorted(orders, reverse=True)


def test_the_answer_counts_concepts_above_the_cut(runs: tuple[Run, Run], comparison: Comparison) -> None:
    page = compare_page(Site(runs[0], comparison))
    assert page
    both = sum(all(fit.iou > 0.04 for fit in one.fits) for one in comparison.shared)
    assert page.answer.startswith(f"{both} concept" if both else "No concept")


def test_the_chart_says_at_which_end_the_image_is(runs: tuple[Run, Run], comparison: Comparison) -> None:
    one, other = comparison.networks
    assert depth_chart(comparison).marks.count("from the image to the output") == 2
    study = {**runs[1].manifest.study, "model": {"kind": "generator"}}
    manifest = replace(other.findings.manifest, study=study)
    drawing = replace(other, findings=replace(other.findings, manifest=manifest))
    marks = depth_chart(replace(comparison, networks=(one, drawing))).marks
    assert marks.count("from the image to the output") == marks.count("from the latent to the image") == 1


def test_every_number_of_the_chart_is_in_its_table(comparison: Comparison) -> None:
    chart = depth_chart(comparison)
    layers = sum(len(network.layers) for network in comparison.networks)
    assert chart.rows.count("<tr>") == layers


def test_the_page_is_in_the_first_site_and_the_chart_in_both(runs: tuple[Run, Run]) -> None:
    site = build_site(runs[0]).parent
    page = (site / "compare.html").read_text()
    assert "<i>other</i>" not in page
    assert "the &lt;i&gt;other&lt;/i&gt; one" in page
    for name, _ in HOSTILE[:1]:
        assert name not in page
    links = set(re.findall(r'<a href="(50%25%20beside/units/[^"]+)"><code>', page))
    assert links
    for link in links:
        assert (site / link.replace("50%25%20", "50% ")).is_file()
    assert 'data-chart="depth"' in (site / "index.html").read_text()
    other = (site / "50% beside" / "index.html").read_text()
    assert 'data-chart="depth"' in other
    assert 'href="../compare.html"' in other
    assert not (site / "50% beside" / "compare.html").exists()


def test_networks_without_a_common_concept_are_not_compared(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path, layers=1, units=3, control=False, gallery=False)
    findings = Findings.read(run)
    nothing = replace(findings, concepts=())
    assert Comparison.of(ComparedNetwork.of(findings, "one"), ComparedNetwork.of(nothing, "other")) is None
