"""Attacks on a classifier, on the site."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import pytest
from fakes.attacks import CLASSES, UNITS, with_attacks
from fakes.run import make_fake_run

from dissectory.report.attacks.charts import group_changes
from dissectory.report.attacks.page import AttacksPage, attacks_page
from dissectory.report.attacks.reading import Attacks
from dissectory.report.build import build_site
from dissectory.report.estimate import Estimate
from dissectory.report.frame import sources
from dissectory.report.site import Site

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_fake_run(tmp_path / "run")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, vendor: Path) -> Path:
    """The site of a run with attacks."""
    run = make_fake_run(tmp_path_factory.mktemp("attacks") / "run", concepts=8, images=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "VENDOR", vendor)
        return build_site(with_attacks(run)).parent


def read(run: Run) -> Attacks:
    attacks = Attacks.read(Site(run))
    assert attacks is not None
    return attacks


def page_of(run: Run, *given: object) -> AttacksPage:
    page = attacks_page(Site(run, *given))
    assert page is not None
    return page


def test_changes_of_units_are_means_over_the_images_that_were_misled(run: Run) -> None:
    attacks = read(with_attacks(run))
    assert [one.unit for one in attacks.units] == list(range(UNITS - 1, -1, -1))
    assert [one.change for one in attacks.units] == pytest.approx([0.15 * unit for unit in range(UNITS - 1, -1, -1)])
    assert [one.of_target for one in attacks.units][-5:] == [0, 2, 2, 2, 2]
    assert [one.of_source for one in attacks.units][:5] == [2, 2, 2, 2, 0]
    assert list(attacks.measured) == ["target", "source", "other", "all"]


def test_the_page_says_how_little_it_takes(run: Run) -> None:
    size = 224
    with_attacks(run).manifest.study["images"]["size"] = size
    page = page_of(run)
    assert page.answer == f"{255 * 1 / math.sqrt(3 * size * size):.1f} of 255 levels."
    assert page.remark.startswith(
        "The attack misleads the network on 2 of 3 correctly classified images with such a change"
    )
    assert "The L2 distance is 1.00 on average (0.50 to 1.50)" in page.remark
    del run.manifest.study["images"]["size"]
    assert page_of(run).answer == "An L2 distance of 1.00."


def test_the_page_says_which_group_changes_most(run: Run) -> None:
    attacks, page = read(with_attacks(run)), page_of(run)
    assert page.found == "Units of the source change 1.9 times as much as all other units."
    unsure = {**attacks.groups, "target": (Estimate(1.0, 0.5, 1.5), 2)}
    page = page_of(run, Attacks("a", 4, attacks.attacks, unsure, ()))
    assert page.found == (
        "Units of the target and units of the source change 1.2 and 1.9 times as much as all other units. "
        "The confidence intervals overlap."
    )
    less = {**attacks.groups, "source": (Estimate(0.1, 0.0, 0.2), 2)}
    page = page_of(run, Attacks("a", 4, attacks.attacks, less, ()))
    assert page.found == "The most important units for the two classes change no more than all other units."


def test_rows_show_what_each_image_is_taken_for(run: Run) -> None:
    first, failed, _ = page_of(with_attacks(run)).rows
    assert (first.before, first.before_share, first.after, first.after_share) == (
        CLASSES[0],
        "90 %",
        CLASSES[1],
        "50 %",
    )
    assert (first.amplified, first.distance, first.success) == ("20", "1.50", True)
    assert (failed.after, failed.after_share, failed.amplified, failed.success) == (CLASSES[1], "80 %", "", False)


def test_a_chart_of_groups_has_its_numbers_beside_it(run: Run) -> None:
    attacks = read(with_attacks(run))
    chart = group_changes(attacks)
    assert json.loads(chart.data)["groups"][1] == ["units of the source", 1.5, 1.2, 1.8, 2]
    assert "<tr><td>all other units<td>0.8<td>0.7 to 0.9<td>2" in chart.rows
    assert "of the 4 most important units for the class" in chart.says


def test_where_no_unit_is_known_to_matter_only_all_are_told(run: Run) -> None:
    chart = group_changes(read(with_attacks(run, known=False)))
    assert "This run does not know which units are most important for a class." in chart.says
    assert len(json.loads(chart.data)["groups"]) == 1
    page = page_of(run)
    assert page.found == ""
    assert all(not row.matters for row in page.units)


def test_a_run_whose_attacks_all_failed_says_so(run: Run) -> None:
    page = page_of(with_attacks(run, success=False))
    assert page.answer == "No attack succeeded."
    assert page.remark == "The attack misled the network on none of 3 correctly classified images."
    assert page.chart is None


def test_names_of_classes_are_text(site: Path) -> None:
    page = (site / "attacks.html").read_text()
    assert "alert(&#39;class&#39;)" in page
    assert CLASSES[1] not in page
    assert 'href="attacks.html"' in (site / "index.html").read_text()
    assert all((site / source).is_file() for source in re.findall(r'src="(images/attacks/[^"]+)"', page))
    assert len(re.findall(r"images/attacks/", page)) == 9


def test_runs_without_attacks_have_no_page(hostile: Run) -> None:
    assert Attacks.read(Site(hostile)) is None
    assert attacks_page(Site(hostile)) is None
    site = hostile.folder / "site"
    assert not (site / "attacks.html").exists()
    assert "attacks.html" not in (site / "index.html").read_text()
