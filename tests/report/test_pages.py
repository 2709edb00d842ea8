"""The list of pages: what is added to it is in every site, and nothing else is written for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from fakes.run import make_fake_run

from dissectory.report import pages as declared
from dissectory.report.build import build_site
from dissectory.report.frame.views import Each
from dissectory.report.pages import PAGES, Page, make_pages, register
from dissectory.report.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run

TEMPLATE = (
    '<article><h1>{{ page.title }}</h1><a href="{{ root }}index.html">home</a>{{ pieces.glyph("part") }}</article>'
)


@dataclass(frozen=True, slots=True)
class ProbePage:
    """A page of a plug-in."""

    title: str
    href: str = ""


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """The list of pages, which is as before when the test ends."""
    before = list(PAGES)
    monkeypatch.setattr(declared, "PAGES", before)
    return before


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "probe.html"
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_fake_run(tmp_path / "run", layers=1, units=2, hostile_names=False, concepts=4, images=3)


def files_of(run: Run) -> tuple[set[str], list[tuple[int, int]]]:
    """Build a site; return its pages, and the progress that was reported."""
    steps: list[tuple[int, int]] = []
    site = build_site(run, lambda done, total: steps.append((done, total))).parent
    return {path.relative_to(site).as_posix() for path in site.rglob("*.html")}, steps


def test_a_registered_page_is_in_the_site_and_in_no_other_after_that(
    run: Run, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, steps = files_of(run)
    with monkeypatch.context() as patch:
        patch.setattr(declared, "PAGES", list(PAGES))

        def note(_site: Site, folder: Path) -> None:
            (folder / "probe.txt").write_text("noted", encoding="utf-8")

        register(Page("probe", "Probe <b>", lambda site: ProbePage(site.title), template=template, files=note))
        after, more = files_of(run)
    assert after - before == {"probe.html"}
    assert more[-1] == (steps[-1][0] + 1, steps[-1][1] + 1)
    site = run.folder / "site"
    for page in sorted(after):
        root = "../" * page.count("/")
        assert f'<a href="{root}probe.html"' in (site / page).read_text(encoding="utf-8"), page
    html = (site / "probe.html").read_text(encoding="utf-8")
    assert 'aria-current="page">Probe &lt;b&gt;</a>' in html
    assert '<a href="index.html">home</a><i class="g part"' in html
    assert (site / "probe.txt").read_text(encoding="utf-8") == "noted"
    assert files_of(run)[0] == before


def test_many_pages_of_a_kind_may_come_one_after_the_other(run: Run, template: Path, pages: list[Page]) -> None:
    def probes(_site: Site) -> Iterator[ProbePage]:
        return (ProbePage(f"probe {number}", f"probes/{number}/index.html") for number in range(3))

    before, steps = files_of(run)
    register(Page("probe", make=probes, address="probes/*/*.html", template=template))
    assert pages[-1].kind == "probe"
    after, more = files_of(run)
    assert after - before == {f"probes/{number}/index.html" for number in range(3)}
    assert more[-1][1] == steps[-1][1] + 3
    html = (run.folder / "site" / "probes" / "1" / "index.html").read_text(encoding="utf-8")
    assert '<a href="../../index.html">home</a>' in html


def test_a_page_that_a_run_lacks_is_nowhere(run: Run, template: Path, pages: list[Page]) -> None:
    before, _ = files_of(run)
    register(Page("probe", "Probe", lambda _site: None, template=template))
    assert len(pages) == len(PAGES) + 1
    assert files_of(run)[0] == before
    assert "Probe" not in (run.folder / "site" / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("pages")
def test_a_second_page_of_a_kind_or_at_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match="already a page of the kind 'data': give the new page another kind"):
        register(Page("data", "Data"))
    with pytest.raises(ValueError, match=r"the page 'home' already has the address index\.html"):
        register(Page("start", "Start", address="index.html"))


def test_the_navigation_has_its_order() -> None:
    assert [page.nav for page in PAGES if page.nav] == [
        *("Overview", "Gallery", "Concepts", "Classes", "Control", "Compare", "Attacks", "Artifacts", "Paint", "Data"),
        *("Method", "Glossary"),
    ]


def test_addresses_stay_as_they_are(hostile: Run) -> None:
    kinds = {page.kind: page.href for page, _ in make_pages(Site(hostile))}
    assert kinds["home"] == "index.html"
    assert kinds["paint"] == "paint.html"
    assert (kinds["layer"], kinds["unit"]) == ("layers/*.html", "units/*/*.html")
    assert "compare" not in kinds


def test_views_of_many_things_are_made_one_at_a_time() -> None:
    made: list[int] = []

    def make(number: int) -> ProbePage:
        made.append(number)
        return ProbePage(str(number))

    each = Each(range(3), make)
    assert len(each) == 3
    assert made == []
    assert next(iter(each)).title == "0"
    assert made == [0]
    assert ProbePage("2") in each
    assert ProbePage("3") not in each
