"""Network dissection: which concept does each unit match? (Bau et al. 2020, 'Network dissection'.).

run = dissect(Study.read("study.toml"), Path("runs/mine"))
run.table("units").sort_values("iou", ascending=False).head(10)
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.analysis.experiments.illustration import illustrate
from dissectory.analysis.experiments.passes import Passes, timed
from dissectory.analysis.experiments.provenance import describe
from dissectory.analysis.experiments.setting import open_setting
from dissectory.analysis.experiments.tabulation import write_tables
from dissectory.analysis.run import Run
from dissectory.analysis.tally.overlap import Overlaps
from dissectory.errors import SubjectError
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from dissectory.analysis.experiments.passes import Block, Guesses
    from dissectory.analysis.study import Study
    from dissectory.analysis.tally.histogram import Bins
    from dissectory.analysis.tally.layer import LayerTally
    from dissectory.analysis.tally.moments import Moments
    from dissectory.analysis.tally.peaks import TopImages
    from dissectory.analysis.tally.tail import Active
    from dissectory.progress import Progress


@dataclass(frozen=True, slots=True)
class BlockResult:
    """What was found of the units of one block.

    `thresholds` `(unit,)`; `lit` `(unit, top image, bytes)`: the active positions of each top image, packed bits.
    """

    block: Block
    thresholds: npt.NDArray[np.float32]
    overlaps: Overlaps
    top: TopImages
    bins: tuple[Bins, ...]
    moments: Moments
    nonfinite: npt.NDArray[np.int64]
    lit: npt.NDArray[np.uint8]


def dissect(study: Study, out: Path, progress: Progress | None = None) -> Run:
    """Dissect a network as a study says, and write the run to the folder `out`.

    Raises:
        DissectoryError: for anything that the user can mend; before the long work begins, wherever it can be known.
    """
    progress = progress or Silent()
    start = time.perf_counter()
    run = Run(out)
    setting = open_setting(study)
    run.prepare()
    passes = Passes(setting)
    record, seconds = passes.record, passes.record.seconds
    results = _measure(passes, progress)
    with timed(seconds, "hash"):
        images_hash = setting.images.digest()
    run.clear()
    with timed(seconds, "tables"):
        write_tables(run, setting, record, results)
    with timed(seconds, "pictures"):
        layout = illustrate(run, setting, record, results, progress)
    seconds["total"] = time.perf_counter() - start
    run.write_manifest(describe(setting, record, results, layout, images_hash))
    return run


def _measure(passes: Passes, progress: Progress) -> list[BlockResult]:
    """Make the passes, and turn each one's tallies into results before the next one needs the memory."""
    results: list[BlockResult] = []
    plan = passes.plan()
    guesses = passes.pilot()
    for number, blocks in enumerate(plan):
        name = "Dissecting" if len(plan) == 1 else f"Dissecting {number + 1}/{len(plan)}"
        tallies = _tallied(passes, blocks, guesses, name, progress)
        if number == 0:
            _check_finite(blocks, tallies)
        with progress.stage("Comparing", sum(block.units for block in blocks), "units") as advance:
            # Each tally is let go as soon as it is read: together they are the largest thing in memory.
            for block in blocks:
                with timed(passes.record.seconds, "compare"):
                    results.append(_compare(block, tallies.pop(0), passes, advance))
    return results


def _tallied(
    passes: Passes, blocks: Sequence[Block], guesses: Guesses, name: str, progress: Progress
) -> list[LayerTally]:
    """Make one pass, and another one for blocks whose thresholds were guessed too boldly."""
    files, first = len(passes.setting.images), passes.record.passes == 0
    with progress.stage(name, files, "images") as advance:
        tallies = passes.run(blocks, guesses, first=first, advance=advance)
    if len(passes.record.readable) == 0:
        raise passes.setting.images.nothing_readable(passes.record.skipped)
    bold = [place for place, tally in enumerate(tallies) if not tally.tail.settled(passes.above)]
    if bold:
        with progress.stage(f"{name}, {len(bold)} layers again", files, "images") as advance:
            again = passes.run([blocks[place] for place in bold], {}, first=False, advance=advance)
        for place, tally in zip(bold, again, strict=True):
            tallies[place] = tally
    return tallies


def _check_finite(blocks: Sequence[Block], tallies: Sequence[LayerTally]) -> None:
    """Refuse a network none of whose activations is a number."""
    pairs = list(zip(blocks, tallies, strict=True))
    if all(tally.nonfinite.sum() == tally.moments.count * block.units for block, tally in pairs):
        names = ", ".join(dict.fromkeys(block.layer.name for block in blocks))
        raise SubjectError(
            f"no activation of {names} is a finite number: check model.weights and the preprocessing in [images]"
        )


def _compare(block: Block, tally: LayerTally, passes: Passes, advance: Callable[[int], None]) -> BlockResult:
    """Find the thresholds of a block, and count its overlaps with every concept."""
    positions, above, record = passes.setting.positions, passes.above, passes.record
    thresholds = np.empty(block.units, dtype=np.float32)
    active = np.empty(block.units, dtype=np.int64)
    intersection = np.empty((block.units, record.labels.concepts), dtype=np.int64)
    lit = np.zeros((*tally.top.images.shape, -(-positions // 8)), dtype=np.uint8)
    for unit in range(block.units):
        thresholds[unit] = tally.tail.threshold(unit, above)
        found = tally.tail.active(unit, thresholds[unit])
        active[unit] = len(found)
        intersection[unit] = record.labels.overlap(found)
        lit[unit] = np.packbits(_lit(found, tally.top.images[unit], positions), axis=1)
        advance(1)
    return BlockResult(
        block,
        thresholds,
        Overlaps(intersection, active, record.labels.pixels),
        tally.top,
        tuple(tally.histograms.bins(unit) for unit in range(block.units)),
        tally.moments,
        tally.nonfinite,
        lit,
    )


def _lit(active: Active, images: npt.NDArray[np.int32], positions: int) -> npt.NDArray[np.bool_]:
    """Mark the active positions of some images `(image, position)`."""
    lit = np.zeros((len(images), positions), dtype=np.bool_)
    for row, image in enumerate(images):
        bounds = np.searchsorted(active.images, [image, image + 1])
        lit[row, active.positions[slice(*bounds)]] = True
    return lit
