"""The search index: columns of numbers in a classic script, which a page reads when somebody begins to search.

It works from a folder, where a browser fetches nothing, and 10,000 units are a few hundred kilobytes.
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
"""Runner-up concepts by which a unit is found, beside its label."""


def search_index(site: Site) -> str:
    """Write the index as a script that hands it to the page.

    `units` are columns in the order of places: layer, unit, thousandths of IoU, whether it matches, whether its label
    could be chance, and its best concepts, -1 for none.
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
    """The label of every unit, then its runners-up, as columns."""
    pairs, units = findings.pairs, findings.units
    columns = [units.concept]
    for rank in range(1, OTHERS + 1):
        places = pairs.starts[:-1] + rank
        inside = places < pairs.starts[1:]
        column = np.full(len(units), -1, dtype=np.int64)
        column[inside] = pairs.columns["concept"][places[inside]]
        columns.append(column)
    return columns
