"""The folder of a page to paint on, without a generator: it can be read, but not painted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from dissectory.analysis.experiments.paint.painting import CONTENTS, GRAPH, MAPS, GraphAgreement, Input, Paint, Painting

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SEEDS = (7, 3)


def make_fake_painting(folder: Path, layer: str, concepts: Iterable[str], units: int = 12) -> Painting:
    """Write a folder of two images with an invalid graph; concept `n` is painted with the units `n` and `n + 1`."""
    painting = Painting(
        layer=layer,
        inputs=(Input("layer", (units, 4, 6)), Input("around0", (3,))),
        height=16,
        width=24,
        low=-1.0,
        high=1.0,
        seeds=SEEDS,
        paints=tuple(Paint(name, (place, place + 1), (1.5, 2.0)) for place, name in enumerate(concepts)),
        opset=20,
        weights="float16",
        agreement=GraphAgreement(6, 0.0123, 0.25),
    )
    folder.mkdir(parents=True)
    (folder / GRAPH).write_bytes(b"a graph")
    (folder / MAPS).write_bytes(bytes(2 * len(SEEDS) * sum(item.size for item in painting.inputs)))
    for place in range(len(SEEDS)):
        Image.new("RGB", (24, 16), (40 * place, 90, 120)).save(folder / f"{place}.png")
    (folder / CONTENTS).write_text(painting.to_json(), encoding="utf-8")
    return painting
