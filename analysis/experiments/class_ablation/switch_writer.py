"""Switchboards: what a browser needs to answer as a classifier does without any set of a layer's units.

    writer = SwitchWriter(run, classes, names, outputs, grouping)
    writer.add("layer4", plan, holding.over(batches), Counted(found, curves, orders), megabytes=8)
    writer.write(images.view)

What is written is counted anew with the arithmetic of a browser, and compared with the tables. The form of the folder
is described in `dissectory.analysis.experiments.class_ablation.switches`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from dissectory.analysis.experiments.class_ablation.sets import SIZES
from dissectory.analysis.experiments.class_ablation.switches import CONTENTS, NONE, SWITCHES, Board, LeftOut, Switches
from dissectory.analysis.pictures.sprites import QUALITY, thumbnail
from dissectory.analysis.tally.outcomes import count_outcomes
from dissectory.analysis.tally.removal import RectifiedHead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.class_ablation.held import Held
    from dissectory.analysis.experiments.class_ablation.sets import ClassCurve
    from dissectory.analysis.experiments.class_ablation.stem import Stem
    from dissectory.analysis.experiments.class_ablation.units import Plan, UnitRemovals
    from dissectory.analysis.run import Run
    from dissectory.analysis.tally.outcomes import Grouping, Outcomes

    _F32 = npt.NDArray[np.float32]
    _F64 = npt.NDArray[np.float64]
    _Ints = npt.NDArray[np.integer[Any]]

TILE, COLUMNS = 96, 10
"""Pixels of a small picture, and how many stand side by side."""

MOST_VALUES = 2**24
"""Numbers that a browser may hold of all images at once: 128 MB of them."""

CHECKED = 32
"""Classes whose curves are counted anew."""

_AS_TEXT = 4 / 3
"""Letters for each byte of numbers in a script."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted for the tables: without single units, and along orders of units, by class."""

    found: UnitRemovals
    curves: Sequence[ClassCurve]
    orders: Mapping[int, npt.NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Base, weight and change of some images (see the module `switches`); `slope` is None where the rest is linear."""

    base: _F32
    weight: _F32
    change: _F32
    slope: float | None

    def without(self, sets: Sequence[_Ints]) -> npt.NDArray[np.intp]:
        """Predict without each set of units, and with it alone `(image, set, 2)`, as a browser does."""
        whole = self.base + self._part(np.arange(self.change.shape[1]))
        found = np.empty((len(self.change), len(sets), 2), dtype=np.intp)
        for place, units in enumerate(sets):
            part = self._part(units)
            found[:, place, 0] = self._predict(whole - part)
            found[:, place, 1] = self._predict(self.base + part)
        return found

    def _part(self, units: _Ints) -> _F64:
        """What some units add to the values `(image, place, output)`."""
        change, weight = self.change[:, units].astype(np.float64), self.weight[units].astype(np.float64)
        if self.slope is None:
            together: _F64 = change.reshape(len(change), -1) @ weight.reshape(-1, weight.shape[2])
            return together[:, None]
        by_place: _F64 = change.transpose(0, 2, 1) @ weight[:, 0]
        return by_place

    def _predict(self, values: _F64) -> npt.NDArray[np.intp]:
        """Find the output of the highest score, the first of equal ones `(image,)`."""
        if self.slope is not None:
            values = np.where(values > 0, values, self.slope * values)
        predicted: npt.NDArray[np.intp] = values.mean(axis=1).argmax(axis=1)
        return predicted


class SwitchWriter:
    """Writes the folder `switches` of a run, layer by layer.

    Args:
        run: to write into.
        classes: the class that each image belongs to `(image,)`, -1 for none.
        names: of the classes whose units were removed, by number.
        outputs: names of all of the network's outputs.
        grouping: what they stand for.
    """

    def __init__(
        self, run: Run, classes: _Ints, names: Mapping[int, str], outputs: Sequence[str], grouping: Grouping
    ) -> None:
        self._run, self._classes, self._names, self._outputs = run, classes, names, tuple(outputs)
        self._grouping = grouping
        self._images: _Ints = np.empty(0, dtype=np.int64)
        self._boards: list[Board] = []
        self._left_out: list[LeftOut] = []

    def add(self, layer: str, plan: Plan, held: Iterable[Held], counted: Counted, *, megabytes: float) -> None:
        """Write the numbers of a layer, where a browser can do with them; else note why it cannot.

        Args:
            layer: its name.
            plan: how its units were removed.
            held: the reporting images at the cut.
            counted: what the tables say.
            megabytes: that the browser may load.

        Raises:
            RunError: the run's folder cannot be written.
        """
        blocks, check, images = (
            [],
            _Check(counted, list(self._names), self._grouping),
            counted.found.original["reporting"].total,
        )
        reason = _cannot(plan)
        for part in () if reason else held:
            numbers = _numbers(plan.stem, part)
            reason = _too_much(numbers, images, megabytes)
            if reason:
                break
            blocks.append((part.numbers, numbers))
            check.observe(numbers, self._classes[part.numbers])
        if reason or not blocks:
            self._left_out.append(LeftOut(layer, reason or "there is no image to report on"))
        else:
            self._write(layer, blocks, check, counted.orders)

    def write(self, view: Callable[[int], npt.NDArray[np.uint8]]) -> None:
        """Write what is known of all layers, and the small pictures of `view`s `(size, size, 3)`, if there is any.

        Raises:
            RunError: the run's folder cannot be written.
        """
        places = {number: place for place, number in enumerate(self._names)}
        switches = Switches(
            classes=tuple(self._names.values()),
            outputs=self._outputs,
            stands=tuple(places.get(int(number), NONE) for number in self._grouping.class_of),
            images=tuple(self._images.tolist()),
            own=tuple(places.get(int(number), NONE) for number in self._classes[self._images]),
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
        self, layer: str, blocks: Sequence[tuple[_Ints, Numbers]], check: _Check, orders: Mapping[int, _Ints]
    ) -> None:
        order = np.argsort(images := np.concatenate([numbers for numbers, _ in blocks]))
        self._images = images[order]
        first = blocks[0][1]
        change = np.concatenate([numbers.change for _, numbers in blocks])[order]
        base = np.concatenate([np.broadcast_to(n.base, (len(n.change), *n.base.shape[1:])) for _, n in blocks])[order]
        base = base[:1] if (base == base[:1]).all() else base
        file = f"{len(self._boards)}.f32"
        with self._run.replacing(self._run.folder / SWITCHES / file) as path:
            path.write_bytes(b"".join(part.astype("<f4").tobytes() for part in (base, first.weight, change)))
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
                orders=tuple(tuple(orders[number].tolist()) if number in orders else () for number in self._names),
            )
        )


def _cannot(plan: Plan) -> str:
    """Why a browser cannot run on from a layer, as a clause; empty where it can."""
    if plan.mode in {"linear", "rectified"}:
        return ""
    return "more of the network follows the layer than a sum over its units, and a page cannot run that"


def _too_much(numbers: Numbers, images: int, megabytes: float) -> str:
    """Why all images are too much to load, judged by some; empty where they are not."""
    bases = 1 if len(numbers.base) == 1 else images
    count = numbers.weight.size + bases * numbers.base[0].size + images * numbers.change[0].size
    size = 4 * _AS_TEXT * count / 1e6
    if size > megabytes:
        return f"the page would have to load {size:,.1f} MB, and may load {megabytes:g} MB (switch_mb)"
    values = images * numbers.base[0].size
    if values > MOST_VALUES:
        return f"the page would have to work with {8 * values / 1e6:,.0f} MB of numbers"
    return ""


def _numbers(stem: Stem, held: Held) -> Numbers:
    """What a browser needs of some images; one base stands for all where they have the same."""
    features, head = stem.features(held.cut, held.silent, held.scores), stem.head
    silent = features.silent[:1] if (features.silent == features.silent[:1]).all() else features.silent
    if isinstance(head, RectifiedHead):
        base = silent.transpose(0, 2, 1) @ head.weight + head.bias
        return Numbers(base, head.weight[:, None], features.change, head.slope)
    assert head is not None  # noqa: S101 - there is one wherever the scores can be added up
    removed = np.ones((len(silent), stem.units), dtype=np.bool_)
    with torch.no_grad():
        scores = stem.without(held.cut, held.silent, np.arange(len(silent)), removed)
    return Numbers(scores.float().cpu().numpy()[:, None], head.weight, features.change, None)


def _sheet(views: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    """Lay small pictures row by row; what is left of the last row stays black."""
    sheet = np.zeros((-(-len(views) // COLUMNS) * TILE, COLUMNS * TILE, 3), dtype=np.uint8)
    for place, view in enumerate(views):
        top, left = place // COLUMNS * TILE, place % COLUMNS * TILE
        sheet[top : top + TILE, left : left + TILE] = view
    return sheet


class _Check:
    """Counts anew what the tables say: of the network as it is, without each unit, and along some classes' curves."""

    def __init__(self, counted: Counted, classes: Sequence[int], grouping: Grouping) -> None:
        self._classes, self._found, self._curves = list(classes), counted.found, counted.curves[:CHECKED]
        self._grouping = grouping
        self._sets = [np.arange(0), *(np.array([unit]) for unit in range(len(counted.found.removed)))]
        self._points: list[tuple[ClassCurve, int, int]] = []
        """Curves and the places of sizes in them, with the places of their sets."""
        for curve in self._curves:
            for place, size in enumerate(curve.sizes):
                if size in SIZES:
                    self._points.append((curve, place, len(self._sets)))
                    self._sets.append(counted.orders[curve.output][:size])
        self._counted: Outcomes | None = None

    def observe(self, numbers: Numbers, classes: _Ints) -> None:
        """Count some images that belong to `classes` `(image,)`, -1 for none."""
        taken = self._grouping.taken(numbers.without(self._sets))
        counted = count_outcomes(taken, classes, self._grouping.count + 1)
        self._counted = counted if self._counted is None else self._counted + counted

    @property
    def compared(self) -> int:
        """Numbers of the tables that were counted anew."""
        return sum(said.size for said, _ in self._pairs())

    @property
    def differ(self) -> int:
        """How many of them came out otherwise."""
        return sum(int((said != counted).sum()) for said, counted in self._pairs())

    def _pairs(self) -> Iterator[tuple[_Ints, _Ints]]:
        """What the tables say, and what was counted."""
        counted, units = self._counted, len(self._found.removed)
        assert counted is not None  # noqa: S101 - asked for when all images were observed
        for variants, said in ((slice(0, 1), self._found.original), (slice(1, 1 + units), self._found.without)):
            for theirs, ours in ((said["reporting"].taken, counted.taken), (said["reporting"].right, counted.right)):
                columns = np.atleast_2d(theirs)[:, self._classes]
                yield columns, ours[variants, 0][:, self._classes]
        for curve, place, variant in self._points:
            yield curve.taken[:, place], counted.taken[variant, :, curve.output]
            yield curve.right[:, place], counted.right[variant, :, curve.output]
            yield curve.correct[:, place], counted.correct[variant]
