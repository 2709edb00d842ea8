from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dissectory.report.frame.search import search_index
from dissectory.report.site import Site

if TYPE_CHECKING:
    from dissectory.analysis.run import Run


def test_the_index_holds_every_unit_with_its_best_concepts(hostile: Run) -> None:
    site = Site(hostile)
    findings, script = site.findings, search_index(site)
    assert script.startswith("window.dissectoryIndex=")
    assert "<" not in script
    index = json.loads(script.removeprefix("window.dissectoryIndex=").rstrip(";\n"))
    columns = index["units"]
    assert {len(columns[name]) for name in ("layer", "unit", "iou", "matched", "doubtful")} == {len(findings.units)}
    assert columns["doubtful"] == [int(q > 0.05) for q in findings.units.q_value]
    assert [layer[4] for layer in index["layers"]] == [layer.matched_significant for layer in findings.layers]
    for place in range(len(findings.units)):
        best = findings.pairs.of(place, 3)["concept"].tolist()
        found = [column[place] for column in columns["concepts"]]
        assert found == best + [-1] * (3 - len(best))
    assert [concept[0] for concept in index["concepts"]] == [concept.name for concept in findings.concepts]
