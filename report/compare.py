"""Two networks on the same vocabulary: what their units match at each depth, and how well each concept is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.schema import CATEGORIES

if TYPE_CHECKING:
    from dissectory.report.findings import Concept, Findings


@dataclass(frozen=True, slots=True)
class LayerMatches:
    """A layer at a `depth`, 0 for the study's first one to 1 for its last; `counts` are in `CATEGORIES`' order."""

    name: str
    depth: float
    units: int
    counts: tuple[int, ...]

    def share(self, category: str) -> float:
        """Share of its units that match a concept of a category."""
        return self.counts[CATEGORIES.index(category)] / self.units if self.units else 0.0


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a comparison: its name, the folder of its site seen from the page, its findings and layers."""

    title: str
    root: str
    findings: Findings
    layers: tuple[LayerMatches, ...]

    @classmethod
    def of(cls, findings: Findings, title: str, root: str = "") -> Network:
        """Count the matched units of every layer by category."""
        units, last = findings.units, max(1, len(findings.layers) - 1)
        categories = [concept.category for concept in findings.concepts]
        layers = []
        for place, layer in enumerate(findings.layers):
            inside = slice(layer.first, layer.last)
            labels = units.concept[inside][units.matched[inside]].tolist()
            names = [categories[row] for row in labels if row >= 0]
            counts = tuple(names.count(category) for category in CATEGORIES)
            layers.append(LayerMatches(layer.name, place / last, layer.last - layer.first, counts))
        return cls(title, root, findings, tuple(layers))

    def peak(self, categories: tuple[str, ...]) -> LayerMatches | None:
        """The layer with the largest share of units of some categories; None where no unit matches any."""
        shares = [sum(layer.share(category) for category in categories) for layer in self.layers]
        return self.layers[int(np.argmax(shares))] if any(shares) else None


@dataclass(frozen=True, slots=True)
class Fit:
    """The unit that fits a concept best, by its place; -1 where none touches it."""

    place: int
    iou: float


@dataclass(frozen=True, slots=True)
class SharedConcept:
    """A concept that both networks were dissected for, with the best unit of each."""

    concept: Concept
    fits: tuple[Fit, Fit]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A network and a related one; `shared` are the concepts of both, by name."""

    networks: tuple[Network, Network]
    shared: tuple[SharedConcept, ...]

    @classmethod
    def of(cls, one: Network, other: Network) -> Comparison | None:
        """Compare two networks; None where no concept is in both vocabularies."""
        theirs = {(concept.name, concept.category): concept for concept in other.findings.concepts}
        shared = tuple(
            SharedConcept(concept, (_best(one.findings, concept), _best(other.findings, match)))
            for concept in one.findings.concepts
            if (match := theirs.get((concept.name, concept.category)))
        )
        return cls((one, other), shared) if shared else None


def _best(findings: Findings, concept: Concept) -> Fit:
    best = findings.by_concept.of(concept.row, 1)
    return Fit(int(best["place"][0]), float(best["iou"][0])) if len(best["iou"]) else Fit(-1, 0.0)
