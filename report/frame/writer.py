"""Write pages: a template renders a view model into a shell."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import jinja2
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from dissectory.report.core.chips import ConceptLink, UnitChip
    from dissectory.report.frame.shells import Shell
    from dissectory.report.frame.views import View
    from dissectory.report.pages import Page

    Link: TypeAlias = "ConceptLink | UnitChip"


@cache
def environment() -> jinja2.Environment:
    """Return the environment of the templates: every value is escaped, and a missing value is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("dissectory", "templates/pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Once:
    """A macro for links that many pages of a kind show: each link is rendered once."""

    def __init__(self, render: Callable[[Link, str], Markup], root: str) -> None:
        self._render = render
        self._root = root
        self._known: dict[str, Markup] = {}

    def __call__(self, link: Link) -> Markup:
        """The link as HTML."""
        if link.href not in self._known:
            self._known[link.href] = self._render(link, self._root)
        return self._known[link.href]


class Writer:
    """Writes the pages of one site.

    Args:
        folder: of the site.
        shells: by their names.
        shared: what all templates can use: `cut_at`, the IoU threshold on small bars in percent, and `unit_columns`,
            the number of tiles side by side in a unit's sprite.
        done: called with the number of pages written so far.
    """

    def __init__(
        self, folder: Path, shells: dict[str, Shell], shared: dict[str, str], done: Callable[[int], None]
    ) -> None:
        self._folder = folder
        self._shells = shells
        self._shared = shared
        self._done = done
        self._written = 0

    def write(self, page: Page, views: Iterable[View]) -> None:
        """Write all pages of a kind; view models are made and forgotten one at a time."""
        if page.make is None:  # mkdocs has written this page
            return
        shell = self._shells[page.kind]
        template = self._template(page, shell.root)
        for view in views:
            content = Markup(template.render(page=view))  # noqa: S704 - the template has escaped every value
            path = self._folder / page.file_of(view)
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True)
            path.write_text(shell.page(view.title, content), encoding="utf-8")
            self._written += 1
            self._done(self._written)

    def _template(self, page: Page, root: str) -> jinja2.Template:
        """Compile the template of a kind of page once, with what all its pages share."""
        # Pages do not import the macros themselves: that would run them again for each page.
        pieces, edited = (environment().get_template(f"_{name}.html").module for name in ("pieces", "edited"))
        once = {macro: _Once(getattr(pieces, macro), root) for macro in ("card", "concept")}
        shared = {"root": root, "pieces": pieces, "edited": edited, **once, **self._shared}
        if page.template:
            return environment().from_string(page.template.read_text(encoding="utf-8"), globals=shared)
        return environment().get_template(f"{page.kind}.html", globals=shared)
