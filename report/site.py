"""A run as its pages see it: each reading of the run's files is made once, when the first page asks for it.

site = Site(run)
site.findings.layers
site.reading(Control)      # None if the run has no control
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, cast
from urllib.parse import quote

import numpy as np

from dissectory.analysis.run import Run
from dissectory.errors import RunError
from dissectory.report.core.chips import Chips
from dissectory.report.core.findings import Findings

if TYPE_CHECKING:
    from dissectory.report.core.findings import Ints

Found_co = TypeVar("Found_co", covariant=True)
Found = TypeVar("Found")


class Readable(Protocol[Found_co]):
    """A class that reads itself from a run, such as `Control`; `read` returns `None` if the run has nothing of it."""

    def read(self, site: Site, /) -> Found_co | None:
        """Read the tables and files that the class stands for."""


@dataclass(frozen=True, slots=True)
class SiteLink:
    """A link to the site of a related run."""

    title: str
    href: str


class Site:
    """What the pages of one run are made from.

    Args:
        run: a finished run.
        given: readings that stand in for those of the run.
        parent: the site in whose folder this one lies.
        link: how the parent's pages name and reach this site.
    """

    def __init__(self, run: Run, *given: object, parent: Site | None = None, link: SiteLink | None = None) -> None:
        self.run = run
        self.parent = parent
        self.link = link or SiteLink("", "index.html")
        self._readings: dict[object, object] = {type(one): one for one in given}

    @cached_property
    def findings(self) -> Findings:
        """The tables of the dissection."""
        return cast("Findings", self._readings.get(Findings)) or Findings.read(self.run)

    @cached_property
    def chips(self) -> Chips:
        """Links to units and concepts, with their bars on one scale."""
        return Chips(self.findings)

    @cached_property
    def matched(self) -> Ints:
        """The number of units that match each concept `(concept,)`."""
        units = self.findings.units
        labels = units.concept[units.matched & (units.concept >= 0)]
        return np.bincount(labels, minlength=len(self.findings.concepts)).astype(np.int64)

    @cached_property
    def title(self) -> str:
        """The run's title; without one, the model's source."""
        manifest = self.findings.manifest
        return manifest.title or str(manifest.study.get("model", {}).get("source", "")) or "A dissected network"

    @cached_property
    def children(self) -> tuple[Site, ...]:
        """The sites of the finished related runs, which lie in folders of this one; they have no children themselves.

        Raises:
            RunError: a related run is not in a folder of this run.
        """
        sites = []
        for related in self.run.manifest.related if self.parent is None else ():
            if related.folder in {"", ".."} or Path(related.folder).name != related.folder:
                raise RunError(f"{self.run.folder}: the related run '{related.folder}' is not a folder of it")
            if (run := Run(self.run.folder / related.folder)).finished:
                link = SiteLink(related.title, f"{quote(related.folder)}/index.html")
                sites.append(Site(run, parent=self, link=link))
        return tuple(sites)

    @property
    def related(self) -> tuple[SiteLink, ...]:
        """Links to the sites of related runs: the children, or the parent."""
        if self.parent:
            return (SiteLink(self.parent.title, "../index.html"),)
        return tuple(site.link for site in self.children)

    def reading(self, kind: Readable[Found]) -> Found | None:
        """Return what a class reads from the run; `None` if the run has nothing of it.

        Raises:
            RunError: a table or a file is missing, unreadable or of another version.
        """
        if kind not in self._readings:
            self._readings[kind] = kind.read(self)
        return cast("Found | None", self._readings[kind])
