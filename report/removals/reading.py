"""What a classifier loses without its units: units and curves of each class, classes of each unit."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dissectory.report.frame.slugs import unique_slugs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    from dissectory.analysis.run import Ablation, Run
    from dissectory.report.core.findings import Findings
    from dissectory.report.site import Site

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

MOST_IMPORTANT = 20
"""The number of a class's most important units that pages use."""
LEADING = 8
"""The number of classes on a unit's page."""


@dataclass(frozen=True, slots=True)
class ImageClass:
    """A class of images with removed units; ratios are those of the reporting split, NaN if not known."""

    name: str
    slug: str
    recall: float
    precision: float
    balanced_accuracy: float

    @property
    def href(self) -> str:
        """The class's page, from the root of the site."""
        return f"classes/{self.slug}.html"


@dataclass(frozen=True, slots=True)
class Need:
    """How much a class needs the unit at `place`; drops are those of the reporting split, NaN if not known."""

    place: int
    rank: int
    drop: float
    lead_drop: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Balanced accuracy of a class by the number of units that are removed, or kept only; all are `(size,)`.

    `everything` is the accuracy over all classes; `random` and its interval are for as many random units.
    """

    sizes: tuple[int, ...]
    accuracy: Floats
    everything: Floats
    random: Floats
    random_low: Floats
    random_high: Floats

    def at(self, size: int) -> float | None:
        """Return the balanced accuracy for a number of units; `None` if it was not measured."""
        return float(self.accuracy[self.sizes.index(size)]) if size in self.sizes else None


@dataclass(frozen=True, slots=True)
class Loss:
    """What one class loses in one layer.

    `needs` are its most important units in order. The reporting split has `images` of the class and `others`. `taken`
    has the predicted classes of the class's images for each number of removed units, most images first.
    """

    needs: tuple[Need, ...]
    images: int
    others: int
    remove: Curve | None
    keep: Curve | None
    taken: Mapping[int, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True)
class Importance:
    """How much all classes need each unit of a layer: `(unit,)`, on the ranking split."""

    classes_led: Ints
    mean_drop: Floats
    mean_lead_drop: Floats


@dataclass(frozen=True, slots=True)
class Removals:
    """The removals of a run.

    `losses` is by layer number, then class number; `needed` has the classes that need a unit most, by the unit's place;
    `sharers` has all classes that have a unit among their most important ones; `importance` is by layer number.
    """

    ablations: tuple[Ablation, ...]
    layers: tuple[int, ...]
    classes: tuple[ImageClass, ...]
    losses: Mapping[int, Mapping[int, Loss]]
    needed: Mapping[int, tuple[tuple[int, Need], ...]]
    sharers: Mapping[int, Ints]
    importance: Mapping[int, Importance]

    @classmethod
    def read(cls, site: Site) -> Removals | None:
        """Read a run's tables; `None` if no units of a classifier were removed.

        Raises:
            RunError: a table cannot be read.
        """
        run, findings = site.run, site.findings
        if not run.has("unit_ablations") or not findings.manifest.ablations:
            return None
        frame = run.table("unit_ablations")
        reported = frame[frame["split"] == "reporting"]
        sizes = reported.drop_duplicates(["layer", "class"])
        names = sizes["class"].drop_duplicates().astype(str).tolist()
        classes = tuple(_classes(findings, names))
        numbers = {name: number for number, name in enumerate(names)}
        first = {layer.name: (number, layer.first) for number, layer in enumerate(findings.layers)}
        best = reported[reported["layer"].isin(list(first)) & (reported["rank"] < MOST_IMPORTANT)]
        needs, needed = _needs(best.sort_values("rank", kind="stable"), first, numbers)
        sharers = {place: np.array([number for number, _ in found]) for place, found in needed.items()}
        leading = {place: tuple(found[:LEADING]) for place, found in needed.items()}
        curves, taken = _curves(run, first, numbers), _taken(run, first, numbers)
        losses: dict[int, dict[int, Loss]] = defaultdict(dict)
        for row in sizes.to_dict("records"):
            key = (first[str(row["layer"])][0], numbers[str(row["class"])])
            losses[key[0]][key[1]] = Loss(
                tuple(needs.get(key, ())),
                int(row["images"]),
                int(row["others"]),
                curves.get((*key, "remove")),
                curves.get((*key, "keep")),
                taken.get(key, {}),
            )
        importance = _importance(run, findings, first)
        return cls(findings.manifest.ablations, tuple(sorted(losses)), classes, losses, leading, sharers, importance)

    def of_class(self, number: int) -> Iterator[tuple[int, Loss]]:
        """Return what a class loses: numbers of layers, and losses."""
        return ((layer, self.losses[layer][number]) for layer in self.layers if number in self.losses[layer])

    def sharing(self, layer: int, number: int, most: int) -> list[tuple[int, int]]:
        """Return up to `most` classes that share most of a class's most important units, and how many they share."""
        needs = self.losses[layer][number].needs
        if not needs:
            return []
        shared = np.bincount(np.concatenate([self.sharers[need.place] for need in needs]), minlength=len(self.classes))
        shared[number] = 0
        best = np.argsort(-shared, kind="stable")[:most].tolist()
        return [(other, int(shared[other])) for other in best if shared[other]]


def _classes(findings: Findings, names: Sequence[str]) -> Iterator[ImageClass]:
    """Return the classes with their ratios, in the order of names."""
    measures = ("recall", "precision", "balanced_accuracy")
    known: dict[str, tuple[float, ...]] = {}
    if findings.classes is not None:
        rows = findings.classes[findings.classes["split"] == "reporting"]
        ratios = (rows[name].to_numpy(np.float64, na_value=np.nan).tolist() for name in measures)
        known = dict(zip(rows["class"].astype(str), zip(*ratios, strict=True), strict=True))
    for name, slug in zip(names, unique_slugs(names), strict=True):
        yield ImageClass(name, slug, *known.get(name, (math.nan,) * len(measures)))


def _needs(
    best: pd.DataFrame, first: Mapping[str, tuple[int, int]], numbers: Mapping[str, int]
) -> tuple[dict[tuple[int, int], list[Need]], dict[int, list[tuple[int, Need]]]]:
    """Return the units of each layer and class, and the classes of each unit; rows are in the order of ranks."""
    needs: dict[tuple[int, int], list[Need]] = defaultdict(list)
    needed: dict[int, list[tuple[int, Need]]] = defaultdict(list)
    columns = (best[name].tolist() for name in ("layer", "unit", "class", "rank"))
    drops = (best[name].to_numpy(np.float64, na_value=np.nan).tolist() for name in ("drop", "lead_drop"))
    for layer, unit, name, rank, drop, lead_drop in zip(*columns, *drops, strict=True):
        number, begin = first[str(layer)]
        need = Need(begin + int(unit), int(rank), drop, lead_drop)
        needs[number, numbers[str(name)]].append(need)
        needed[need.place].append((numbers[str(name)], need))
    return needs, needed


def _curves(
    run: Run, first: Mapping[str, tuple[int, int]], numbers: Mapping[str, int]
) -> dict[tuple[int, int, str], Curve]:
    if not run.has("ablation_curves"):
        return {}
    frame = run.table("ablation_curves")
    names = ("balanced_accuracy", "all_class_accuracy", "random", "random_low", "random_high")
    sizes = frame["units"].to_numpy()
    columns = [frame[name].to_numpy(np.float64, na_value=np.nan) for name in names]
    found = {}
    for (layer, name, mode), rows in _groups(frame, ["layer", "class", "mode"]):
        if layer in first and name in numbers:
            of_class = [column[rows] for column in columns]
            found[first[layer][0], numbers[name], mode] = Curve(tuple(sizes[rows].tolist()), *of_class)
    return found


def _groups(frame: pd.DataFrame, key: list[str]) -> Iterator[tuple[tuple[str, ...], Ints]]:
    """Return the rows of a frame with the same names, as places, in their order."""
    for names, rows in frame.groupby(key, observed=True).indices.items():
        assert isinstance(names, tuple)  # noqa: S101 - the key has several columns
        yield tuple(map(str, names)), np.asarray(rows)


def _importance(run: Run, findings: Findings, first: Mapping[str, tuple[int, int]]) -> dict[int, Importance]:
    if not run.has("unit_importance"):
        return {}
    found = {}
    for layer, rows in run.table("unit_importance").sort_values("unit").groupby("layer", observed=True):
        number = first.get(str(layer), (-1, 0))[0]
        if number >= 0 and len(rows) == findings.layers[number].last - findings.layers[number].first:
            drops = (rows[name].to_numpy(np.float64, na_value=np.nan) for name in ("mean_drop", "mean_lead_drop"))
            found[number] = Importance(rows["classes_led"].to_numpy(np.int64), *drops)
    return found


def _taken(
    run: Run, first: Mapping[str, tuple[int, int]], numbers: Mapping[str, int]
) -> dict[tuple[int, int], dict[int, tuple[tuple[str, int], ...]]]:
    if not run.has("confusions"):
        return {}
    frame = run.table("confusions").sort_values("images", ascending=False, kind="stable")
    taken, images = frame["taken_as"].astype(str).tolist(), frame["images"].tolist()
    found: dict[tuple[int, int], dict[int, tuple[tuple[str, int], ...]]] = defaultdict(dict)
    for (layer, name, units), rows in _groups(frame, ["layer", "class", "units"]):
        if layer in first and name in numbers:
            pairs = tuple((taken[row], images[row]) for row in rows.tolist())
            found[first[layer][0], numbers[name]][int(units)] = pairs
    return found


def meaning(ablations: Sequence[Ablation]) -> str:
    """Say what the class of an image is."""
    return {
        "folders": "The class of an image is its folder.",
        "predicted": "The class of an image is the prediction with all units of the network, so only changes count.",
        "mapping": "The class of an image is its folder. Several outputs of the network may stand for one class: its "
        "score is the highest of theirs.",
    }.get(ablations[0].classes if ablations else "", "")
