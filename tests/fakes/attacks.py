"""Attacks on a classifier and agreement with other textures, made up, in a made-up run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from dissectory.analysis.experiments.attack.paths import picture
from dissectory.analysis.experiments.attack.tables import ATTACK_CHANGES, ATTACK_UNITS, ATTACKS
from dissectory.analysis.experiments.texture.tables import TEXTURES

if TYPE_CHECKING:
    from dissectory.analysis.run import Run
    from dissectory.analysis.tables.table import Table

CLASSES = ("forest", "<script>alert('class')</script>")
UNITS = 12


def _write(run: Run, table: Table, rows: list[tuple[object, ...]]) -> None:
    run.write_table(table, {column.name: [row[at] for row in rows] for at, column in enumerate(table.columns)})


def with_attacks(run: Run, *, known: bool = True, success: bool = True) -> Run:
    """Two attacked images; unit u changes by u / 10 on the first and twice as much on the second."""
    layer = str(run.table("layers").sort_values("index").layer.iloc[-1])
    _write(run, ATTACKS, [
        (3, CLASSES[0], CLASSES[1], success, 1.5 * success, 0.9, 0.05, 0.4, 0.5, 20.0 if success else None),
        (5, CLASSES[1], CLASSES[0], False, 0.0, 0.8, 0.1, 0.8, 0.1, None),
        (6, CLASSES[1], CLASSES[0], success, 0.5 * success, 0.8, 0.1, 0.4, 0.45, 40.0 if success else None),
    ])  # fmt: skip
    _write(run, ATTACK_UNITS, [
        (image, layer, unit, 1.0, 1.0 + sign * unit / 10, unit < 4 if known else None, unit > 7 if known else None)
        for image, sign in ((3, 1), (5, 99), (6, -2))
        for unit in range(UNITS)
    ])  # fmt: skip
    spans = {"target": (0.3, 0.2, 0.4), "source": (1.5, 1.2, 1.8), "other": (0.8, 0.7, 0.9), "all": (0.9, 0.8, 1.0)}
    told = {name: span for name, span in spans.items() if success and (known or name == "all")}
    _write(run, ATTACK_CHANGES, [
        (layer, name, 2 if name in told else 0, *(told.get(name, (None, None, None)))) for name in spans
    ])  # fmt: skip
    for image in (3, 5, 6):
        for kind in ("", "changed", "difference"):
            path = run.folder / picture(image, kind)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8)).save(path)
    return run


def with_textures(run: Run) -> Run:
    """Unit u of every layer agrees at u / 20; unit 0 is never active."""
    rows = [
        (
            layer,
            unit,
            60,
            100 * (unit > 0),
            100,
            5 * unit,
            *((unit / 20, unit / 30, unit / 15, 0.01) if unit else [None] * 4),
        )
        for layer in run.table("layers").layer.astype(str)
        for unit in range(UNITS)
    ]
    _write(run, TEXTURES, rows)
    return run
