"""Switchboards: the scripts that pages load, and what a class's page says."""

from __future__ import annotations

import base64
import gzip
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fakes.run import HOSTILE_LAYER, make_fake_run
from fakes.switches import make_fake_switches

from dissectory.analysis.experiments.class_ablation.switches import SHOWN, SWITCHES, LeftOut
from dissectory.report.build import build_site
from dissectory.report.frame.writer import environment
from dissectory.report.site import Site
from dissectory.report.switchboard.page import SwitchesView, switches_view
from dissectory.report.switchboard.reading import Switchboards

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run

CLASSES = ("</script><b>one</b>", "two", "never seen")
UNITS = 24


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose second layer has a switchboard, and the last one has none."""
    run = make_fake_run(
        tmp_path_factory.mktemp("switches") / "run", layers=3, units=16, pictures=False, images=150, ablation=True
    )
    left_out = (LeftOut("fire4", "the page would have to load <b>9</b> MB"),)
    make_fake_switches(run.folder / SWITCHES, HOSTILE_LAYER, UNITS, CLASSES, images=150, left_out=left_out)
    return run


def view(run: Run, name: str) -> SwitchesView | None:
    return switches_view(Site(run), name)


def said(script: str) -> dict[str, Any]:
    """What a browser reads of a script."""
    first, second = script.splitlines()
    assert first == "window.dissectorySwitches = window.dissectorySwitches || {};"
    values: dict[str, Any] = json.loads(second.partition(" = ")[2].removesuffix(";"))
    return values


def test_a_script_holds_all_that_a_browser_needs(run: Run) -> None:
    found = Switchboards.read(Site(run))
    assert found is not None
    (board,) = found.boards
    values = said(board.script)
    numbers = gzip.decompress(base64.b64decode(values["numbers"]))
    assert numbers == (run.folder / SWITCHES / "0.f32").read_bytes()
    assert values["classes"] == list(CLASSES)
    assert values["shapes"] == [[1, 1, 6], [UNITS, 2, 6], [150, UNITS, 2]]
    table = run.table("units")
    labels = table[table["layer"] == HOSTILE_LAYER].sort_values("unit")["concept"].astype(object)
    assert [unit[0] for unit in values["units"]] == labels.fillna("").tolist()
    assert board.script.isascii()


def test_a_site_has_scripts_and_pictures(run: Run, tmp_path: Path) -> None:
    site = build_site(run).parent
    found = Switchboards.read(Site(run))
    assert found is not None
    (board,) = found.boards
    assert (site / board.href).read_text(encoding="ascii") == board.script
    assert sorted(path.name for path in (site / SWITCHES).glob("*.webp")) == ["class-0.webp", "class-1.webp"]
    assert all((site / unit[2]).is_file() for unit in said(board.script)["units"])
    without = make_fake_run(tmp_path / "without", layers=1, units=2, pictures=False)
    assert Switchboards.read(Site(without)) is None
    assert not (build_site(without).parent / SWITCHES).exists()


def test_the_page_of_a_class_says_what_is_shown_and_how_much_is_loaded(run: Run) -> None:
    page = view(run, CLASSES[0])
    assert page is not None
    (board,) = page.boards
    assert (board.layer, board.name, board.units) == (HOSTILE_LAYER, CLASSES[0], UNITS)
    assert (board.remove, board.keep) == ((4, 20), 20)
    assert board.size.endswith(" kB")
    assert board.shown.startswith(f"The first {SHOWN} of 74 images of the class")
    assert board.agreement == "These computations give the same result as the tables: 1,234 numbers compared."
    assert page.left_out == ("fire4 has no switchboard: the page would have to load <b>9</b> MB.",)
    data = json.loads(board.data)
    assert sorted(data["order"]) == list(range(UNITS))
    assert [place for place, _ in data["images"]] == list(range(0, 2 * SHOWN, 2))


def test_numbers_that_differ_are_told(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", layers=1, units=4, pictures=False)
    make_fake_switches(run.folder / SWITCHES, "conv1", 4, CLASSES, images=12, differ=3)
    page = view(run, CLASSES[1])
    assert page is not None
    (board,) = page.boards
    assert board.agreement.startswith("These computations differ from the tables in 3 of 1,234 numbers:")
    assert board.shown.startswith("All 5 images of the class")
    assert (board.remove, board.keep) == ((), None), "no more units than there are"


def test_a_class_without_an_order_of_units_has_no_switchboard(run: Run) -> None:
    page = view(run, CLASSES[2])
    assert page is not None
    assert page.boards == ()
    assert view(run, "a class of no output") is None


def test_names_of_others_end_no_element(run: Run) -> None:
    template = environment().get_template("_switchboard.html")
    html = template.render(page=SimpleNamespace(switches=view(run, CLASSES[0])), root="../")
    assert "<b>one" not in html
    assert "<b>9" not in html
    assert html.count("</script>") == 1
    assert template.render(page=SimpleNamespace(switches=None), root="").strip() == ""
