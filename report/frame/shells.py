"""The chrome of the site: mkdocs renders the hand-written pages, and one empty shell for each kind of page.

A shell is a page with marks in place of title and content; a page is written by putting its text between the pieces of
the shell. mkdocs renders each shell at the depth of its pages, so relative links are right.
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
    """A kind of page without title and content; `root` leads from the page to the root of the site."""

    head: str
    middle: str
    tail: str
    root: str

    def page(self, title: str, content: str) -> str:
        """Write a page; `content` is HTML, `title` is plain text."""
        return f"{self.head}{escape(title)}{self.middle}{content}{self.tail}"


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of title and content; they are random, so no name in a run can equal them."""

    title: str
    content: str

    @classmethod
    def fresh(cls) -> Marks:
        """Make new marks."""
        token = secrets.token_hex(12)
        return cls(f"title-{token}", f"content-{token}")

    def split(self, html: str, root: str) -> Shell:
        """Split a rendered shell at its marks."""
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
        facts: what hand-written pages can quote as `{{ name }}`.
        pages: the kinds of pages that the site has, in the order of the navigation.
    """
    collector = _Collector(Marks.fresh(), facts, pages)
    with _quiet():
        # mkdocs resolves a relative folder against its own file, so the folder is absolute.
        config = load_config(str(SOURCES / "mkdocs.yml"), site_dir=str(folder.resolve()), site_name=name)
        config.plugins["dissectory"] = collector
        build(config)
    return collector.shells


class _NoOptions(Config):  # type: ignore[no-untyped-call] # mkdocs leaves its hook untyped
    """The collector has no options in mkdocs.yml."""


class _Collector(BasePlugin[_NoOptions]):  # type: ignore[no-untyped-call] # the same
    """The plugin of mkdocs that adds shells with marks, and collects them when they are rendered."""

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
        env.autoescape = True  # mkdocs escapes no names, but the title of a run is untrusted text
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
        return ""  # mkdocs writes no empty page


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let mkdocs log errors only: its warnings are about pages that the user did not write."""
    log = logging.getLogger("mkdocs")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
