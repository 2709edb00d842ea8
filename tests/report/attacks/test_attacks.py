"""Attacks on a classifier, and copies in other textures, on the site."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.attacks import CLASSES, UNITS, with_attacks, with_textures
from fakes.run import make_fake_run

from dissectory.report import build
from dissectory.report.attacks.charts import group_changes
from dissectory.report.attacks.page import attacks_page
from dissectory.report.attacks.reading import Attacks
from dissectory.report.core.chips import Chips
from dissectory.report.core.findings import Findings
from dissectory.report.estimate import Estimate
from dissectory.report.textures.charts import agreement_of_layer
from dissectory.report.textures.reading import Textures

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_fake_run(tmp_path / "run")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, vendor: Path) -> Path:
    """The site of a run with both."""
    run = make_fake_run(tmp_path_factory.mktemp("both") / "run", concepts=8, images=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "VENDOR", vendor)
        return build.build_site(with_textures(with_attacks(run))).parent


def read(run: Run) -> tuple[Findings, Attacks]:
    findings = Findings.read(run)
    attacks = Attacks.read(run, findings)
    assert attacks is not None
    return findings, attacks


def test_changes_of_units_are_means_over_the_images_that_were_misled(run: Run) -> None:
    _, attacks = read(with_attacks(run))
    assert [one.unit for one in attacks.units] == list(range(UNITS - 1, -1, -1))
    assert [one.change for one in attacks.units] == pytest.approx([0.15 * unit for unit in range(UNITS - 1, -1, -1)])
    assert [one.of_target for one in attacks.units][-5:] == [0, 2, 2, 2, 2]
    assert [one.of_source for one in attacks.units][:5] == [2, 2, 2, 2, 0]
    assert list(attacks.told) == ["target", "source", "other", "all"]


def test_the_page_says_how_little_it_takes(run: Run) -> None:
    findings, attacks = read(with_attacks(run))
    size = 224
    findings.manifest.study["images"]["size"] = size
    page = attacks_page(findings, Chips(findings), attacks)
    assert page.answer == f"{255 * 1 / math.sqrt(3 * size * size):.1f} of 255 levels."
    assert page.remark.startswith("2 of 3 images that it got right are taken for another class")
    assert "an L2 distance of 1.00 on average, 0.50 to 1.50" in page.remark
    del findings.manifest.study["images"]["size"]
    assert attacks_page(findings, Chips(findings), attacks).answer == "An L2 distance of 1.00."


def test_the_page_says_which_group_changes_most(run: Run) -> None:
    findings, attacks = read(with_attacks(run))
    page = attacks_page(findings, Chips(findings), attacks)
    assert page.found == "Units of the source change 1.9 times as much as all others."
    unsure = {**attacks.groups, "target": (Estimate(1.0, 0.5, 1.5), 2)}
    page = attacks_page(findings, Chips(findings), Attacks("a", 4, attacks.attacks, unsure, ()))
    assert page.found == (
        "Units of the target and units of the source change 1.2 and 1.9 times as much as all others. "
        "With so few images, the intervals overlap."
    )
    less = {**attacks.groups, "source": (Estimate(0.1, 0.0, 0.2), 2)}
    page = attacks_page(findings, Chips(findings), Attacks("a", 4, attacks.attacks, less, ()))
    assert page.found == "The units that matter to the two classes change no more than the others do."


def test_rows_show_what_each_image_is_taken_for(run: Run) -> None:
    findings, attacks = read(with_attacks(run))
    first, failed, _ = attacks_page(findings, Chips(findings), attacks).rows
    assert (first.before, first.before_share, first.after, first.after_share) == (
        CLASSES[0],
        "90 %",
        CLASSES[1],
        "50 %",
    )
    assert (first.amplified, first.distance, first.success) == ("20", "1.50", True)
    assert (failed.after, failed.after_share, failed.amplified, failed.success) == (CLASSES[1], "80 %", "", False)


def test_a_chart_of_groups_has_its_numbers_beside_it(run: Run) -> None:
    _, attacks = read(with_attacks(run))
    chart = group_changes(attacks)
    assert json.loads(chart.data)["groups"][1] == ["units of the source", 1.5, 1.2, 1.8, 2]
    assert "<tr><td>all other units<td>0.8<td>0.7 to 0.9<td>2" in chart.rows
    assert "of the 4 units that matter most to the class" in chart.says


def test_where_no_unit_is_known_to_matter_only_all_are_told(run: Run) -> None:
    findings, attacks = read(with_attacks(run, known=False))
    chart = group_changes(attacks)
    assert "which ones matter most to a class is not known in this run" in chart.says
    assert len(json.loads(chart.data)["groups"]) == 1
    page = attacks_page(findings, Chips(findings), attacks)
    assert page.found == ""
    assert all(not row.matters for row in page.units)


def test_a_run_whose_attacks_all_failed_says_so(run: Run) -> None:
    findings, attacks = read(with_attacks(run, success=False))
    page = attacks_page(findings, Chips(findings), attacks)
    assert page.answer == "Nothing that was tried."
    assert page.remark == "None of 3 images that it got right could be brought to its target class."
    assert page.chart is None


def test_names_of_classes_are_text(site: Path) -> None:
    page = (site / "attacks.html").read_text()
    assert "alert(&#39;class&#39;)" in page
    assert CLASSES[1] not in page
    assert 'href="attacks.html"' in (site / "index.html").read_text()
    assert all((site / source).is_file() for source in re.findall(r'src="(images/attacks/[^"]+)"', page))
    assert len(re.findall(r"images/attacks/", page)) == 9


def test_agreement_is_on_the_pages_of_units_and_layers(site: Path) -> None:
    layers = [page.read_text() for page in (site / "layers").glob("*.html")]
    assert len(layers) == 3
    assert all('id="agreement"' in page for page in layers)
    folder = next(path for path in (site / "units").iterdir())
    assert (
        "of its positions are the same with other textures (0.333 to 0.667; by chance 0.010)"
        in (folder / "10.html").read_text()
    )
    assert "with other textures" not in (folder / "0.html").read_text()


def test_a_chart_of_agreement_is_by_what_units_match(run: Run) -> None:
    findings = Findings.read(with_textures(run))
    textures = Textures.read(run, findings)
    assert textures is not None
    chart = agreement_of_layer(findings, findings.layers[1], textures)
    data = json.loads(chart.data)
    assert data["chance"] == 0.01
    assert [point[1] for point in data["points"]] == list(range(1, UNITS))
    assert [point[2] for point in data["points"]] == pytest.approx([unit / 20 for unit in range(1, UNITS)])
    units = findings.units
    for column, unit, _ in data["points"]:
        place = findings.layers[1].first + unit
        label = findings.label_of(place)
        assert data["columns"][column] == (label.category if label and units.matched[place] else "no match")
    assert "on in both at 30 %, on average" in chart.says
    assert "60 pairs of images" in chart.says


def test_a_layer_of_which_nothing_is_active_says_so(run: Run) -> None:
    findings = Findings.read(run)
    nothing = np.full(len(findings.units), np.nan)
    chart = agreement_of_layer(findings, findings.layers[0], Textures(60, nothing, nothing, nothing, nothing))
    assert chart.says == f"No unit of {findings.layers[0].name} is active on these images."
    assert json.loads(chart.data)["chance"] is None


def test_runs_without_them_have_nothing_of_it(hostile: Run) -> None:
    findings = Findings.read(hostile)
    assert Attacks.read(hostile, findings) is None
    assert Textures.read(hostile, findings) is None
    site = hostile.folder / "site"
    assert not (site / "attacks.html").exists()
    assert "attacks.html" not in (site / "index.html").read_text()
    assert all("With other textures" not in page.read_text() for page in (site / "layers").glob("*.html"))
