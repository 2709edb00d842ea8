"""Counts of active positions and concepts, against the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes.maps import borders, finite, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.kept import Kept
from dissectory.analysis.tally.overlap import Overlaps, count, count_by_image, count_paired, distinct, lit
from dissectory.analysis.tally.thresholds import count_above, threshold
from dissectory.analysis.tally.upsampling import Border, Upsampler

if TYPE_CHECKING:
    from pathlib import Path


@settings(max_examples=120, deadline=None)
@given(networks_maps(), st.integers(1, 9), st.integers(1, 5), st.sampled_from([0.01, 0.1, 0.5]), borders)
def test_counts_match_the_definition(maps: np.ndarray, grid: int, batch: int, quantile: float, border: Border) -> None:
    images, units, height, width = maps.shape
    random = np.random.default_rng(images)
    masks = random.random((images, 3, grid, grid)) < np.array([0.5, 0.1, 0.0])[:, None, None]
    expected = reference.dissect(finite(maps), masks, quantile, border)
    threads = 1 + images % 2
    sweep = swept(maps, Upsampler(height, width, grid, border), batch, threads=threads)
    above = count_above(quantile, images * grid * grid)
    found = [threshold(sweep.kept.of(unit), above, -np.inf, float(sweep.lowest[unit])) for unit in range(units)]
    assert found == expected.threshold.tolist()
    thresholds = expected.threshold.astype(np.float32)
    labels = (masks * np.arange(1, 4)[:, None, None]).reshape(images, 3, -1).swapaxes(1, 2).astype(np.uint16)
    row_of = random.permutation(images).astype(np.int32)
    rows = labels[np.argsort(row_of)]
    intersection, active = count(sweep.kept, thresholds, rows, row_of, 3, threads)
    overlaps = Overlaps(intersection, active, masks.sum(axis=(0, 2, 3)))
    np.testing.assert_array_equal(overlaps.active, expected.active)
    np.testing.assert_array_equal(overlaps.intersection, expected.intersection)
    np.testing.assert_array_equal(overlaps.union, expected.union)
    np.testing.assert_allclose(overlaps.iou, expected.iou)
    concept = np.arange(units) % 4 - 1
    by_image, active_by_image = count_by_image(sweep.kept, thresholds, concept, rows, row_of, threads)
    shown = expected.lit.reshape(images, units, -1)
    np.testing.assert_array_equal(active_by_image[row_of], shown.sum(axis=2))
    for unit in range(units):
        mask = masks[:, concept[unit]].reshape(images, -1) & (concept[unit] >= 0)
        np.testing.assert_array_equal(by_image[row_of, unit], (shown[:, unit] & mask).sum(axis=1))
    bits = np.unpackbits(lit(sweep.kept, thresholds, sweep.top.images, grid * grid), axis=2, count=grid * grid)
    for unit in range(units):
        for rank, image in enumerate(sweep.top.images[unit]):
            np.testing.assert_array_equal(bits[unit, rank], shown[image, unit] if image >= 0 else 0)


def test_images_without_a_row_are_skipped() -> None:
    kept = swept(np.ones((3, 1, 2, 2), dtype=np.float32), Upsampler(2, 2, 2, "extend"), 3).kept
    labels = np.ones((1, 4, 1), dtype=np.uint16)
    threshold, row_of = np.zeros(1, dtype=np.float32), np.array([-1, 0, -1], dtype=np.int32)
    intersection, active = count(kept, threshold, labels, row_of, 1)
    assert (intersection.tolist(), active.tolist()) == ([[4]], [4])
    by_image, active_by_image = count_by_image(kept, threshold, np.zeros(1, dtype=np.intp), labels, row_of)
    assert (by_image.tolist(), active_by_image.tolist()) == ([[4]], [[4]])


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 6), st.integers(0, 5))
def test_pairings_are_counted_as_if_one_by_one(maps: np.ndarray, grid: int, left_out: int) -> None:
    images, _, height, width = maps.shape
    random = np.random.default_rng(images)
    bounds = np.quantile(finite(maps), 0.7, axis=(0, 2, 3)).astype(np.float32)
    kept = swept(maps, Upsampler(height, width, grid), 3, bounds).kept.above(bounds)
    paired = random.permutation(images)[: max(1, images - left_out)].astype(np.int32)
    labels = distinct(random.integers(0, 4, (len(paired), grid**2, 3)).astype(np.uint16))
    moves = [0, *range(1, len(paired))]
    met, active = count_paired(kept, paired, labels, moves, 3, threads=1 + images % 2)
    for move, one in zip(moves, met, strict=True):
        row_of = np.full(images, -1, dtype=np.int32)
        row_of[np.roll(paired, move)] = np.arange(len(paired))
        intersection, expected_active = count(kept, bounds, labels, row_of, 3)
        np.testing.assert_array_equal(one, intersection)
        np.testing.assert_array_equal(active, expected_active)


def test_arrays_may_be_on_disk(tmp_path: Path) -> None:
    kept = swept(np.ones((2, 3, 2, 2), dtype=np.float32), Upsampler(2, 2, 2, "extend"), 2).kept
    for name in ("first", "images", "starts", "values", "positions"):
        np.save(tmp_path / f"{name}.npy", getattr(kept, name))
    again = Kept(
        *(
            np.load(tmp_path / f"{name}.npy", mmap_mode="r")
            for name in ("first", "images", "starts", "values", "positions")
        )
    )
    labels = np.ones((2, 4, 1), dtype=np.uint16)
    labels.flags.writeable = False
    thresholds, row_of = np.zeros(3, dtype=np.float32), np.arange(2, dtype=np.int32)
    assert count(again, thresholds, labels, row_of, 1)[0].tolist() == [[8]] * 3


@pytest.mark.parametrize("wrong", ["concept", "position", "image", "row"])
def test_numbers_outside_of_an_array_are_refused(wrong: str) -> None:
    kept = swept(np.ones((2, 1, 2, 2), dtype=np.float32), Upsampler(2, 2, 2, "extend"), 2).kept
    labels = np.full((2, 3 if wrong == "position" else 4, 1), 2 if wrong == "concept" else 1, dtype=np.uint16)
    row_of = np.array({"image": [0], "row": [0, 2]}.get(wrong, [0, 1]), dtype=np.int32)
    with pytest.raises(ValueError, match=r"labels contain the concept|outside the grid|label maps"):
        count(kept, np.zeros(1, dtype=np.float32), labels, row_of, 1)


def test_no_concept_is_repeated_at_a_position() -> None:
    labels = np.array([[3, 3, 3, 1], [0, 2, 0, 2], [1, 2, 3, 4]], dtype=np.uint16)
    assert distinct(labels).tolist() == [[3, 0, 0, 1], [0, 2, 0, 0], [1, 2, 3, 4]]
