"""Sprites per second, by the number of workers: `nox -s bench -- tests/benchmarks/bench_pictures.py`.

Each sprite has 15 photographs, whose masks are blobs like those of units with maps of 7 to 56 cells. The rate per
second of processor time hardly depends on what else the machine does. Nothing here passes or fails.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from dissectory.analysis.pictures.sprites import Sprite, thumbnail, write_sprite
from dissectory.analysis.run import Pictures, Run

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

SPRITES = int(os.environ.get("BENCH_SPRITES", "400"))
PHOTOGRAPHS, VIEW, GRID, CELLS, ACTIVE = 90, 224, 56, (7, 14, 28, 56), 0.1
CORES = len(os.sched_getaffinity(0))


def views(assets: Path) -> list[npt.NDArray[np.uint8]]:
    """Decode some scene photographs."""
    files = sorted((assets / "datasets/places_like/intel_scenes").rglob("*.jpg"))
    pictures = [Image.open(path).convert("RGB") for path in files[:: len(files) // PHOTOGRAPHS][:PHOTOGRAPHS]]
    return [np.asarray(picture.resize((VIEW, VIEW))) for picture in pictures]


def sprites(layout: Pictures) -> list[Sprite]:
    """Make sprites of random images and blobs."""
    random = np.random.default_rng(0)

    def sprite(number: int) -> Sprite:
        cells = random.standard_normal((layout.unit_tiles, *[CELLS[number % len(CELLS)]] * 2)).astype(np.float32)
        maps = [np.asarray(Image.fromarray(one).resize((GRID, GRID), Image.Resampling.BILINEAR)) for one in cells]
        active = maps > np.quantile(maps, 1 - ACTIVE)
        images = random.integers(PHOTOGRAPHS, size=layout.unit_tiles).tolist()
        packed = np.packbits(active.reshape(layout.unit_tiles, -1), axis=1)
        return Sprite(layout.unit(0, number), images, packed, GRID, layout.unit_tiles)

    return [sprite(number) for number in range(SPRITES)]


def test_rate(assets: Path, tmp_path: Path) -> None:
    layout, run = Pictures(), Run(tmp_path)
    pictures = views(assets)
    start = time.process_time()
    thumbnails = [thumbnail(view, layout.tile) for view in pictures]
    print(f"\n{PHOTOGRAPHS / (time.process_time() - start):.0f} thumbnails per second of processor time")
    drawn, alone = sprites(layout), 0.0
    for workers in (count for count in (1, 2, 4, 8, 16, 32) if count <= CORES):
        wall, spent = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(lambda sprite: write_sprite(run, sprite, thumbnails, layout), drawn):
                pass
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        alone = alone or wall
        rates = f"{SPRITES / spent:.0f} sprites per second of processor time, {SPRITES / wall:.0f} per second"
        print(f"{workers:2} workers: {rates}, {alone / wall:.2f} times the rate of one worker")
    photographs, masks = (
        sum(path.stat().st_size for path in tmp_path.rglob("*.webp") if (".mask." in path.name) == mask) / SPRITES / 1e3
        for mask in (False, True)
    )
    print(f"a sprite: {photographs:.1f} kB of photographs and {masks:.1f} kB of masks")
