"""The search index: columns of numbers in a classic script, which a page loads at the first search.

A script can be loaded by a page opened from a folder too. 10,000 units take a few hundred kilobytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.categories import CATEGORIES
from dissectory.report.frame.scripts import embed
from dissectory.report.removals.reading import Removals

if TYPE_CHECKING:
    from dissectory.report.core.findings import Findings, Ints
    from dissectory.report.site import Site

OTHERS = 2
"""The number of concepts by which a unit is found, besides its label."""


def search_index(site: Site) -> str:
    """Write the search index as a script.

    `units` has columns in the order of places: layer, unit, thousandths of IoU, whether the unit matches, whether its
    label may be chance, and its best concepts, -1 if there are fewer.
    """
    findings, chips, removals = site.findings, site.chips, site.reading(Removals)
    units = findings.units
    index = {
        "layers": [
            [layer.name, layer.slug, layer.units, layer.matched_units, layer.matched_significant]
            for layer in findings.layers
        ],
        "concepts": [[concept.name, concept.slug, CATEGORIES.index(concept.category)] for concept in findings.concepts],
        "classes": [[one.name, one.slug] for one in (removals.classes if removals else ())],
        "categories": CATEGORIES,
        "cutAt": float(chips.cut_at),
        "scale": chips.scale,
        "units": {
            "layer": units.layer.tolist(),
            "unit": units.unit.tolist(),
            "iou": np.rint(units.iou * 1000).astype(int).tolist(),
            "matched": units.matched.astype(int).tolist(),
            "doubtful": units.doubtful.astype(int).tolist(),
            "concepts": [column.tolist() for column in _best_concepts(findings)],
        },
    }
    return f"window.dissectoryIndex={embed(index)};\n"


def _best_concepts(findings: Findings) -> list[Ints]:
    """Return the label of every unit and the next best concepts, as columns."""
    pairs, units = findings.pairs, findings.units
    columns = [units.concept]
    for rank in range(1, OTHERS + 1):
        places = pairs.starts[:-1] + rank
        inside = places < pairs.starts[1:]
        column = np.full(len(units), -1, dtype=np.int64)
        column[inside] = pairs.columns["concept"][places[inside]]
        columns.append(column)
    return columns
