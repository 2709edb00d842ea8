"""The switchboards of a site: a script for each layer, which pages opened from a folder can load, and sprites."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, SWITCHES, Switches
from dissectory.report.core.chips import unit_href

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dissectory.analysis.experiments.class_ablation.switches import Board
    from dissectory.report.core.findings import Findings, Layer
    from dissectory.report.site import Site


@dataclass(frozen=True, slots=True)
class Switchboard:
    """The switchboard of a layer; its `script` becomes the file `href` of the site."""

    board: Board
    layer: Layer
    script: str

    @property
    def href(self) -> str:
        """The script's file, from the root of the site."""
        return f"{SWITCHES}/{self.layer.slug}.js"


@dataclass(frozen=True, slots=True)
class Switchboards:
    """The switchboards of a run; `images` has the images of each class, as places in `switches.images`."""

    switches: Switches
    boards: tuple[Switchboard, ...]
    images: Mapping[int, Sequence[int]]

    @classmethod
    def read(cls, site: Site) -> Switchboards | None:
        """Read a run's switchboards; `None` if the run has none.

        Raises:
            RunError: a file or table is missing, or cannot be read.
        """
        folder, findings = site.run.folder / SWITCHES, site.findings
        if not (folder / CONTENTS).is_file():
            return None
        switches = Switches.read(folder)
        layers = {layer.name: layer for layer in findings.layers}
        boards = tuple(
            Switchboard(board, layers[board.layer], _script(switches, board, layers[board.layer], folder, findings))
            for board in switches.boards
        )
        images: dict[int, list[int]] = defaultdict(list)
        for place, own in enumerate(switches.own):
            images[own].append(place)
        return cls(switches, boards, dict(images))


def write_switchboards(site: Site, folder: Path) -> None:
    """Bring the scripts and pictures of a run's switchboards, if it has any, into the folder of its site."""
    found = site.reading(Switchboards)
    if found is None:
        return
    (folder / SWITCHES).mkdir()
    for board in found.boards:
        (folder / board.href).write_text(board.script, encoding="ascii")
    for number in range(len(found.switches.classes) if found.boards else 0):
        sprite = Switches.sprite(number)
        if (site.run.folder / SWITCHES / sprite).is_file():
            shutil.copyfile(site.run.folder / SWITCHES / sprite, folder / SWITCHES / sprite)


def _script(switches: Switches, board: Board, layer: Layer, folder: Path, findings: Findings) -> str:
    """Write the script of a layer: names, labels and numbers."""
    numbers = gzip.compress((folder / board.file).read_bytes(), compresslevel=6, mtime=0)
    values = {
        "mode": board.mode,
        "slope": board.slope,
        "shapes": board.shapes,
        "classes": switches.classes,
        "outputs": switches.outputs,
        "stands": switches.stands,
        "own": switches.own,
        "units": [_unit(findings, place) for place in range(layer.first, layer.last)],
        "numbers": base64.b64encode(numbers).decode("ascii"),
    }
    return (
        "window.dissectorySwitches = window.dissectorySwitches || {};\n"
        f"window.dissectorySwitches[{json.dumps(layer.slug)}] = {json.dumps(values, separators=(',', ':'))};\n"
    )


def _unit(findings: Findings, place: int) -> tuple[str, str, str, bool]:
    """Return a unit's label, its category, the unit's page, and whether the label may be chance."""
    label = findings.label_of(place)
    if label is None:
        return "", "", unit_href(findings, place), False
    return label.name, label.category, unit_href(findings, place), bool(findings.units.doubtful[place])
