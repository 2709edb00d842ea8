"""What the hand-written pages quote of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dissectory.report import words

if TYPE_CHECKING:
    from dissectory.report.core.findings import Findings


def study_facts(findings: Findings) -> dict[str, str]:
    """Return what a hand-written page can quote, by the name that stands in `{{ }}`."""
    dissection = findings.manifest.study.get("dissection", {})
    return {
        "cut": f"{findings.iou_threshold:g}",
        "quantile": words.percent(findings.quantile),
        "grid": str(findings.manifest.grid),
        "border": str(dissection.get("border", "zeros")),
        "images": f"{findings.manifest.images:,}",
        "pairings": str(dissection.get("pairings", 0)),
    }
