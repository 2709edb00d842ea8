"""Counts on a device, against the definition and against the compiled counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes.maps import borders, finite, networks_maps, swept
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dissection as reference

from dissectory.analysis.tally.device.overlap import DeviceCounts
from dissectory.analysis.tally.device.products import Pieces, counted
from dissectory.analysis.tally.device.sweep import DeviceSweep
from dissectory.analysis.tally.overlap import count, count_by_image, count_paired, distinct
from dissectory.analysis.tally.thresholds import count_above, threshold
from dissectory.analysis.tally.upsampling import Border, Upsampler

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
counts = st.builds(
    DeviceCounts,
    st.just(DEVICE),
    st.sampled_from([1, 20_000, 10**9]),
    st.sampled_from([None, torch.float16, torch.float32]),
)

quantiles = st.tuples(st.sampled_from([0.01, 0.1, 0.5]), borders)


@settings(max_examples=80, deadline=None)
@given(networks_maps(), st.integers(1, 9), st.integers(1, 5), quantiles, counts)
def test_counts_match_the_definition(
    maps: np.ndarray, grid: int, batch: int, given: tuple[float, Border], device: DeviceCounts
) -> None:
    """From the activations to the counts on a device alone."""
    quantile, border = given
    images, units, height, width = maps.shape
    random = np.random.default_rng(images)
    masks = random.random((images, 3, grid, grid)) < np.array([0.5, 0.1, 0.0])[:, None, None]
    expected = reference.dissect(finite(maps), masks, quantile, border)
    sweep = DeviceSweep(Upsampler(height, width, grid, border), units, 3, device=DEVICE, memory=device.memory)
    for start in range(0, images, batch):
        part = maps[start : start + batch]
        sweep.observe(range(start, start + len(part)), torch.from_numpy(part))
    above = count_above(quantile, images * grid * grid)
    found = [threshold(sweep.kept.of(unit), above, -np.inf, float(sweep.lowest[unit])) for unit in range(units)]
    assert found == expected.threshold.tolist()
    labels = (masks * np.arange(1, 4)[:, None, None]).reshape(images, 3, -1).swapaxes(1, 2).astype(np.uint16)
    row_of = random.permutation(images).astype(np.int32)
    rows, thresholds = labels[np.argsort(row_of)], expected.threshold.astype(np.float32)
    intersection, active = device.count(sweep.kept, thresholds, rows, row_of, 3)
    np.testing.assert_array_equal(active, expected.active)
    np.testing.assert_array_equal(intersection, expected.intersection)


@settings(max_examples=100, deadline=None)
@given(networks_maps(), st.integers(1, 7), st.integers(0, 4), counts)
def test_counts_equal_the_compiled_ones(maps: np.ndarray, grid: int, left_out: int, device: DeviceCounts) -> None:
    images, units, height, width = maps.shape
    random = np.random.default_rng(images + grid)
    bounds = np.quantile(finite(maps), 0.6, axis=(0, 2, 3)).astype(np.float32)
    kept = swept(maps, Upsampler(height, width, grid), 3, bounds - 0.5).kept
    chosen = random.permutation(images)[: max(1, images - left_out)].astype(np.int32)
    row_of = np.full(images, -1, dtype=np.int32)
    row_of[chosen] = np.arange(len(chosen))
    labels = distinct(random.integers(0, 4, (len(chosen), grid**2, 3)).astype(np.uint16))
    concept = random.integers(-1, 3, size=(units,))
    above, moves = kept.above(bounds), [0, *random.permutation(9).tolist()]
    check_same(device.count(kept, bounds, labels, row_of, 3), count(kept, bounds, labels, row_of, 3))
    check_same(
        device.count_by_image(kept, bounds, concept, labels, row_of),
        count_by_image(kept, bounds, concept, labels, row_of),
    )
    check_same(device.count_paired(above, chosen, labels, moves, 3), count_paired(above, chosen, labels, moves, 3))


def check_same(mine: tuple[np.ndarray, ...], theirs: tuple[np.ndarray, ...]) -> None:
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
@pytest.mark.parametrize("positions", [2048, 2049, 5000])
def test_products_of_full_masks_are_exact(positions: int, dtype: torch.dtype) -> None:
    """All positions are active and have the concept: a sum in half precision would stop at 2,048."""
    pieces = Pieces(positions, dtype)
    everywhere = torch.arange(2 * positions)
    rows, zero = everywhere // positions, torch.zeros_like(everywhere)
    units = pieces.unit_masks(rows, zero, everywhere % positions, (2, 2))
    concepts = pieces.concept_masks(torch.ones(2, positions, 1, dtype=torch.int32), 1)
    assert counted(units, concepts).tolist() == [[0, 2 * positions], [0, 0]]


def test_nothing_kept_is_nothing_counted() -> None:
    kept = swept(np.zeros((2, 3, 2, 2), dtype=np.float32), Upsampler(2, 2, 2), 2, np.zeros(3, dtype=np.float32)).kept
    labels, row_of = np.ones((2, 4, 1), dtype=np.uint16), np.arange(2, dtype=np.int32)
    device = DeviceCounts(DEVICE, 1000)
    intersection, active = device.count(kept, np.zeros(3, dtype=np.float32), labels, row_of, 2)
    assert (intersection.tolist(), active.tolist()) == ([[0, 0]] * 3, [0] * 3)
    paired, active = device.count_paired(kept, row_of, labels, [], 2)
    assert (paired.shape, active.tolist()) == ((0, 3, 2), [0] * 3)


@pytest.mark.parametrize("wrong", ["concept", "position", "image", "row"])
def test_numbers_outside_of_an_array_are_refused(wrong: str) -> None:
    kept = swept(np.ones((2, 1, 2, 2), dtype=np.float32), Upsampler(2, 2, 2, "extend"), 2).kept
    labels = np.full((2, 3 if wrong == "position" else 4, 1), 2 if wrong == "concept" else 1, dtype=np.uint16)
    row_of = np.array({"image": [0], "row": [0, 2]}.get(wrong, [0, 1]), dtype=np.int32)
    with pytest.raises(ValueError, match=r"labels contain the concept|outside the grid|label maps"):
        DeviceCounts(DEVICE, 1000).count(kept, np.zeros(1, dtype=np.float32), labels, row_of, 1)


def test_too_little_memory_makes_smaller_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = np.random.default_rng(0).normal(size=(6, 9, 4, 4)).astype(np.float32)
    bounds, row_of = np.zeros(9, dtype=np.float32), np.arange(6, dtype=np.int32)
    kept = swept(maps, Upsampler(4, 4, 8), 6, bounds).kept
    labels = np.random.default_rng(1).integers(0, 4, (6, 64, 1)).astype(np.uint16)
    unit_masks, made = Pieces.unit_masks, []

    def limited(self: Pieces, *given: object) -> torch.Tensor:
        masks = unit_masks(self, *given)  # type: ignore[arg-type]
        if masks.numel() > 3 * 64:
            raise torch.OutOfMemoryError
        made.append(masks.shape)
        return masks

    expected = count(kept, bounds, labels, row_of, 3), count_paired(kept, row_of, labels, [0, 1], 3)
    monkeypatch.setattr(Pieces, "unit_masks", limited)
    device = DeviceCounts(DEVICE, 10**9)
    check_same(device.count(kept, bounds, labels, row_of, 3), expected[0])
    check_same(device.count_paired(kept, row_of, labels, [0, 1], 3), expected[1])
    assert max(shape[1] for shape in made) < 9
