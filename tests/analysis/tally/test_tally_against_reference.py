"""Thresholds, active positions and counts against the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.layer import LayerTally
from dissectory.analysis.tally.overlap import LabelMaps, Overlaps
from dissectory.analysis.tally.tail import Tail, count_above
from dissectory.analysis.tally.upsampling import Border, Upsampler


def tally_of(maps: np.ndarray, grid: int, quantile: float, border: Border, *, batch: int, first: int = 0) -> LayerTally:
    _, units, height, width = maps.shape
    keep = count_above(quantile, 12 * grid * grid) + 1
    tally = LayerTally(Tail(units, keep, Upsampler(height, width, grid, border)), 4)
    for start in range(0, len(maps), batch):
        part = maps[start : start + batch]
        tally.observe(range(first + start, first + start + len(part)), torch.from_numpy(part))
    return tally


def overlaps_of(tally: LayerTally, labels: LabelMaps, above: int) -> tuple[np.ndarray, Overlaps]:
    units = tally.tail.units
    thresholds = np.array([tally.tail.threshold(unit, above) for unit in range(units)])
    active = [tally.tail.active(unit, thresholds[unit]) for unit in range(units)]
    intersection = np.array([labels.overlap(found) for found in active])
    return thresholds, Overlaps(intersection, np.array([len(found) for found in active]), labels.pixels)


def labels_of(masks: np.ndarray) -> LabelMaps:
    """One plane a concept: masks may overlap."""
    images, concepts, grid, _ = masks.shape
    labels = LabelMaps(images, grid * grid, concepts, concepts)
    for image in range(images):
        labels.put(image, (masks[image] * np.arange(1, concepts + 1)[:, None, None]).astype(np.uint16))
    return labels


shapes = st.tuples(
    st.integers(1, 12), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7), st.integers(1, 9), st.integers(1, 5)
)
kinds = st.sampled_from(["normal", "relu", "few values", "constant", "negative", "dead"])
quantiles = st.sampled_from([0.01, 0.005, 0.1, 0.5])
borders: st.SearchStrategy[Border] = st.sampled_from(["zeros", "extend"])


def activations(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    values = random.normal(size=shape)
    made = {
        "normal": values,
        "relu": values.clip(0),
        "few values": random.integers(-2, 3, size=shape).astype(float),
        "constant": np.full(shape, 3.7),
        "negative": -1 - np.abs(values),
        "dead": np.zeros(shape),
    }
    return made[kind].astype(np.float32)


@settings(max_examples=120, deadline=None)
@given(shapes, kinds, quantiles, borders, st.integers(0, 99))
def test_counts_are_those_of_the_definition(
    shape: tuple[int, ...], kind: str, quantile: float, border: Border, seed: int
) -> None:
    images, units, height, width, grid, batch = shape
    random = np.random.default_rng(seed)
    maps = activations(kind, (images, units, height, width), random)
    masks = random.random((images, 3, grid, grid)) < np.array([0.5, 0.1, 0.0])[:, None, None]
    expected = reference.dissect(maps, masks, quantile, border)
    tally = tally_of(maps, grid, quantile, border, batch=batch)
    thresholds, overlaps = overlaps_of(tally, labels_of(masks), count_above(quantile, images * grid * grid))
    np.testing.assert_array_equal(thresholds, expected.threshold)
    np.testing.assert_array_equal(overlaps.active, expected.active)
    np.testing.assert_array_equal(overlaps.intersection, expected.intersection)
    np.testing.assert_array_equal(overlaps.union, expected.union)
    np.testing.assert_allclose(overlaps.iou, expected.iou, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 12), kinds, st.integers(0, 99))
def test_two_halves_added_are_the_whole(cut: int, kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    maps = activations(kind, (12, 3, 4, 5), random)
    masks = random.random((12, 2, 8, 8)) < 0.3
    above = count_above(0.1, 12 * 64)
    whole = tally_of(maps, 8, 0.1, "zeros", batch=3)
    halves = tally_of(maps[cut:], 8, 0.1, "zeros", batch=2, first=cut) + tally_of(maps[:cut], 8, 0.1, "zeros", batch=5)
    for one, other in ((whole, halves),):
        thresholds, overlaps = overlaps_of(one, labels_of(masks), above)
        thresholds_too, overlaps_too = overlaps_of(other, labels_of(masks), above)
        np.testing.assert_array_equal(thresholds, thresholds_too)
        np.testing.assert_array_equal(overlaps.intersection, overlaps_too.intersection)
        np.testing.assert_array_equal(one.top.images, other.top.images)
        np.testing.assert_array_equal(one.top.peaks, other.top.peaks)
        np.testing.assert_array_equal(one.top.cells, other.top.cells)
        np.testing.assert_array_equal(one.histograms.counts, other.histograms.counts)
        np.testing.assert_allclose(one.moments.mean, other.moments.mean, atol=1e-12)
        np.testing.assert_allclose(one.moments.std, other.moments.std, atol=1e-12)


def test_compaction_keeps_what_can_matter_and_drops_the_rest() -> None:
    random = np.random.default_rng(0)
    maps = random.normal(size=(60, 2, 4, 4)).astype(np.float32)
    tally = LayerTally(Tail(2, 40, Upsampler(4, 4, 8)), 4)
    for image in range(60):
        tally.observe([image], torch.from_numpy(maps[image : image + 1]))
        assert len(tally.tail) <= 1.5 * 40 * 2
    values = np.array([[reference.upsampled(plane, 8) for plane in image] for image in maps])
    for unit in range(2):
        ranked = np.sort(values[:, unit].ravel())[::-1]
        for above in (0, 1, 17, 39):
            assert tally.tail.threshold(unit, above) == ranked[above]


def test_a_rank_that_was_not_kept_is_refused() -> None:
    tail = Tail(1, 5, Upsampler(2, 2, 4))
    with pytest.raises(ValueError, match="rank 5"):
        tail.threshold(0, 5)


def test_activations_that_are_not_finite_are_counted_and_tallied_as_zero() -> None:
    maps = torch.ones(2, 2, 3, 3)
    maps[0, 1, 0, 0] = float("nan")
    maps[1, 1, 2, 2] = float("-inf")
    tally = LayerTally(Tail(2, 5, Upsampler(3, 3, 6)), 2)
    tally.observe([0, 1], maps)
    assert tally.nonfinite.tolist() == [0, 2]
    assert np.isfinite(tally.moments.mean).all()
    assert tally.top.peaks.tolist() == [[1, 1], [1, 1]]


@settings(max_examples=60, deadline=None)
@given(kinds, borders, st.floats(-2, 2), st.integers(0, 99))
def test_a_guess_changes_nothing_or_says_that_it_was_too_bold(
    kind: str, border: Border, guess: float, seed: int
) -> None:
    maps = activations(kind, (12, 3, 4, 5), np.random.default_rng(seed))
    upsampler, above = Upsampler(4, 5, 8, border), count_above(0.1, 12 * 64)
    plain = Tail(3, above + 5, upsampler)
    guessed = Tail(3, above + 5, upsampler, np.full(3, guess, dtype=np.float32))
    for tail in (plain, guessed):
        for start in range(0, 12, 5):
            part = maps[start : start + 5]
            tail.observe(range(start, start + len(part)), part, part.max(axis=(2, 3)))
    assert plain.settled(above)
    values = np.array([plain.threshold(unit, above) for unit in range(3)])
    if guessed.settled(above):
        np.testing.assert_array_equal([guessed.threshold(unit, above) for unit in range(3)], values)
        for unit, threshold in enumerate(values):
            np.testing.assert_array_equal(
                guessed.active(unit, threshold).positions, plain.active(unit, threshold).positions
            )
    else:
        assert (values < np.float32(guess)).any()


def test_a_guess_of_zero_settles_a_unit_that_is_mostly_zero() -> None:
    maps = np.zeros((10, 1, 4, 4), dtype=np.float32)
    maps[3, 0, 1, 1] = 2
    tail = Tail(1, 50, Upsampler(4, 4, 8), np.zeros(1, dtype=np.float32))
    tail.observe(range(10), maps, maps.max(axis=(2, 3)))
    assert tail.settled(30)
    assert tail.threshold(0, 30) == 0


def test_the_first_batch_is_not_kept_whole() -> None:
    maps = np.random.default_rng(0).normal(size=(40, 3, 5, 5)).astype(np.float32)
    tail = Tail(3, 30, Upsampler(5, 5, 16))
    tail.observe(range(40), maps, maps.max(axis=(2, 3)))
    assert len(tail) <= 1.5 * 30 * 3
    values = np.array([[reference.upsampled(plane, 16) for plane in image] for image in maps])
    for unit in range(3):
        assert tail.threshold(unit, 29) == np.sort(values[:, unit].ravel())[-30]
