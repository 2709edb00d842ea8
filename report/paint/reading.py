"""The files that the page to paint on loads: the generator's rest, the maps, and what runs them in a browser.

Served, the page loads the plain files. A page from a folder may load nothing but scripts: there one script brings all
of it, each file compressed and written as text.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from typing import TYPE_CHECKING

from dissectory.analysis.experiments.paint.painting import GRAPH, MAPS, PAINT
from dissectory.report.frame.libraries import library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dissectory.analysis.experiments.paint.painting import Painting

ENGINE = ("onnxruntime.mjs", "onnxruntime.wasm")
"""What runs the graph in a browser; the package's build fetches it."""

OFFLINE = "offline.js"

OFFLINE_MOST = 100_000_000
"""Bytes of the files up to which a page from a folder can load them: a script that holds more is one text too long."""


def fits_offline(files: Mapping[str, int]) -> bool:
    """Whether a page from a folder can load files of these sizes."""
    return sum(files.values()) <= OFFLINE_MOST


def files_of(folder: Path, vendor: Path) -> dict[str, Path]:
    """The files that the page loads, by their names in the site, from a run's folder `paint`.

    Raises:
        RunError: a part of the engine is missing.
    """
    plain = {f"{PAINT}/{name}": folder / name for name in (GRAPH, MAPS)}
    return {**{f"vendor/{name}": library(vendor, name) for name in ENGINE}, **plain}


def copy_painting(folder: Path, painting: Painting, vendor: Path, site: Path) -> None:
    """Bring everything that the page loads into a site.

    Raises:
        RunError: a part of the engine is missing.
    """
    files = files_of(folder, vendor)
    pictures = {f"{PAINT}/{place}.png": folder / f"{place}.png" for place in range(len(painting.seeds))}
    for name, source in {**files, **pictures}.items():
        (site / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(source, site / name)
    if fits_offline({name: source.stat().st_size for name, source in files.items()}):
        texts = {name: _text(source.read_bytes()) for name, source in files.items()}
        script = f"window.dissectoryOffline={json.dumps(texts, separators=(',', ':'))};\n"
        (site / PAINT / OFFLINE).write_text(script, encoding="ascii")


def _text(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode("ascii")
