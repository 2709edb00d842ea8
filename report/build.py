"""From a run to its site.

    index = build_site(Path("runs/squeezenet"))

The site is a folder that needs nothing else: it opens from a disk, from a sub-path of any host, and without a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dissectory.analysis.run import Run
from dissectory.report.frame.assets import copy_assets
from dissectory.report.frame.facts import study_facts
from dissectory.report.frame.folders import check_old, link_run, replacing
from dissectory.report.frame.search import search_index
from dissectory.report.frame.shells import build_chrome
from dissectory.report.frame.writer import Writer
from dissectory.report.pages import make_pages
from dissectory.report.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from dissectory.report.frame.views import View
    from dissectory.report.pages import Page


def build_site(run: Run | Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """Build the site of a run into its folder `site`, whole or not at all.

    Args:
        run: a finished run, or its folder.
        progress: called with the number of pages written and of all pages.

    Returns:
        The site's first page.

    Raises:
        RunError: the run is not finished, cannot be read, or its folder cannot be written.
    """
    site = Site(run if isinstance(run, Run) else Run(Path(run)))
    target = site.run.folder / "site"
    check_old(target)
    made = make_pages(site)
    total = sum(len(views) for _, views in made)
    with replacing(target) as folder:
        _write_site(site, made, folder, lambda done: progress(done, total) if progress else None)
        for child in site.children:
            _write_site(child, make_pages(child), folder / child.run.folder.name, lambda _done: None)
    return target / "index.html"


def _write_site(
    site: Site, made: Sequence[tuple[Page, Collection[View]]], folder: Path, done: Callable[[int], None]
) -> None:
    """Write a site into a folder: the chrome first, which empties the folder, then the pages and all other files."""
    shells = build_chrome(folder, site.title, study_facts(site.findings), [page for page, _ in made])
    copy_assets(folder)
    link_run(site.run, folder)
    writer = Writer(folder, shells, site.chips.shared, done)
    for page, views in made:
        writer.write(page, views)
        if page.files:
            page.files(site, folder)
    (folder / "search-index.js").write_text(search_index(site), encoding="utf-8")
