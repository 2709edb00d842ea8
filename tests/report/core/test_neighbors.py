from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.report.core import neighbors
from dissectory.report.core.findings import Findings
from dissectory.report.core.neighbors import find_neighbors

if TYPE_CHECKING:
    from dissectory.analysis.run import Run


def slow_cosines(findings: Findings) -> list[list[float]]:
    """The cosine of every two units, from its definition."""
    profiles = []
    for place in range(len(findings.units)):
        rows = findings.pairs.of(place)
        profiles.append(dict(zip(rows["concept"].tolist(), rows["iou"].tolist(), strict=True)))

    def dot(one: dict[int, float], other: dict[int, float]) -> float:
        return sum(value * other.get(key, 0.0) for key, value in one.items())

    def cosine(one: dict[int, float], other: dict[int, float]) -> float:
        length = (dot(one, one) * dot(other, other)) ** 0.5
        return dot(one, other) / length if length else 0.0

    return [[cosine(one, other) for other in profiles] for one in profiles]


@pytest.mark.parametrize("block", [5, 512])
def test_neighbors_are_those_of_the_slow_cosine(hostile: Run, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(neighbors, "BLOCK", block)
    findings = Findings.read(hostile)
    cosines = slow_cosines(findings)
    found = find_neighbors(findings, most=4)
    layers = findings.units.layer.tolist()
    for place in range(len(layers)):
        for same, places in ((True, found.same_layer[place]), (False, found.other_layers[place])):
            candidates = [
                cosines[place][other]
                for other in range(len(layers))
                if other != place and (layers[other] == layers[place]) == same and cosines[place][other] > 0
            ]
            best = sorted(candidates, reverse=True)[:4]
            chosen = [other for other in places.tolist() if other >= 0]
            assert [cosines[place][other] for other in chosen] == pytest.approx(best, abs=1e-6)
            assert all((layers[other] == layers[place]) == same for other in chosen)


def test_a_unit_that_touches_nothing_has_no_neighbors(hostile: Run) -> None:
    findings = Findings.read(hostile)
    dead = int(np.flatnonzero(np.diff(findings.pairs.starts) == 0)[0])
    found = find_neighbors(findings)
    assert (found.same_layer[dead] == -1).all()
    assert (found.other_layers[dead] == -1).all()
    assert dead not in found.same_layer
    assert dead not in found.other_layers


def test_the_only_unit_of_the_only_layer_has_no_neighbors(bare: Run) -> None:
    found = find_neighbors(Findings.read(bare), most=9)
    assert found.same_layer.shape == (4, 9)
    assert (found.other_layers == -1).all()
