"""The files of switchboards: a browser needs them to predict as the classifier does without any set of units.

    writer = SwitchWriter(run, classes)
    writer.add("layer4", removals, cache.batches(), megabytes=8)
    writer.write(images.view)

The numbers that are written are checked: with a browser's arithmetic, they must give the numbers of the tables. The
module `switches` describes the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from dissectory.analysis.experiments.class_ablation.switch_check import SwitchCheck
from dissectory.analysis.experiments.class_ablation.switch_numbers import SwitchNumbers
from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, NONE, SWITCHES, Board, LeftOut, Switches
from dissectory.analysis.pictures.sprites import QUALITY, thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.cache import FeatureBatch
    from dissectory.analysis.experiments.class_ablation.classes import ImageClasses
    from dissectory.analysis.experiments.class_ablation.plan import Plan
    from dissectory.analysis.experiments.class_ablation.removals import LayerRemovals
    from dissectory.analysis.run import Run

    _Ints = npt.NDArray[np.integer[Any]]

TILE, COLUMNS = 96, 10
"""The size of a small picture in pixels, and the number of them in a row."""

MOST_VALUES = 2**24
"""The most numbers that a browser may hold in memory for all images: 128 MB of them."""

_AS_TEXT = 4 / 3
"""Characters for each byte of numbers in a script."""


class SwitchWriter:
    """Writes the folder `switches` of a run, layer by layer.

    Args:
        run: the run to write into.
        classes: the classes of the images.
    """

    def __init__(self, run: Run, classes: ImageClasses) -> None:
        self._run, self._classes = run, classes
        self._images: _Ints = np.empty(0, dtype=np.int64)
        self._boards: list[Board] = []
        self._left_out: list[LeftOut] = []

    def add(self, layer: str, removals: LayerRemovals, batches: Iterable[FeatureBatch], *, megabytes: float) -> None:
        """Write the numbers of a layer if a browser can use them; otherwise note why it cannot.

        Args:
            layer: the name of the layer.
            removals: the results of the layer, which the tables show.
            batches: the features of the reporting images.
            megabytes: the most that the browser may load.

        Raises:
            RunError: the run's folder cannot be written.
        """
        classes, plan = self._classes, removals.units.plan
        check = SwitchCheck(removals, list(classes.names), classes.grouping)
        images = removals.units.original["reporting"].total
        blocks = []
        reason = _cannot(plan)
        for batch in () if reason else batches:
            numbers = SwitchNumbers.of(plan.tail, batch)
            reason = _too_much(numbers, images, megabytes)
            if reason:
                break
            blocks.append((batch.numbers, numbers))
            check.observe(numbers, classes.numbers[batch.numbers])
        if reason or not blocks:
            self._left_out.append(LeftOut(layer, reason or "its reporting split has no images"))
        else:
            self._write(layer, blocks, check, removals)

    def write(self, view: Callable[[int], npt.NDArray[np.uint8]]) -> None:
        """Write the description, and the small pictures made of each `view` `(size, size, 3)` if a layer has numbers.

        Raises:
            RunError: the run's folder cannot be written.
        """
        names, grouping = self._classes.names, self._classes.grouping
        places = {number: place for place, number in enumerate(names)}
        switches = Switches(
            classes=tuple(names.values()),
            outputs=tuple(self._classes.outputs),
            stands=tuple(places.get(int(number), NONE) for number in grouping.class_of),
            images=tuple(self._images.tolist()),
            own=tuple(places.get(int(number), NONE) for number in self._classes.numbers[self._images]),
            tile=TILE,
            columns=COLUMNS,
            boards=tuple(self._boards),
            left_out=tuple(self._left_out),
        )
        folder = self._run.folder / SWITCHES
        for number in range(len(switches.classes)) if self._boards else ():
            views = [thumbnail(view(switches.images[place]), TILE) for place in switches.shown(number)]
            if views:
                with self._run.replacing(folder / Switches.sprite(number)) as path:
                    Image.fromarray(_sheet(views)).save(path, "WEBP", quality=QUALITY, method=2)
        with self._run.replacing(folder / CONTENTS) as path:
            path.write_text(switches.to_json(), encoding="utf-8")

    def _write(
        self, layer: str, blocks: Sequence[tuple[_Ints, SwitchNumbers]], check: SwitchCheck, removals: LayerRemovals
    ) -> None:
        """Write the file of a layer's numbers, with the images in ascending order."""
        images = np.concatenate([numbers for numbers, _ in blocks])
        order = np.argsort(images)
        self._images = images[order]
        first = blocks[0][1]
        change = np.concatenate([numbers.change for _, numbers in blocks])[order]
        base = np.concatenate([np.broadcast_to(n.base, (len(n.change), *n.base.shape[1:])) for _, n in blocks])[order]
        base = base[:1] if (base == base[:1]).all() else base
        file = f"{len(self._boards)}.f32"
        with self._run.replacing(self._run.folder / SWITCHES / file) as path:
            path.write_bytes(b"".join(part.astype("<f4").tobytes() for part in (base, first.weight, change)))
        orders = removals.orders
        self._boards.append(
            Board(
                layer=layer,
                file=file,
                mode="linear" if first.slope is None else "rectified",
                slope=first.slope or 0.0,
                bases=len(base),
                images=len(change),
                units=change.shape[1],
                parts=change.shape[2],
                outputs=base.shape[2],
                compared=check.compared,
                differ=check.differ,
                orders=tuple(
                    tuple(orders[number].tolist()) if number in orders else () for number in self._classes.names
                ),
            )
        )


def _cannot(plan: Plan) -> str:
    """Return why a browser cannot compute the scores from a layer, as a clause; empty if it can."""
    if plan.mode in {"linear", "rectified"}:
        return ""
    return "the part of the network after the layer is more than a sum over its units, and a page cannot run it"


def _too_much(numbers: SwitchNumbers, images: int, megabytes: float) -> str:
    """Return why all images are too much to load, estimated from some of them; empty if they are not."""
    bases = 1 if len(numbers.base) == 1 else images
    count = numbers.weight.size + bases * numbers.base[0].size + images * numbers.change[0].size
    size = 4 * _AS_TEXT * count / 1e6
    if size > megabytes:
        return f"the page would have to load {size:,.1f} MB, and at most {megabytes:g} MB are allowed (switch_mb)"
    values = images * numbers.base[0].size
    if values > MOST_VALUES:
        return f"the page would have to keep {8 * values / 1e6:,.0f} MB of numbers in memory"
    return ""


def _sheet(views: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Arrange small pictures row by row; the rest of the last row is black."""
    sheet = np.zeros((-(-len(views) // COLUMNS) * TILE, COLUMNS * TILE, 3), dtype=np.uint8)
    for place, view in enumerate(views):
        top, left = place // COLUMNS * TILE, place % COLUMNS * TILE
        sheet[top : top + TILE, left : left + TILE] = view
    return sheet
