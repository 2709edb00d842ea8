"""A run's tables, read once and grouped, so that each of thousands of pages takes only its own rows.

Units have one number through all layers, the *place* (0 to N-1, in the order of layers, then units). Rows that belong
to a unit are sorted by place once, and a page takes a slice. No page searches a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dissectory.analysis.tables.categories import SIGNIFICANT
from dissectory.report.frame.slugs import unique_slugs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import numpy.typing as npt

    from dissectory.analysis.run import Manifest, Run

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer; its units have the places `first` up to `last`; `matched_significant` is None if not tested."""

    name: str
    slug: str
    index: int
    module: str
    units: int
    height: int
    width: int
    matched_units: int
    matched_concepts: int
    first: int
    last: int
    matched_significant: int | None = None

    @property
    def href(self) -> str:
        """The layer's page, from the root of the site."""
        return f"layers/{self.slug}.html"


@dataclass(frozen=True, slots=True)
class DissectedConcept:
    """A concept; `row` is its row in the table concepts, which names its sprite."""

    name: str
    slug: str
    category: str
    source: str
    pixels: int
    images: int
    row: int

    @property
    def href(self) -> str:
        """The concept's page, from the root of the site."""
        return f"concepts/{self.slug}.html"


@dataclass(frozen=True, slots=True)
class Units:
    """The columns of the table units by place: a concept is its row or -1, a number that was not measured is NaN."""

    layer: Ints
    unit: Ints
    threshold: Floats
    flat: npt.NDArray[np.bool_]
    concept: Ints
    iou: Floats
    iou_low: Floats
    iou_high: Floats
    q_value: Floats
    matched: npt.NDArray[np.bool_]
    iqr: Floats
    iqr_concept: Ints
    iqr_threshold: Floats
    mean: Floats
    std: Floats
    peak: Floats
    active: Ints
    active_fraction: Floats

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def doubtful(self) -> npt.NDArray[np.bool_]:
        """Whether each label was tested and may be chance `(unit,)`."""
        return np.asarray(self.q_value > SIGNIFICANT)


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """The rows of a table, ordered by the thing that they belong to; the rows of thing `i` are `slice(i)`."""

    starts: Ints
    columns: dict[str, npt.NDArray[Any]]

    def slice(self, thing: int, most: int | None = None) -> slice:
        """Return the rows of one thing, at most the first `most`."""
        start, stop = int(self.starts[thing]), int(self.starts[thing + 1])
        return slice(start, stop if most is None else min(stop, start + most))

    def of(self, thing: int, most: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of one thing's rows."""
        rows = self.slice(thing, most)
        return {name: column[rows] for name, column in self.columns.items()}


@dataclass(frozen=True, slots=True)
class Findings:
    """The tables of a dissection.

    `pairs` has the pairs of unit and concept by place, the highest IoU first; `by_concept` has the same pairs by
    concept; `tops` has the top images by place and rank; `bins` has the histograms by place; `examples` has the example
    images of each concept.
    """

    manifest: Manifest
    layers: tuple[Layer, ...]
    concepts: tuple[DissectedConcept, ...]
    units: Units
    pairs: GroupedRows
    by_concept: GroupedRows
    tops: GroupedRows
    bins: GroupedRows
    examples: GroupedRows
    image_paths: tuple[str, ...]
    image_classes: tuple[str | None, ...]
    image_places: dict[int, int]
    classes: pd.DataFrame | None

    @classmethod
    def read(cls, run: Run) -> Findings:
        """Read a run's tables.

        Raises:
            RunError: a table is missing, unreadable or of another version.
        """
        manifest = run.manifest
        frame = run.table("units")
        layers = _layers(run.table("layers"), frame)
        concepts = _concepts(run.table("concepts"))
        places = _UnitPlaces(layers, {concept.name: concept.row for concept in concepts})
        units = _units(frame, places)
        images = run.table("images")
        pairs = _pairs(run, places, units)
        return cls(
            manifest=manifest,
            layers=layers,
            concepts=concepts,
            units=units,
            pairs=_grouped(pairs, "place", ("iou",), len(units)),
            by_concept=_grouped(_labeled(pairs, units), "concept", ("iou",), len(concepts)),
            tops=_grouped(_tops(run, places, units), "place", (), len(units)),
            bins=_grouped(_bins(run, places, units), "place", (), len(units)),
            examples=_examples(run, places, len(concepts)),
            image_paths=tuple(images["path"].astype(str)),
            image_classes=tuple(_text(value) for value in images["class"]),
            image_places={int(image): place for place, image in enumerate(images["image"])},
            classes=run.table("classes") if run.has("classes") else None,
        )

    @property
    def iou_threshold(self) -> float:
        """The study's IoU threshold, above which a unit matches its label."""
        return float(self.manifest.study.get("dissection", {}).get("iou_threshold", 0.04))

    @property
    def quantile(self) -> float:
        """The study's share of positions above a unit's threshold."""
        return float(self.manifest.study.get("dissection", {}).get("quantile", 0.01))

    def layer_of(self, place: int) -> Layer:
        """Return the layer of the unit at a place."""
        return self.layers[int(self.units.layer[place])]

    def label_of(self, place: int) -> DissectedConcept | None:
        """Return the label of the unit at a place."""
        row = int(self.units.concept[place])
        return self.concepts[row] if row >= 0 else None


@dataclass(frozen=True, slots=True)
class _UnitPlaces:
    """The places and rows that the names in the tables stand for."""

    layers: tuple[Layer, ...]
    concept_rows: dict[str, int]

    def layer_numbers(self, frame: pd.DataFrame) -> Ints:
        return _codes(frame["layer"], {layer.name: number for number, layer in enumerate(self.layers)})

    def concepts(self, column: pd.Series) -> Ints:
        return _codes(column, self.concept_rows)

    def of(self, frame: pd.DataFrame, units: Units) -> Ints:
        """Return the places of the units that rows belong to; -1 for a unit that the table units does not have."""
        span = int(units.unit.max(initial=0)) + 1
        known = np.full(len(self.layers) * span, -1, dtype=np.int64)
        known[units.layer * span + units.unit] = np.arange(len(units))
        layer, unit = self.layer_numbers(frame), frame["unit"].to_numpy(np.int64)
        inside = (layer >= 0) & (unit >= 0) & (unit < span)
        return np.where(inside, known[np.where(inside, layer * span + unit, 0)], -1)


def _codes(column: pd.Series, numbers: dict[str, int]) -> Ints:
    """Return the numbers of names, -1 for an unknown one; each different name is looked up once, not each row."""
    categories = column.astype("category").cat
    table = np.array([numbers.get(str(name), -1) for name in categories.categories] + [-1], dtype=np.int64)
    return table[categories.codes.to_numpy()]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _layers(frame: pd.DataFrame, units: pd.DataFrame) -> tuple[Layer, ...]:
    frame = frame.sort_values("index")
    counts = units["layer"].astype(str).value_counts().to_dict()
    found, first = [], 0
    for row, slug in zip(frame.to_dict("records"), unique_slugs(frame["layer"].astype(str)), strict=True):
        last = first + int(counts.get(str(row["layer"]), 0))
        whole = {str(key): int(row[key]) for key in ("index", "units", "height", "width")}
        matched = {key: int(row[key]) for key in ("matched_units", "matched_concepts")}
        name, module, tested = str(row["layer"]), str(row["module"]), row["matched_significant"]
        significant = None if pd.isna(tested) else int(tested)
        found.append(
            Layer(
                name, slug, module=module, first=first, last=last, matched_significant=significant, **whole, **matched
            )
        )
        first = last
    return tuple(found)


def _concepts(frame: pd.DataFrame) -> tuple[DissectedConcept, ...]:
    slugs = unique_slugs(frame["concept"].astype(str))
    columns = (frame[name].tolist() for name in ("concept", "category", "source", "pixels", "images"))
    return tuple(
        DissectedConcept(str(name), slug, str(category), str(source), int(pixels), int(images), row)
        for row, (slug, name, category, source, pixels, images) in enumerate(zip(slugs, *columns, strict=True))
    )


def _units(frame: pd.DataFrame, places: _UnitPlaces) -> Units:
    layer, unit = places.layer_numbers(frame), frame["unit"].to_numpy(np.int64)
    order = np.lexsort((unit, layer))
    ratios = ("threshold", "iou", "iou_low", "iou_high", "q_value", "iqr", "iqr_threshold", "mean", "std", "peak")
    return Units(
        layer=layer[order],
        unit=unit[order],
        concept=places.concepts(frame["concept"])[order],
        iqr_concept=places.concepts(frame["iqr_concept"])[order],
        flat=frame["flat"].to_numpy(np.bool_)[order],
        matched=frame["matched"].to_numpy(np.bool_)[order],
        active=frame["active"].to_numpy(np.int64)[order],
        **{name: _floats(frame[name])[order] for name in (*ratios, "active_fraction")},
    )


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(np.float64, na_value=np.nan)


def _pairs(run: Run, places: _UnitPlaces, units: Units) -> dict[str, Ints | Floats]:
    frame = run.table("unit_concepts")
    columns: dict[str, Ints | Floats] = {"place": places.of(frame, units)}
    columns["concept"] = places.concepts(frame["concept"])
    columns["iou"] = _floats(frame["iou"])
    columns["intersection"] = frame["intersection"].to_numpy(np.int64)
    columns["union"] = frame["union"].to_numpy(np.int64)
    known = (columns["place"] >= 0) & (columns["concept"] >= 0)
    return {name: column[known] for name, column in columns.items()}


def _labeled(pairs: dict[str, Ints | Floats], units: Units) -> dict[str, Ints | Floats]:
    """Leave out flat units, which have no label: their IoUs depend on the device."""
    known = ~units.flat[pairs["place"].astype(np.int64)]
    return {name: column[known] for name, column in pairs.items()}


def _tops(run: Run, places: _UnitPlaces, units: Units) -> dict[str, Ints | Floats]:
    frame = run.table("unit_images")
    return {
        "place": places.of(frame, units),
        "image": frame["image"].to_numpy(np.int64),
        "peak": _floats(frame["peak"]),
    }


def _bins(run: Run, places: _UnitPlaces, units: Units) -> dict[str, Ints | Floats]:
    frame = run.table("unit_histograms")
    edges: dict[str, Ints | Floats] = {name: _floats(frame[name]) for name in ("low", "high")}
    return {"place": places.of(frame, units), **edges, "count": frame["count"].to_numpy(np.int64)}


def _examples(run: Run, places: _UnitPlaces, things: int) -> GroupedRows:
    columns: dict[str, Ints | Floats] = {name: np.zeros(0, dtype=np.int64) for name in ("concept", "image", "pixels")}
    if run.has("concept_images"):
        frame = run.table("concept_images")
        columns = {name: frame[name].to_numpy(np.int64) for name in ("image", "pixels")}
        columns["concept"] = places.concepts(frame["concept"])
    return _grouped(columns, "concept", (), things)


def _grouped(columns: dict[str, Ints | Floats], key: str, falling: Iterable[str], things: int) -> GroupedRows:
    """Sort rows by `key`, then from high to low by `falling`, then in the order of the file."""
    order = np.lexsort((*(-columns[name] for name in falling), columns[key]))
    order = order[np.searchsorted(columns[key][order], 0) :]
    starts = np.searchsorted(columns[key][order], np.arange(things + 1))
    return GroupedRows(
        starts.astype(np.int64), {name: column[order] for name, column in columns.items() if name != key}
    )
