"""Layers' maps of every kind, and what a sweep makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from hypothesis import strategies as st

from dissectory.analysis.tally.sweep import LayerSweep

if TYPE_CHECKING:
    from dissectory.analysis.tally.upsampling import Border, Upsampler

KINDS = ("normal", "relu", "few values", "constant", "negative", "dead", "large steps", "strange")
kinds = st.sampled_from(KINDS)
borders: st.SearchStrategy[Border] = st.sampled_from(["zeros", "extend"])


def activations(kind: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Make activations of one kind; `strange` ones are not finite here and there."""
    values = random.normal(size=shape)
    strange = np.array([np.nan, np.inf, -np.inf])[random.integers(0, 3, size=shape)]
    made: dict[str, np.ndarray] = {
        "normal": values,
        "relu": values.clip(0),
        "few values": random.integers(-2, 3, size=shape).astype(float),
        "constant": np.full(shape, 3.7),
        "negative": -1 - np.abs(values),
        "dead": np.zeros(shape),
        "large steps": np.copysign(2.0 ** random.integers(-40, 40, size=shape), values),
        "strange": np.where(random.random(shape) < 0.2, strange, values),
    }
    return made[kind].astype(np.float32)


@st.composite
def networks_maps(draw: st.DrawFn, exact: bool = True) -> np.ndarray:
    """Maps `(image, unit, height, width)`, each unit of its own kind; `exact` where float64 holds what is upsampled."""
    images, height, width = draw(st.integers(1, 12)), draw(st.integers(1, 9)), draw(st.integers(1, 9))
    allowed = st.sampled_from([kind for kind in KINDS if not (exact and kind == "large steps")])
    of_units = draw(st.lists(allowed, min_size=1, max_size=4))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    return np.stack([activations(kind, (images, height, width), random) for kind in of_units], axis=1)


def finite(maps: np.ndarray) -> np.ndarray:
    """What is tallied: 0 for what is not finite."""
    return np.where(np.isfinite(maps), maps, np.float32(0))


def swept(
    maps: np.ndarray,
    upsampler: Upsampler,
    batch: int,
    bound: np.ndarray | None = None,
    *,
    threads: int = 1,
    top_images: int = 3,
) -> LayerSweep:
    """Sweep over maps, `batch` images at a time; images are numbered from 0."""
    sweep = LayerSweep(upsampler, maps.shape[1], top_images, bound=bound, threads=threads)
    for start in range(0, len(maps), batch):
        part = maps[start : start + batch]
        sweep.observe(range(start, start + len(part)), torch.from_numpy(part))
    return sweep


def upsampled(maps: np.ndarray, upsampler: Upsampler) -> np.ndarray:
    """Upsample maps `(map, height, width)` to `(map, positions)`."""
    sweep = swept(maps[:, None], upsampler, len(maps))
    return sweep.kept.values.reshape(len(maps), upsampler.positions)
