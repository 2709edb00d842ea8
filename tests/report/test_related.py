"""A run in another one's folder: its site is built into the other's, and each links to the other."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from fakes.run import make_fake_run

from dissectory.analysis.run import Manifest, Related, Run
from dissectory.errors import RunError
from dissectory.report.build import build_site

if TYPE_CHECKING:
    from pathlib import Path


def with_related(folder: Path, *related: Related) -> Run:
    run = make_fake_run(folder, layers=1, units=3, control=False, gallery=False)
    run.write_manifest(replace(run.manifest, related=related))
    return Run(folder)


def test_both_sites_are_built_and_link_to_each_other(tmp_path: Path) -> None:
    run = with_related(tmp_path, Related("a <generator>", "beside"), Related("never finished", "nowhere"))
    make_fake_run(tmp_path / "beside", layers=1, units=2, control=False, gallery=False)
    site = build_site(run).parent
    home, other = (site / "index.html").read_text(), (site / "beside" / "index.html").read_text()
    assert '<a href="beside/index.html">a &lt;generator&gt;</a>' in home
    assert "never finished" not in home
    assert '<a href="../index.html">' in other
    assert (site / "beside" / "units").is_dir()
    assert (site / "beside" / "tables" / "units.parquet").is_file()
    build_site(Run(tmp_path))  # once more, over the old one
    assert (site / "beside" / "index.html").is_file()


@pytest.mark.parametrize("folder", ["javascript:alert(1)", "50% #2?", "été"])
def test_a_link_leads_to_the_folder_whatever_it_is_called(tmp_path: Path, folder: str) -> None:
    run = with_related(tmp_path, Related("another", folder))
    make_fake_run(tmp_path / folder, layers=1, units=2, control=False, gallery=False)
    (link,) = re.findall(r'<a href="([^"]*)">another</a>', build_site(run).read_text())
    assert urlsplit(link)[:2] == ("", "")
    assert (tmp_path / "site" / unquote(urlsplit(link).path)).is_file()


def test_a_run_alone_links_to_none(tmp_path: Path) -> None:
    assert "See also" not in build_site(with_related(tmp_path)).read_text()


@pytest.mark.parametrize("folder", ["..", "a/b", "../other", "/other", ""])
def test_related_runs_lie_in_the_run_s_own_folder(tmp_path: Path, folder: str) -> None:
    with pytest.raises(RunError, match="is not a folder of it"):
        build_site(with_related(tmp_path, Related("another", folder)))


def test_manifests_keep_related_runs() -> None:
    manifest = Manifest({}, related=(Related("another", "beside"),))
    assert Manifest.from_json(manifest.to_json()) == manifest
