"""A site's readings: made once, given instead of read, and missing if the run has nothing of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dissectory.report.control.reading import Control
from dissectory.report.core.neighbors import Neighbors
from dissectory.report.site import Site

if TYPE_CHECKING:
    from dissectory.analysis.run import Run


def test_a_reading_is_made_once(hostile: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(hostile)
    first = site.reading(Control)
    assert first is not None
    monkeypatch.setattr(Control, "read", lambda _site: pytest.fail("read twice"))
    assert site.reading(Control) is first
    assert site.findings is site.findings


def test_a_missing_reading_is_none_and_looked_for_once(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(bare)
    assert site.reading(Control) is None
    monkeypatch.setattr(Control, "read", lambda _site: pytest.fail("read twice"))
    assert site.reading(Control) is None
    assert site.reading(Neighbors) is not None


def test_given_readings_stand_in_for_those_of_the_run(hostile: Run) -> None:
    control = Site(hostile).reading(Control)
    assert control is not None
    other = dataclasses.replace(control, source="another one")
    findings = dataclasses.replace(Site(hostile).findings, image_paths=())
    site = Site(hostile, other, findings)
    assert site.reading(Control) is other
    assert site.findings is findings


def test_the_units_of_each_concept_are_counted(hostile: Run) -> None:
    site, units = Site(hostile), hostile.table("units")
    matched = units[units["matched"]]["concept"].astype(str).tolist()
    assert site.matched.tolist() == [matched.count(concept.name) for concept in site.findings.concepts]
    assert int(site.matched.sum()) == int(np.count_nonzero(units["matched"]))


def test_a_run_without_related_runs_stands_alone(bare: Run) -> None:
    site = Site(bare)
    assert site.children == ()
    assert site.related == ()
