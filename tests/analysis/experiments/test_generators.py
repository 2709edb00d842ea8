"""Dissection of generators, from seeds to tables, on a generator whose results are known in advance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from networks import drawing_generator as drawing
from networks import progan128
from PIL import Image
from reference import dissection as reference
from worlds.drawn_world import IMAGES, QUANTILE, SEED, levels, study

from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.analysis.dissection import dissect
from dissectory.analysis.measuring.passes import Pass
from dissectory.analysis.study.study import Study
from dissectory.analysis.subjects.latents import Latents
from dissectory.analysis.tables.catalog import all_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from dissectory.analysis.run import Run
    from dissectory.analysis.subjects.images import ViewBatch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("drawn")
    return dissect(study(folder), folder / "run")


@pytest.fixture(scope="module")
def truth() -> reference.Reference:
    maps = levels().clamp(min=0)[:, :, None, None] * drawing.regions()
    return reference.dissect(maps.numpy(), drawing.shows(levels()).numpy(), QUANTILE)


def test_every_unit_is_labeled_with_what_it_generates(run: Run) -> None:
    units = run.table("units").set_index("unit").sort_index()
    for unit, thing in enumerate(drawing.THINGS):
        if thing:
            assert units.concept[unit] == thing
            assert units.matched[unit]


def test_tables_equal_the_definition(run: Run, truth: reference.Reference) -> None:
    units = run.table("units").set_index("unit").sort_index()
    np.testing.assert_allclose(units.threshold, truth.threshold, rtol=1e-6)
    np.testing.assert_array_equal(units.active, truth.active)
    np.testing.assert_allclose(units.iou, truth.iou.max(axis=1), atol=1e-6)
    pairs = run.table("unit_concepts")
    assert len(pairs) == (truth.intersection > 0).sum()
    for row in pairs.to_dict("records"):
        at = row["unit"], drawing.CONCEPTS.index(row["concept"])
        assert (row["intersection"], row["union"]) == (truth.intersection[at], truth.union[at])


def test_images_are_named_by_their_seeds(run: Run) -> None:
    images = run.table("images")
    assert images.image.tolist() == list(range(IMAGES))
    assert images.seed.tolist() == [SEED + image for image in range(IMAGES)]
    assert images.path[3] == f"seed {SEED + 3}"
    assert set(images.width) == set(images.height) == {drawing.SIZE}
    assert images["class"].isna().all()
    assert not run.has("classes")
    assert run.manifest.study["latents"] == {"count": IMAGES, "seed": SEED, "range": [-1.0, 1.0]}
    assert "images" not in run.manifest.study
    assert run.manifest.title.endswith(f":Generator, {IMAGES} generated images")
    assert run.manifest.notes == ()


def test_concepts_are_counted_on_the_generated_images(run: Run) -> None:
    concepts = run.table("concepts").set_index("concept")
    seen = drawing.shows(levels()).sum(dim=(0, 2, 3))
    assert concepts.pixels.to_dict() == dict(zip(drawing.CONCEPTS, seen.tolist(), strict=True))
    assert concepts.category.to_dict() == drawing.CATEGORIES


def test_sprites_show_the_images_of_their_seeds(run: Run) -> None:
    pictures, top = run.manifest.pictures, run.table("unit_images")
    row = top[(top.unit == 2) & (top["rank"] == 0)].iloc[0]
    sprite = np.asarray(Image.open(run.folder / pictures.unit(0, 2)).convert("RGB"))[: pictures.tile, : pictures.tile]
    cell = pictures.tile // drawing.CELLS
    middles = sprite[cell // 2 :: cell, cell // 2 :: cell].astype(int)
    for concept, mask in zip(drawing.CONCEPTS, drawing.shows(levels())[int(row.image)].numpy(), strict=True):
        for color in middles[mask]:
            assert np.abs(color - 255 * np.array(drawing.COLORS[concept])).max() < 90  # it is a small WebP


def check_same(run: Run, other: Run, *, without: Collection[str] = ()) -> None:
    """Check that two runs have the same tables, bit for bit."""
    for name in set(all_tables()) - set(without):
        assert run.has(name) == other.has(name)
        if run.has(name):
            pd.testing.assert_frame_equal(run.table(name), other.table(name), check_exact=True)


def test_an_image_depends_only_on_its_seed(run: Run, tmp_path: Path) -> None:
    again = dissect(study(tmp_path, compute={"batch": 16, "workers": 1}), tmp_path / "run")
    check_same(run, again, without={"units", "layers"})  # means and pairings depend on the batch
    one, other = (made.table("units").drop(columns="q_value") for made in (again, run))
    pd.testing.assert_frame_equal(one, other, rtol=1e-6)


class Stopped(BaseException):
    """Interrupts a run; like Ctrl-C, it is not an `Exception`."""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images that passes have generated, as a list that grows."""
    images: list[int] = []
    forward: Callable[..., object] = Pass._forward

    def noting(self: Pass, batch: ViewBatch, wanted: list[str]) -> object:
        images.extend(batch.images)
        return forward(self, batch, wanted)

    monkeypatch.setattr(Pass, "_forward", noting)
    return images


def test_an_interrupted_run_resumes(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drawn: list[int]
) -> None:
    small = study(tmp_path, compute={"memory_gb": 1e-9})  # a shard for every batch
    pictured = Latents.pictured

    def stopping(self: Latents, batch: ViewBatch, answer: object) -> ViewBatch:
        if len(drawn) > IMAGES // 2:
            raise Stopped
        return pictured(self, batch, answer)

    with monkeypatch.context() as patch:
        patch.setattr(Latents, "pictured", stopping)
        with pytest.raises(Stopped):
            dissect(small, tmp_path / "run")
    done = len(drawn) - 7  # the batch in which it was interrupted is lost
    drawn.clear()
    check_same(run, dissect(small, tmp_path / "run"))
    assert len(set(drawn)) == IMAGES - done


def test_activations_are_reused_with_other_concepts(tmp_path: Path, drawn: list[int]) -> None:
    keep = {"keep_progress": True, "batch": 7}
    dissect(study(tmp_path, compute=keep), tmp_path / "run")
    drawn.clear()
    sources = [f"python:{drawing.__file__}:Segmenter", "color"]
    again = dissect(study(tmp_path, compute=keep, concepts={"sources": sources}), tmp_path / "run")
    assert len(drawn) == IMAGES  # for the label maps; nothing is tallied
    assert again.manifest.seconds["tally"] == 0
    drawn.clear()
    dissect(study(tmp_path, compute=keep, concepts={"sources": sources}), tmp_path / "run")
    assert not drawn
    dissect(study(tmp_path, compute=keep, concepts={"sources": sources}, latents={"seed": 5}), tmp_path / "run")
    assert len(drawn) >= IMAGES


def test_a_network_may_define_its_own_latents_and_classes(tmp_path: Path) -> None:
    source = f"python:{drawing.__file__}:Conditional"
    made = dissect(study(tmp_path, model={"source": source}), tmp_path / "run")
    images = made.table("images").set_index("image")
    assert images["class"].tolist() == ["night" if (SEED + image) % 2 else "day" for image in range(IMAGES)]
    shows = drawing.shows(levels())[:, drawing.CONCEPTS.index("barn")]
    by_day = shows[[image for image in range(IMAGES) if (SEED + image) % 2 == 0]]
    assert made.table("concepts").set_index("concept").pixels["barn"] == int(by_day.sum())
    units = made.table("units").set_index("unit")
    assert units.concept[drawing.THINGS.index("barn")] == "barn"


def test_the_generator_of_the_demo_has_units_for_things(tmp_path: Path) -> None:
    networks = "python:dissectory.analysis.demo.networks"
    values = {
        "model": {"source": f"{networks}:trained_generator", "kind": "generator", "layers": ["layer3"]},
        "latents": {"count": 30},
        "concepts": {"sources": [f"{networks}:trained_segmenter"]},
        "dissection": {"pairings": 0, "top_images": 1},
    }
    made = dissect(Study.from_dict(values), tmp_path / "run")
    assert made.manifest.grid == 64
    assert made.table("images")["class"].value_counts().to_dict() == dict.fromkeys(SCENES, 3)
    units = made.table("units")
    assert (units.matched.groupby(units.layer, observed=True).mean() > 0.3).all()
    assert {"object", "part"} == set(made.table("concepts").category)


def test_a_real_generator_with_a_segmenter_of_faces(assets: Path, tmp_path: Path) -> None:
    values = {
        "model": {
            "source": f"python:{progan128.__file__}:ProGan",
            "kind": "generator",
            "layers": ["res2"],
            "weights": str(assets / "generators" / "progan128_faces" / "weights.safetensors"),
        },
        "latents": {"count": 3, "shape": [512], "range": [0, 1]},
        "concepts": {"sources": [f"onnx:{assets / 'segmenters' / 'bisenet_face18' / 'model.onnx'}"]},
        "dissection": {"pairings": 0, "top_images": 1},
    }
    made = dissect(Study.from_dict(values), tmp_path / "run")
    assert set(made.table("images").width) == {128}
    concepts = made.table("concepts").set_index("concept")
    assert concepts.images["nose"] == 3
    assert concepts.images["hair"] == 3
    layers = made.table("layers").set_index("layer")
    assert (layers.matched_units > layers.units / 10).all()
