"""The effects of edits to a generator by concept: units removed, units forced on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dissectory.analysis.experiments.insertion.tables import NO_CONTEXT
from dissectory.report.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dissectory.analysis.run import Run
    from dissectory.report.site import Site

_TABLES = ("generator_ablations", "insertions", "ablation_pictures", "insertion_pictures", "unit_effects")

OTHERS = 3
"""The number of other concepts whose areas are compared with a concept's own."""


@dataclass(frozen=True, slots=True)
class AblationResult:
    """The removal of a concept's best units from a layer.

    Of the images `drawn`, `images` show the concept and `without` do not. `own` has the change of the concept's area
    for each number of units in `sizes`; `informed` has the same with units ranked by the information quality ratio, and
    is empty if they were not; `random` has the same with random units; `others` has the other concepts of the category
    that change most.
    """

    layer: str
    drawn: int
    images: int
    without: int
    sizes: tuple[int, ...]
    own: tuple[Estimate, ...]
    informed: tuple[Estimate, ...]
    random: tuple[Estimate, ...]
    others: tuple[tuple[str, tuple[Estimate, ...]], ...]


@dataclass(frozen=True, slots=True)
class InsertionContext:
    """The locations of one context where units were forced on, and the mean number of positions added."""

    name: str
    locations: int
    added: Estimate


@dataclass(frozen=True, slots=True)
class InsertionResult:
    """The insertion of a concept in a layer by context, the one with most added positions first."""

    layer: str
    contexts: tuple[InsertionContext, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """An image with more and more units removed: the concept's positions for each number of units."""

    seed: int
    pixels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An image in which a concept appeared: the cell where its units were forced on, and its context."""

    seed: int
    row: int
    column: int
    context: str
    added: int


@dataclass(frozen=True, slots=True)
class PicturedEdit:
    """The pictures of a concept: images with `sizes` of its units removed, and cells with units forced on."""

    layer: str
    sizes: tuple[int, ...] = ()
    removals: tuple[Removal, ...] = ()
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of a unit's removal on a concept over `images`: positions before and after, and the change."""

    concept: str
    images: int
    before: int
    after: int
    change: Estimate


@dataclass(frozen=True, slots=True)
class EditResults:
    """The ablations and insertions of a run by concept, and the ablations of single units by layer and unit."""

    ablations: Mapping[str, AblationResult] = field(default_factory=dict)
    insertions: Mapping[str, InsertionResult] = field(default_factory=dict)
    removed: Mapping[str, PicturedEdit] = field(default_factory=dict)
    inserted: Mapping[str, PicturedEdit] = field(default_factory=dict)
    effects: Mapping[tuple[str, int], tuple[Effect, ...]] = field(default_factory=dict)
    alone: frozenset[str] = frozenset()
    """Layers whose units were removed one by one."""

    @classmethod
    def read(cls, site: Site) -> EditResults | None:
        """Read a run's tables of edits; `None` if the run has none.

        Raises:
            RunError: a table is unreadable or of another version.
        """
        run = site.run
        if not any(run.has(name) for name in _TABLES):
            return None
        categories = {concept.name: concept.category for concept in site.findings.concepts}
        return cls(
            {name: _ablation(rows, name, categories) for name, rows in _by_concept(run, "generator_ablations")},
            {name: _insertion(rows, categories) for name, rows in _by_concept(run, "insertions")},
            {name: _removed(rows) for name, rows in _by_concept(run, "ablation_pictures")},
            {name: _inserted(rows) for name, rows in _by_concept(run, "insertion_pictures")},
            *_single(run),
        )


def _by_concept(run: Run, table: str) -> list[tuple[str, pd.DataFrame]]:
    if not run.has(table):
        return []
    frame = run.table(table)
    return [(str(name), rows) for name, rows in frame.groupby(frame["concept"].astype(str))]


def _ablation(rows: pd.DataFrame, concept: str, categories: Mapping[str, str]) -> AblationResult:
    by = _measured(rows[rows["ranking"] == "iou"])
    own = by.pop(concept)
    alike = {name: found for name, found in by.items() if categories[name] == categories[concept]}
    most = sorted(alike, key=lambda name: -abs(alike[name][-1]["pixels"] - alike[name][-1]["baseline"]))
    shown = [name for name in most if alike[name][-1]["baseline"] and len(alike[name]) == len(own)][:OTHERS]
    informed = _measured(rows[(rows["ranking"] == "iqr") & (rows["measured"] == concept)]).get(concept, [])
    return AblationResult(
        layer=str(own[0]["layer"]),
        drawn=int(own[0]["drawn"]),
        images=int(own[0]["images"]),
        without=int(own[0]["others"]),
        sizes=tuple(int(row["units"]) for row in own),
        own=_spans(own, "change", "low", "high"),
        informed=_spans(informed, "change", "low", "high"),
        random=_spans(own, "random_change", "random_low", "random_high"),
        others=tuple((name, _spans(alike[name], "change", "low", "high")) for name in shown),
    )


def _measured(rows: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return rows by the concept that was measured, with more and more units removed."""
    by: dict[str, list[dict[str, Any]]] = {}
    for row in rows.sort_values("units").to_dict("records"):
        by.setdefault(str(row["measured"]), []).append({str(key): value for key, value in row.items()})
    return by


def _spans(rows: list[dict[str, Any]], *keys: str) -> tuple[Estimate, ...]:
    return tuple(Estimate(*(float(row[key]) for key in keys)) for row in rows)


def _insertion(rows: pd.DataFrame, categories: Mapping[str, str]) -> InsertionResult:
    """Read the contexts of an insertion; colors are left out if other concepts are known."""
    contexts = [
        InsertionContext(str(row["context"]), int(row["locations"]), Estimate(row["added"], row["low"], row["high"]))
        for row in rows.sort_values("added", ascending=False, kind="stable").to_dict("records")
    ]
    named = [context for context in contexts if categories.get(context.name, "") not in {"color", ""}]
    nothing = [context for context in contexts if context.name == NO_CONTEXT]
    return InsertionResult(str(rows["layer"].iloc[0]), tuple([*named, *nothing] if named else contexts))


def _removed(rows: pd.DataFrame) -> PicturedEdit:
    rows = rows.sort_values(["rank", "units"])
    sizes = tuple(sorted(set(rows["units"].tolist())))
    removals = [Removal(int(one["seed"].iloc[0]), tuple(map(int, one["pixels"]))) for _, one in rows.groupby("rank")]
    return PicturedEdit(str(rows["layer"].iloc[0]), sizes, removals=tuple(removals))


def _inserted(rows: pd.DataFrame) -> PicturedEdit:
    names = ("seed", "y", "x", "context", "added_pixels")
    columns = (rows.sort_values("rank")[name].tolist() for name in names)
    return PicturedEdit(str(rows["layer"].iloc[0]), places=tuple(Place(*place) for place in zip(*columns, strict=True)))


def _single(run: Run) -> tuple[dict[tuple[str, int], tuple[Effect, ...]], frozenset[str]]:
    """Read the effects of single units, the largest change first, and the layers in which they were measured."""
    if not run.has("unit_effects"):
        return {}, frozenset()
    found: dict[tuple[str, int], list[Effect]] = {}
    for row in run.table("unit_effects").to_dict("records"):
        span = Estimate(float(row["change"]), float(row["low"]), float(row["high"]))
        effect = Effect(str(row["concept"]), int(row["images"]), int(row["baseline"]), int(row["pixels"]), span)
        found.setdefault((str(row["layer"]), int(row["unit"])), []).append(effect)
    ordered = {key: tuple(sorted(of, key=lambda one: -abs(one.after - one.before))) for key, of in found.items()}
    return ordered, frozenset(layer for layer, _ in found)
