"""The most informative threshold for a concept, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.maps import borders, finite, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference
from reference import information

from dissectory.analysis.tables.core import UNIT_CONCEPTS
from dissectory.analysis.tally.information import (
    HIGHEST_SHARE,
    LEVELS,
    LOWEST_SHARE,
    Information,
    LevelCounts,
    candidate_levels,
)
from dissectory.analysis.tally.overlap import distinct
from dissectory.analysis.tally.upsampling import Border, Upsampler

CONCEPTS = 3


def found_in(
    maps: np.ndarray, labels: np.ndarray, upsampler: Upsampler, levels: np.ndarray, *, batch: int = 3, threads: int = 1
) -> Information:
    counts = LevelCounts(upsampler, levels, CONCEPTS, threads=threads)
    for start in range(0, len(maps), batch):
        part = slice(start, start + batch)
        counts.observe(torch.from_numpy(maps[part]), labels[part])
    pixels = np.array([(labels == number).sum() for number in range(1, CONCEPTS + 1)])
    return counts.best(len(maps) * upsampler.positions, pixels)


def levels_of(maps: np.ndarray, upsampler: Upsampler) -> np.ndarray:
    histograms = swept(maps, upsampler, len(maps)).histograms
    return candidate_levels(histograms, np.quantile(finite(maps), 0.9, axis=(0, 2, 3)).astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(networks_maps(), st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), borders)
def test_ratios_match_the_definition(maps: np.ndarray, grid: int, batch: int, planes: int, border: Border) -> None:
    images, units, height, width = maps.shape
    random = np.random.default_rng(images)
    labels = distinct(random.integers(0, CONCEPTS + 1, (images, grid**2, planes)).astype(np.uint16))
    upsampler = Upsampler(height, width, grid, border)
    levels = levels_of(maps, upsampler)
    found = found_in(maps, labels, upsampler, levels, batch=batch, threads=1 + images % 2)
    for unit in range(units):
        values = np.array([reference.upsampled(plane, grid, border) for plane in finite(maps)[:, unit]]).ravel()
        for concept in range(CONCEPTS):
            carried = (labels == concept + 1).any(axis=2).ravel()
            expected = information.ratios(values, levels[unit], carried)
            assert found.ratio[unit, concept] == pytest.approx(max(expected), rel=1e-6, abs=1e-12)
            if max(expected) > 1e-9:
                level = found.threshold[unit, concept]
                assert information.ratio(values > level, carried) == pytest.approx(max(expected), rel=1e-6)
                assert level == levels[unit][np.flatnonzero(np.isclose(expected, max(expected), rtol=1e-6))[0]]


@settings(max_examples=40, deadline=None)
@given(networks_maps(exact=False))
def test_levels_ascend_and_contain_the_threshold(maps: np.ndarray) -> None:
    histograms = swept(maps, Upsampler(maps.shape[2], maps.shape[3], 3), 4).histograms
    thresholds = finite(maps).max(axis=(0, 2, 3))
    levels = candidate_levels(histograms, thresholds)
    assert levels.shape == (maps.shape[1], LEVELS)
    assert np.isfinite(levels).all()
    assert (np.diff(levels, axis=1) >= 0).all()
    tiny = np.abs(thresholds) < 2.0**-29
    assert ((levels == thresholds[:, None]).any(axis=1) | tiny).all()


def test_levels_follow_the_shares_of_activations_above_them() -> None:
    maps = np.random.default_rng(0).normal(3, 1, (40, 2, 50, 50)).astype(np.float32)
    levels = levels_of(maps, Upsampler(50, 50, 4))
    values = np.sort(maps[:, 0].ravel())
    shares = 1 - np.searchsorted(values, levels[0], side="right") / len(values)
    assert shares[[0, -1]] == pytest.approx([HIGHEST_SHARE, LOWEST_SHARE], rel=0.1)
    assert (shares[:-1] / shares[1:]).max() < 1.4


def test_the_description_of_the_table_lists_the_levels() -> None:
    column = next(column for column in UNIT_CONCEPTS.columns if column.name == "iqr_threshold")
    assert f"{LEVELS} candidates" in column.meaning
    assert f"{HIGHEST_SHARE:.0%} to {LOWEST_SHARE:.2%}".replace("%", " %") in column.meaning


def test_a_unit_that_avoids_a_concept_has_ratio_0() -> None:
    labels = np.zeros((1, 16, 1), dtype=np.uint16)
    labels[0, :4], labels[0, 4:, 0] = 1, 2
    maps = np.ones((1, 1, 4, 4), dtype=np.float32)
    maps[0, 0, 0] = 0
    found = found_in(maps, labels, Upsampler(4, 4, 4), np.full((1, LEVELS), 0.5, dtype=np.float32))
    assert found.ratio[0].tolist() == pytest.approx([0, 1, 0])
    assert np.isnan(found.threshold[0]).tolist() == [True, False, True]
    assert found.best.tolist() == [1]


def test_without_information_there_is_no_best_concept() -> None:
    assert Information(np.zeros((2, 3)), np.full((2, 3), np.nan, dtype=np.float32)).best.tolist() == [-1, -1]
    assert Information(np.zeros((2, 0)), np.zeros((2, 0), dtype=np.float32)).best.tolist() == [-1, -1]


@pytest.mark.parametrize("wrong", ["concept", "positions", "images"])
def test_labels_that_do_not_fit_are_refused(wrong: str) -> None:
    shape = {"positions": (2, 3, 1), "images": (1, 4, 1)}.get(wrong, (2, 4, 1))
    labels = np.full(shape, CONCEPTS + (wrong == "concept"), dtype=np.uint16)
    maps, levels = np.zeros((2, 1, 2, 2), dtype=np.float32), np.zeros((1, LEVELS), dtype=np.float32)
    with pytest.raises(ValueError, match=r"labels contain the concept|do not match"):
        LevelCounts(Upsampler(2, 2, 2), levels, CONCEPTS).observe(torch.from_numpy(maps), labels)
