"""The chrome of the site: mkdocs renders the hand-written pages, and one empty shell for each kind of page.

A shell is a page whose title and content are marks; thousands of pages are written by putting text between the
pieces of one shell. mkdocs renders each shell at the depth of its pages, so that relative links are right.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import escape
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.base import Config
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import File

from dissectory.report.frame.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import jinja2
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page as Source

    from dissectory.report.pages import Page


@dataclass(frozen=True, slots=True)
class Shell:
    """One kind of page without its title and content; `root` leads from it to the root of the site."""

    head: str
    middle: str
    tail: str
    root: str

    def page(self, title: str, content: str) -> str:
        """Write a page; `content` is HTML, `title` is plain text."""
        return f"{self.head}{escape(title)}{self.middle}{content}{self.tail}"


@dataclass(frozen=True, slots=True)
class Marks:
    """Where title and content will stand; random, so that no name in a run can be taken for them."""

    title: str
    content: str

    @classmethod
    def fresh(cls) -> Marks:
        """Make marks that occur nowhere else."""
        token = secrets.token_hex(12)
        return cls(f"title-{token}", f"content-{token}")

    def split(self, html: str, root: str) -> Shell:
        """Take a rendered shell apart."""
        head, title, rest = html.partition(self.title)
        middle, content, tail = rest.partition(self.content)
        if not title or not content:
            raise ValueError("a shell needs the marks of the title and the content, in this order")
        return Shell(head, middle, tail, root)


def build_chrome(folder: Path, name: str, facts: Mapping[str, str], pages: Sequence[Page]) -> dict[str, Shell]:
    """Render the hand-written pages into `folder`, and return the shells by their names.

    Args:
        folder: becomes the site; what is in it is removed.
        name: of the site.
        facts: what hand-written pages can quote, as `{{ name }}`.
        pages: the kinds of pages that the site has, in the order of the navigation.
    """
    collector = _Collector(Marks.fresh(), facts, pages)
    with _quiet():
        # mkdocs takes a relative folder to be beside its own file: it is given an absolute one.
        config = load_config(str(SOURCES / "mkdocs.yml"), site_dir=str(folder.resolve()), site_name=name)
        config.plugins["dissectory"] = collector
        build(config)
    return collector.shells


class _NoOptions(Config):  # type: ignore[no-untyped-call] # mkdocs leaves its hook untyped
    """The collector is given what it needs in Python."""


class _Collector(BasePlugin[_NoOptions]):  # type: ignore[no-untyped-call] # the same
    """What happens between mkdocs and the site: marks go in, shells come out."""

    def __init__(self, marks: Marks, facts: Mapping[str, str], pages: Sequence[Page]) -> None:
        super().__init__()
        self.marks = marks
        self.facts = facts
        self.pages = pages
        self.shells: dict[str, Shell] = {}

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        config.theme.static_templates.clear()  # no sitemap: it needs the address of the site
        config.extra["marks"] = self.marks
        config.nav = [{page.nav: page.source} for page in self.pages if page.nav]
        return config

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        if sitemap := files.get_file_from_path("sitemap.xml"):
            files.remove(sitemap)
        for page in self.pages:
            if page.make:
                files.append(File.generated(config, page.source, content=f"---\nshell: {page.kind}\n---\n"))
        return files

    def on_env(self, env: jinja2.Environment, *, config: MkDocsConfig, files: Files) -> jinja2.Environment:  # noqa: ARG002
        env.autoescape = True  # mkdocs trusts every name; a run's title is nobody's to trust
        return env

    def on_page_markdown(self, markdown: str, *, page: Source, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG002
        for name, value in self.facts.items():
            markdown = markdown.replace("{{ " + name + " }}", str(escape(value)))
        return markdown

    def on_post_page(self, output: str, *, page: Source, config: MkDocsConfig) -> str:  # noqa: ARG002
        shell = page.meta.get("shell")
        if shell is None:
            return output
        self.shells[shell] = self.marks.split(output, "../" * page.file.src_uri.count("/"))
        return ""  # an empty page is not written


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let mkdocs speak of errors only: what it has to say is about pages that the user did not write."""
    log = logging.getLogger("mkdocs")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
