"""The gallery: the choice of images, and the drawings and tables of their label maps."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from worlds.planted_world import CONCEPTS, GRID, draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.pictures.gallery import choose, concept_masks, draw_map, runs
from dissectory.analysis.run import Pictures

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.run import Run


def positions(text: str, count: int) -> list[bool]:
    """Decode the run lengths that `runs` wrote, from their definition."""
    found: list[bool] = []
    for number, length in enumerate(text.split()):
        found += [number % 2 == 1] * int(length)
    return found + [False] * (count - len(found))


@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_runs_encode_every_position(mask: np.ndarray) -> None:
    assert positions(runs(mask), mask.size) == mask.ravel().tolist()


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=1, max_size=60), st.integers(1, 9))
def test_chosen_images_are_spread_over_the_classes(classes: list[str | None], most: int) -> None:
    chosen = choose(range(100, 100 + len(classes)), classes, most)
    chosen_classes = [classes[image - 100] for image in chosen]
    assert len(set(chosen)) == len(chosen) <= most
    sizes = {name: classes.count(name) for name in set(classes)}
    if len(sizes) >= most:
        assert len(set(chosen_classes)) == len(chosen_classes) == most
    else:
        assert {name: chosen_classes.count(name) for name in sizes} == {
            name: min(size, most // len(sizes)) for name, size in sizes.items()
        }


def test_chosen_images_of_a_class_are_spread_from_the_first_to_the_last() -> None:
    assert choose(range(600), [None] * 600, 24) == list(range(12, 600, 25))


def test_a_position_with_several_concepts_shows_them_in_turn() -> None:
    masks = {2: np.ones((4, 4), dtype=bool), 0: np.zeros((4, 4), dtype=bool)}
    masks[0][:, 1:3] = True
    drawn = draw_map(masks, {0: "#010203", 2: "#0a0b0c"}, 4)
    assert (drawn[..., 3] == 255).all()
    for row, column in itertools.product(range(4), range(4)):
        both = column in {1, 2}
        second = both and (row + column) % 2
        assert drawn[row, column, :3].tolist() == ([1, 2, 3] if second else [10, 11, 12])


def test_a_mask_covers_all_planes() -> None:
    labels = np.array([[0, 3], [3, 0], [1, 2], [1, 0]], dtype=np.uint16)
    masks = concept_masks(labels, 2)
    assert {place: mask.tolist() for place, mask in masks.items()} == {
        0: [[False, False], [True, True]],
        1: [[False, False], [True, False]],
        2: [[True, True], [False, False]],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return dissect(study(folder, concepts={"sources": ["masks:labels", "color"]}), folder / "run")


def test_a_run_shows_equally_many_images_of_each_class(run: Run) -> None:
    shown = run.table("gallery").image.unique()
    images = run.table("images").set_index("image").loc[shown]
    assert images["class"].value_counts().to_dict() == {"even": 12, "odd": 12}


def test_label_maps_are_those_on_disk(run: Run, folder: Path) -> None:
    paths = run.table("images").set_index("image").path
    rows = run.table("gallery_concepts")
    maps = run.table("gallery").set_index(["image", "category"]).labelled
    for image in run.table("gallery").image.unique():
        labels = np.asarray(Image.open(folder / "labels" / paths[image].rpartition("/")[2]))[1::2, 1::2]
        drawn = np.asarray(Image.open(run.folder / Pictures.gallery(image, "object")))
        of_image = rows[(rows.image == image) & rows.concept.isin(CONCEPTS)].set_index("concept")
        for number, name in enumerate(CONCEPTS, start=1):
            expected = labels == number
            if not expected.any():
                assert name not in of_image.index
                continue
            row = of_image.loc[name]
            assert row.pixels == expected.sum()
            assert positions(row.runs, GRID**2) == expected.ravel().tolist()
            assert set(map(tuple, drawn[expected].tolist())) == {(*bytes.fromhex(row.color[1:]), 255)}
        assert (drawn[..., 3] == 0).sum() == (labels == 0).sum()
        assert maps[(image, "object")] == (labels > 0).sum()
        assert maps[(image, "color")] == GRID**2


def test_gallery_images_are_the_network_s_views(run: Run, folder: Path) -> None:
    paths = run.table("images").set_index("image").path
    for image in run.table("gallery").image.unique()[:3]:
        given = np.asarray(Image.open(folder / "photos" / paths[image])).astype(int)
        shown = np.asarray(Image.open(run.folder / Pictures.gallery(image)).convert("RGB")).astype(int)
        assert shown.shape == given.shape
        assert np.abs(shown - given).mean() < 12


def test_color_concepts_have_their_own_colors_and_objects_distinct_ones(run: Run) -> None:
    colors = run.table("gallery_concepts").drop_duplicates("concept").set_index("concept").color
    assert colors["green"] == "#3f9142"
    assert colors[CONCEPTS].nunique() == len(CONCEPTS)
