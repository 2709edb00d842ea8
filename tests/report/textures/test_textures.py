"""How units agree on copies of the images in other textures, on the site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.attacks import UNITS, with_textures
from fakes.run import make_fake_run

from dissectory.report.build import build_site
from dissectory.report.core.findings import Findings
from dissectory.report.frame import sources
from dissectory.report.site import Site
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
    """The site of a run with textures."""
    run = make_fake_run(tmp_path_factory.mktemp("textures") / "run", concepts=8, images=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "VENDOR", vendor)
        return build_site(with_textures(run)).parent


def test_agreement_is_on_the_pages_of_units_and_layers(site: Path) -> None:
    layers = [page.read_text() for page in (site / "layers").glob("*.html")]
    assert len(layers) == 3
    assert all('id="agreement"' in page for page in layers)
    folder = next(path for path in (site / "units").iterdir())
    assert (
        "of its active positions are the same with other textures (0.333 to 0.667; chance level 0.010)"
        in (folder / "10.html").read_text()
    )
    assert "with other textures" not in (folder / "0.html").read_text()


def test_a_chart_of_agreement_is_by_what_units_match(run: Run) -> None:
    site = Site(with_textures(run))
    textures, findings = Textures.read(site), site.findings
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
    assert "The mean is 30 %" in chart.says
    assert "60 pairs of images" in chart.says


def test_a_layer_of_which_nothing_is_active_says_so(run: Run) -> None:
    findings = Findings.read(run)
    nothing = np.full(len(findings.units), np.nan)
    chart = agreement_of_layer(findings, findings.layers[0], Textures(60, nothing, nothing, nothing, nothing))
    assert chart.says == f"No unit of {findings.layers[0].name} is active on these images."
    assert json.loads(chart.data)["chance"] is None


def test_runs_without_textures_have_nothing_of_it(hostile: Run) -> None:
    assert Textures.read(Site(hostile)) is None
    site = hostile.folder / "site"
    assert all("With other textures" not in page.read_text() for page in (site / "layers").glob("*.html"))
