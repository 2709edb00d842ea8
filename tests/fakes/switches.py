"""The folder of a run from which switchboards are made, without a network: random numbers in the right format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, Board, LeftOut, Switches

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PARTS, OUTPUTS, TILE, COLUMNS = 2, 6, 8, 10


def make_fake_switches(
    folder: Path,
    layer: str,
    units: int,
    classes: Sequence[str],
    *,
    images: int = 70,
    differ: int = 0,
    left_out: Sequence[LeftOut] = (),
) -> Switches:
    """Write the folder of a layer with a switchboard; the last class has no images, and so no order of units.

    The last two images belong to no class; the others belong to the other classes in turn.
    """
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    orders = [random.permutation(units).tolist() for _ in classes[:-1]]
    board = Board(
        layer=layer,
        file="0.f32",
        mode="linear",
        slope=0.0,
        bases=1,
        images=images,
        units=units,
        parts=PARTS,
        outputs=OUTPUTS,
        compared=1234,
        differ=differ,
        orders=(*map(tuple, orders), ()),
    )
    random.normal(size=board.bytes // 4).astype("<f4").tofile(folder / board.file)
    ranked = len(classes) - 1
    switches = Switches(
        classes=tuple(classes),
        outputs=tuple(f"<output {place}>" for place in range(OUTPUTS)),
        stands=tuple(place if place < len(classes) else -1 for place in range(OUTPUTS)),
        images=tuple(range(images)),
        own=(*(image % ranked for image in range(images - 2)), -1, -1),
        tile=TILE,
        columns=COLUMNS,
        boards=(board,),
        left_out=tuple(left_out),
    )
    for number in range(ranked):
        rows = -(-len(switches.shown(number)) // COLUMNS)
        Image.new("RGB", (COLUMNS * TILE, rows * TILE), (40, 90, 60)).save(folder / switches.sprite(number))
    (folder / CONTENTS).write_text(switches.to_json(), encoding="utf-8")
    return switches
