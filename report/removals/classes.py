"""The page of all classes: how well does the network recognize them, and which lose most without their units?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.tables.core import CLASSES
from dissectory.report import words
from dissectory.report.removals.curve_charts import CALLED_OUT
from dissectory.report.removals.reading import Removals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dissectory.report.core.findings import Findings
    from dissectory.report.site import Site

MEASURES = ("balanced_accuracy", "recall", "precision", "accuracy")


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class; `href` is its page, if it has one; `cells` has pairs of a text and the value that it sorts by."""

    name: str
    href: str
    images: int
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ClassesPage:
    """The page of all classes."""

    title: str
    answer: str
    remark: str
    head: tuple[tuple[str, str], ...]
    rows: tuple[ClassRow, ...]


@dataclass(frozen=True, slots=True)
class _Lost:
    """The change of balanced accuracy without a number of units, by the name of the class."""

    head: tuple[str, str]
    changes: Mapping[str, float]

    def cell(self, name: str) -> tuple[str, str]:
        """Return what a class loses, and the value that it sorts by; empty if it is not known."""
        change = self.changes.get(name)
        return ("", "-9") if change is None else (words.signed_percent(change, decimals=1), f"{-change:.6f}")


def classes_page(site: Site) -> ClassesPage | None:
    """Make the page of all classes; `None` if the images have no classes."""
    findings, removals = site.findings, site.reading(Removals)
    if findings.classes is None:
        return None
    frame = findings.classes[findings.classes["split"] == "all"]
    if frame.empty:
        return None
    known = frame["balanced_accuracy"].dropna()
    mean = f", {words.percent(float(known.mean()))} on average" if len(known) else ""
    pages = {one.name: one.href for one in removals.classes} if removals else {}
    lost = _lost(findings, removals) if removals else None
    names = frame["class"].astype(str).tolist()
    columns = [frame[name].to_numpy(np.float64, na_value=np.nan).tolist() for name in MEASURES]
    rows = []
    for name, images, *measures in zip(names, frame["images"].tolist(), *columns, strict=True):
        cells = tuple(_cell(value) for value in measures)
        row = ClassRow(name, pages.get(name, ""), images, (cells[0], lost.cell(name), *cells[1:]) if lost else cells)
        rows.append(row)
    head = [(name.replace("_", " "), CLASSES[name].meaning) for name in MEASURES]
    return ClassesPage(
        title="Classes",
        answer=f"{words.count(len(names), 'class', 'classes')}{mean}.",
        remark="This is balanced accuracy: the mean of recall and the true negative rate. Chance level is 50 %."
        + (" Classes without an output of the network have no accuracy." if len(known) < len(frame) else ""),
        head=(head[0], lost.head, *head[1:]) if lost else tuple(head),
        rows=tuple(rows),
    )


def _lost(findings: Findings, removals: Removals) -> _Lost | None:
    """Return what each class loses without its most important units of the last layer; `None` if not measured."""
    layer = removals.layers[-1]
    for size in reversed(CALLED_OUT):
        found = {}
        for number, loss in removals.losses[layer].items():
            before, after = (loss.remove.at(units) if loss.remove else None for units in (0, size))
            if before is not None and after is not None and math.isfinite(after - before):
                found[removals.classes[number].name] = after - before
        if found:
            meaning = (
                f"change of balanced accuracy without the class's {size} most important units of "
                f"{findings.layers[layer].name}, on the reporting split of the images"
            )
            return _Lost((f"without {size} units", meaning), found)
    return None


def _cell(value: float) -> tuple[str, str]:
    return (words.share(value), f"{value:.6f}") if math.isfinite(value) else ("", "-1")
