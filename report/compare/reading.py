"""Two networks with a common vocabulary: what their units match at each depth, and the best unit of each concept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.categories import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy.typing as npt

    from dissectory.report.core.findings import DissectedConcept, Findings
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class LayerMatches:
    """A layer at a `depth`, 0 for the study's first one to 1 for its last; `counts` are in `CATEGORIES`' order."""

    name: str
    depth: float
    units: int
    counts: tuple[int, ...]

    def share(self, category: str) -> float:
        """Return the share of the layer's units that match a concept of a category."""
        return self.counts[CATEGORIES.index(category)] / self.units if self.units else 0.0


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """A network of a comparison: its name, the folder of its site seen from the page, its findings and layers."""

    title: str
    root: str
    findings: Findings
    layers: tuple[LayerMatches, ...] = ()

    @classmethod
    def of(cls, findings: Findings, title: str, root: str = "") -> ComparedNetwork:
        """Return a network whose units are not counted yet."""
        return cls(title, root, findings)

    def over(self, concepts: Collection[int]) -> ComparedNetwork:
        """Count the matched units of every layer by category, among some concepts only, which are given by row."""
        last = max(1, len(self.findings.layers) - 1)
        matches = _matches(self.findings, concepts)
        layers = []
        for place, layer in enumerate(self.findings.layers):
            rows = matches[layer.first : layer.last].tolist()
            names = [self.findings.concepts[row].category for row in rows if row >= 0]
            counts = tuple(names.count(category) for category in CATEGORIES)
            layers.append(LayerMatches(layer.name, place / last, layer.last - layer.first, counts))
        return replace(self, layers=tuple(layers))

    @property
    def draws(self) -> bool:
        """Whether the network is a generator: then the image comes after its last layer."""
        return bool(self.findings.manifest.study.get("model", {}).get("kind") == "generator")

    def peak(self, categories: tuple[str, ...]) -> LayerMatches | None:
        """Return the layer with the most units of some categories, as a share; `None` if no unit matches one."""
        shares = [sum(layer.share(category) for category in categories) for layer in self.layers]
        return self.layers[int(np.argmax(shares))] if any(shares) else None


@dataclass(frozen=True, slots=True)
class Fit:
    """The best unit of a concept, by its place; -1 if no unit overlaps with the concept."""

    place: int
    iou: float


@dataclass(frozen=True, slots=True)
class SharedConcept:
    """A concept that both networks were dissected for, with the best unit of each."""

    concept: DissectedConcept
    fits: tuple[Fit, Fit]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A network and a related one; `shared` has the concepts that both were dissected for."""

    networks: tuple[ComparedNetwork, ComparedNetwork]
    shared: tuple[SharedConcept, ...]

    @classmethod
    def read(cls, site: Site) -> Comparison | None:
        """Compare a network with that of the first related run; `None` if there is no such run.

        Raises:
            RunError: a table is unreadable or of another version.
        """
        if not site.children:
            return None
        other, link = site.children[0], site.children[0].link
        root = link.href.removesuffix("index.html")
        return cls.of(
            ComparedNetwork.of(site.findings, site.title), ComparedNetwork.of(other.findings, link.title, root)
        )

    @classmethod
    def of(cls, one: ComparedNetwork, other: ComparedNetwork) -> Comparison | None:
        """Compare two networks; `None` if no concept is in both vocabularies."""
        theirs = {(concept.name, concept.category): concept for concept in other.findings.concepts}
        shared = tuple(
            SharedConcept(concept, (_best(one.findings, concept), _best(other.findings, match)))
            for concept in one.findings.concepts
            if (match := theirs.get((concept.name, concept.category)))
        )
        if not shared:
            return None
        matches = [theirs[fit.concept.name, fit.concept.category].row for fit in shared]
        return cls((one.over([fit.concept.row for fit in shared]), other.over(matches)), shared)


def _matches(findings: Findings, concepts: Collection[int]) -> npt.NDArray[np.int64]:
    """Return for every unit `(unit,)` the row of its best match among some concepts; -1 if it matches none of them."""
    starts, pairs = findings.pairs.starts, findings.pairs.columns
    places = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    kept = np.isin(pairs["concept"], list(concepts)) & (pairs["iou"] > findings.iou_threshold)
    kept &= ~findings.units.flat[places]
    found = np.full(len(starts) - 1, -1, dtype=np.int64)
    known, first = np.unique(places[kept], return_index=True)
    found[known] = pairs["concept"][kept][first]
    return found


def _best(findings: Findings, concept: DissectedConcept) -> Fit:
    best = findings.by_concept.of(concept.row, 1)
    return Fit(int(best["place"][0]), float(best["iou"][0])) if len(best["iou"]) else Fit(-1, 0.0)
