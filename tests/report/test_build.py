from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from fakes.run import HOSTILE_LAYER, make_fake_run

from dissectory.errors import RunError
from dissectory.report.build import build_site
from dissectory.report.frame import sources

if TYPE_CHECKING:
    from dissectory.analysis.run import Run


class Parsed(HTMLParser):
    """A page's links, anchors, elements and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.append((tag, values))
        self.links += [value for name in ("href", "src") if (value := values.get(name)) is not None]
        self.anchors |= {value for name in ("id",) if (value := values.get(name))}

    def handle_data(self, data: str) -> None:
        self.text += data


def all_pages(site: Path) -> dict[Path, Parsed]:
    return {path: Parsed(path) for path in site.rglob("*.html")}


@pytest.fixture(scope="module", params=["hostile", "bare"])
def site(request: pytest.FixtureRequest) -> Path:
    run: Run = request.getfixturevalue(request.param)
    return run.folder / "site"


def test_every_link_leads_to_a_file_and_an_anchor_of_the_site(site: Path) -> None:
    pages = all_pages(site)
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            assert not parts.scheme, f"{path}: {link}"
            assert not parts.netloc, f"{path}: {link}"
            assert not parts.path.startswith("/"), f"{path}: {link}"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_relative_to(site), f"{path}: {link} leads out of the site"
            assert target.is_file(), f"{path}: {link} leads nowhere"
            if parts.fragment:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path}: {link} has no anchor"


def test_every_page_can_be_reached_from_the_first(site: Path) -> None:
    pages, seen, open_ends = all_pages(site), set[Path](), [site / "index.html"]
    while open_ends:
        path = open_ends.pop()
        if path in seen:
            continue
        seen.add(path)
        open_ends += [
            (path.parent / unquote(urlsplit(link).path)).resolve()
            for link in pages[path].links
            if urlsplit(link).path.endswith(".html")
        ]
    assert seen == set(pages)


def test_nothing_is_named_from_another_host(site: Path) -> None:
    for path in [*site.rglob("*.html"), *site.glob("*.css"), *site.glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text.replace("http://www.w3.org/", ""), path
        assert "https://" not in text, path
        assert "@import" not in text, path


def test_ids_are_unique_on_a_page(site: Path) -> None:
    for path, page in all_pages(site).items():
        ids = [values["id"] for _, values in page.elements if values.get("id")]
        assert len(ids) == len(set(ids)), path


def test_names_are_text_and_never_markup(hostile: Run) -> None:
    shown = ""
    for path, page in all_pages(hostile.folder / "site").items():
        tags = {tag for tag, _ in page.elements}
        assert "b" not in tags or all(not values for tag, values in page.elements if tag == "b"), path
        assert not [values for _, values in page.elements if any(name.startswith("on") for name in values)], path
        scripts = [values for tag, values in page.elements if tag == "script"]
        assert len([values for values in scripts if "src" in values]) == 1, path
        assert len([values for values in scripts if not values]) == 1, path
        shown += page.text
    for name in (
        "<script>alert(1)</script>",
        "\"quoted\" & 'single'",
        "🦊 fox/den",
        "{{ 7 * 7 }} @title@",
        HOSTILE_LAYER,
    ):
        assert name in shown


def test_every_image_has_an_alternative_text(site: Path) -> None:
    for path, page in all_pages(site).items():
        for tag, values in page.elements:
            assert tag != "img" or "alt" in values, path


def test_every_page_has_its_landmarks_and_one_heading(site: Path) -> None:
    for path, page in all_pages(site).items():
        tags = [tag for tag, _ in page.elements]
        assert (tags.count("h1"), tags.count("main"), tags.count("title")) == (1, 1, 1), path
        assert {"header", "nav", "footer"} <= set(tags), path


def test_the_first_line_of_a_unit_answers_what_it_detects(hostile: Run) -> None:
    for path in (hostile.folder / "site" / "units" / "fire4").glob("*.html"):
        text = " ".join(Parsed(path).text.split())
        assert f"What does unit {path.stem} of fire4 detect? " in text


def test_the_number_of_pages_is_that_of_the_tables(hostile: Run) -> None:
    site = hostile.folder / "site"
    assert len(list(site.glob("units/*/*.html"))) == len(hostile.table("units"))
    assert len(list(site.glob("concepts/*.html"))) == len(hostile.table("concepts"))
    assert len(list(site.glob("layers/*.html"))) == len(hostile.table("layers"))
    assert len(list(site.glob("classes/*.html"))) == hostile.table("unit_ablations")["class"].nunique()


def test_empty_states_are_written(hostile: Run, bare: Run) -> None:
    site = hostile.folder / "site"
    expected = {
        "units/conv1/0.html": "The unit overlaps with no concept",
        "units/conv1/1.html": "No image of this run activates this unit",
        "layers/conv1.html": "No unit of this layer matches a concept",
        "concepts/con-.html": "No image of this run shows the concept.",
    }
    for href, sentence in expected.items():
        assert sentence in Parsed(site / href).text
    assert "No unit has an IoU above 0.04" in Parsed(bare.folder / "site" / "index.html").text
    assert "no tests against chance" in Parsed(bare.folder / "site" / "layers/conv1.html").text
    assert "no tests against chance" not in Parsed(site / "layers/conv1.html").text
    assert (
        "no confidence intervals and no tests against chance"
        in Parsed(bare.folder / "site" / "units/conv1/2.html").text
    )


def test_classes_have_a_page_only_where_there_are_any(hostile: Run, bare: Run) -> None:
    assert "ski resort 🎿" in Parsed(hostile.folder / "site" / "classes.html").text
    assert not (bare.folder / "site" / "classes.html").exists()
    assert not (bare.folder / "site" / "classes").exists()
    assert "Classes" not in Parsed(bare.folder / "site" / "index.html").text


def test_a_gallery_and_a_control_have_pages_only_where_there_are_any(hostile: Run, bare: Run) -> None:
    for kind in ("gallery", "control"):
        assert (hostile.folder / "site" / f"{kind}.html").is_file()
        assert not (bare.folder / "site" / f"{kind}.html").exists()
        assert f"{kind}.html" not in Parsed(bare.folder / "site" / "index.html").links
        assert f"{kind}.html" in Parsed(hostile.folder / "site" / "index.html").links


def test_what_a_study_says_of_its_images_is_text(hostile: Run) -> None:
    for href in ("index.html", "gallery.html"):
        page = Parsed(hostile.folder / "site" / href)
        assert 'Drawn by a <b class="x">program</b>, & never seen.' in page.text


def test_hand_written_pages_quote_the_study(hostile: Run) -> None:
    text = Parsed(hostile.folder / "site" / "method.html").text
    assert "IoU threshold of 0.04" in " ".join(text.split())
    assert "{{" not in text


def test_the_site_stands_alone(hostile: Run, tmp_path: Path) -> None:
    site = shutil.copytree(hostile.folder / "site", tmp_path / "elsewhere")
    assert not [path for path in site.rglob("*") if path.is_symlink()]
    assert len(pd.read_parquet(site / "tables" / "units.parquet")) == len(hostile.table("units"))
    assert (site / "manifest.json").is_file()


def test_a_second_build_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path) -> None:
    run = make_fake_run(tmp_path / "run", layers=1, units=2, hostile_names=False, concepts=4, images=3)
    first = build_site(run)
    (run.folder / "site" / "old.html").touch()
    before = first.read_text(encoding="utf-8")
    steps: list[tuple[int, int]] = []
    assert build_site(run.folder, lambda done, total: steps.append((done, total))) == first
    assert first.read_text(encoding="utf-8") == before
    assert not (run.folder / "site" / "old.html").exists()
    assert sorted(path.name for path in run.folder.iterdir()) == ["images", "manifest.json", "site", "tables"]
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))


def test_a_run_may_be_named_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_fake_run(tmp_path / "runs" / "mine", layers=1, units=2, hostile_names=False, concepts=4, images=3)
    monkeypatch.chdir(tmp_path)
    before = sorted(sources.SOURCES.rglob("*"))
    index = build_site(Path("runs/mine"))
    assert index == Path("runs/mine/site/index.html")
    assert {"index.html", "method.html", "icon.svg"} <= {path.name for path in index.parent.iterdir()}
    assert sorted(sources.SOURCES.rglob("*")) == before


def test_a_missing_library_is_named_with_its_remedy(
    hostile: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "VENDOR", tmp_path)
    before = (hostile.folder / "site" / "index.html").read_bytes()
    with pytest.raises(RunError, match=r"the library \S+\.m?js is missing .* pip install"):
        build_site(hostile)
    assert (hostile.folder / "site" / "index.html").read_bytes() == before


def test_a_full_disk_is_one_message_and_keeps_the_old_site(hostile: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = (hostile.folder / "site" / "index.html").read_bytes()
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match=r"No space left on device\. Free some space"):
        build_site(hostile)
    assert (hostile.folder / "site" / "index.html").read_bytes() == before


def test_a_run_is_rendered_without_torch_and_without_a_word(hostile: Run, vendor: Path) -> None:
    code = (
        "import sys, pathlib; from dissectory.report import build; from dissectory.report.frame import sources; "
        f"sources.VENDOR = pathlib.Path({str(vendor)!r}); build.build_site(pathlib.Path({str(hostile.folder)!r})); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
