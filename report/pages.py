"""All pages of a site, in the order of the navigation: each kind of page is declared here, and nowhere else.

The navigation, the shells, the pages that a run lacks and the number of pages come from this list. A new page needs a
view model, a template and one line of the list; a plug-in calls `register`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.report.artifacts.page import artifacts_page
from dissectory.report.attacks.page import attacks_page
from dissectory.report.compare.page import compare_page
from dissectory.report.control.page import control_page
from dissectory.report.core.concept import concept_pages, concepts_page
from dissectory.report.core.data import data_page
from dissectory.report.core.gallery import gallery_page
from dissectory.report.core.home import home_page
from dissectory.report.core.layer import layer_pages
from dissectory.report.core.unit import unit_pages
from dissectory.report.paint.page import paint_page
from dissectory.report.paint.reading import copy_painting
from dissectory.report.removals.class_page import class_pages
from dissectory.report.removals.classes import classes_page
from dissectory.report.switchboard.reading import write_switchboards

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dissectory.report.frame.views import LinkedView, View
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Page:
    """One kind of page.

    Args:
        kind: its name.
        nav: its name in the navigation; without one, only links lead to it.
        make: returns the page's view model, many view models if there are many pages of the kind, or `None` if the run
            has no such page. Without `make`, the page is written by hand: `site/docs/<kind>.md`.
        address: its file, from the root of the site, where `*` stands for what differs between many pages of a kind;
            `<kind>.html` by default.
        template: the file of its template; `templates/pages/<kind>.html` by default.
        files: writes other files that the page needs into the folder of the site.
    """

    kind: str
    nav: str = ""
    make: Callable[[Site], View | Iterable[LinkedView] | None] | None = None
    address: str = ""
    template: Path | None = None
    files: Callable[[Site, Path], None] | None = None

    @property
    def href(self) -> str:
        """The page's file, or the pattern of the files of many pages."""
        return self.address or f"{self.kind}.html"

    @property
    def source(self) -> str:
        """The page's source for mkdocs; that of a shell has the depth of its pages."""
        return self.href.replace("*", "shell").removesuffix(".html") + ".md"

    def views(self, site: Site) -> Collection[View]:
        """Return the view models of the page: none if the run has no such page."""
        made = self.make(site) if self.make else None
        if made is None:
            return ()
        if isinstance(made, Iterable):
            return made if isinstance(made, Collection) else tuple(made)
        return (made,)

    def file_of(self, view: View) -> str:
        """Return the file of a view model's page, from the root of the site."""
        return str(getattr(view, "href")) if "*" in self.href else self.href  # noqa: B009 - only many views have one


PAGES = [
    Page("home", "Overview", home_page, address="index.html"),
    Page("gallery", "Gallery", gallery_page),
    Page("concepts", "Concepts", concepts_page),
    Page("classes", "Classes", classes_page),
    Page("control", "Control", control_page),
    Page("compare", "Compare", compare_page),
    Page("attacks", "Attacks", attacks_page),
    Page("artifacts", "Artifacts", artifacts_page),
    Page("paint", "Paint", paint_page, files=copy_painting),
    Page("data", "Data", data_page),
    Page("method", "Method"),
    Page("glossary", "Glossary"),
    Page("layer", make=layer_pages, address="layers/*.html"),
    Page("concept", make=concept_pages, address="concepts/*.html"),
    Page("class", make=class_pages, address="classes/*.html", files=write_switchboards),
    Page("unit", make=unit_pages, address="units/*/*.html"),
]
"""All pages, those of the navigation in its order; `register` adds to it."""


def register(page: Page) -> None:
    """Add a page to every site that is built from now on.

    Raises:
        ValueError: there is already a page of that kind or with that address.
    """
    for other in PAGES:
        if other.kind == page.kind:
            raise ValueError(f"there is already a page of the kind '{page.kind}': give the new page another kind")
        if other.href == page.href:
            raise ValueError(
                f"the page '{other.kind}' already has the address {page.href}: give the page '{page.kind}' another one"
            )
    PAGES.append(page)


def make_pages(site: Site) -> list[tuple[Page, Collection[View]]]:
    """Return the pages that a site has, each with its view models; a page written by hand has none."""
    made = [(page, page.views(site)) for page in PAGES]
    return [(page, views) for page, views in made if views or page.make is None]
