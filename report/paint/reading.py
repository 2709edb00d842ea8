"""The files that the page to paint on loads: the rest of the generator, the maps, and the engine that runs them.

A page from a server loads the plain files. A page opened from a folder can load scripts only: for it, one script holds
every file, compressed and written as text.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.paint.painting import CONTENTS, GRAPH, MAPS, PAINT, Painting
from dissectory.report.frame.sources import library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dissectory.report.site import Site

ENGINE = ("onnxruntime.mjs", "onnxruntime.wasm")
"""The engine that runs the graph in a browser; the package's build fetches it."""

OFFLINE = "offline.js"

OFFLINE_MOST = 100_000_000
"""The most bytes of files for a page opened from a folder: the text of a larger script would be too long."""


def fits_offline(files: Mapping[str, int]) -> bool:
    """Return whether a page opened from a folder can load files of these sizes."""
    return sum(files.values()) <= OFFLINE_MOST


@dataclass(frozen=True, slots=True)
class PaintFiles:
    """What a run has to paint with: the painting, and the files that the page loads, by their names in the site."""

    painting: Painting
    folder: Path
    loaded: Mapping[str, Path]

    @classmethod
    def read(cls, site: Site) -> PaintFiles | None:
        """Read a run's painting; `None` if the run has none.

        Raises:
            RunError: a file cannot be read, or a part of the engine is missing.
        """
        folder = site.run.folder / PAINT
        return cls.of(folder, Painting.read(folder)) if (folder / CONTENTS).is_file() else None

    @classmethod
    def of(cls, folder: Path, painting: Painting) -> PaintFiles:
        """Name the files that the page loads for a painting in a folder.

        Raises:
            RunError: a part of the engine is missing.
        """
        plain = {f"{PAINT}/{name}": folder / name for name in (GRAPH, MAPS)}
        return cls(painting, folder, {**{f"vendor/{name}": library(name) for name in ENGINE}, **plain})

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes of the files that the page loads."""
        return {name: source.stat().st_size for name, source in self.loaded.items()}


def copy_painting(site: Site, folder: Path) -> None:
    """Bring everything that the page to paint on loads into the folder of a site.

    Raises:
        RunError: a part of the engine is missing.
    """
    found = site.reading(PaintFiles)
    if found is None:
        return
    pictures = {f"{PAINT}/{place}.png": found.folder / f"{place}.png" for place in range(len(found.painting.seeds))}
    for name, source in {**found.loaded, **pictures}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, folder / name)
    if fits_offline(found.sizes):
        texts = {name: _text(source.read_bytes()) for name, source in found.loaded.items()}
        script = f"window.dissectoryOffline={json.dumps(texts, separators=(',', ':'))};\n"
        (folder / PAINT / OFFLINE).write_text(script, encoding="ascii")


def _text(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode("ascii")
