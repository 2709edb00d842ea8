"""The cost of the tally of all layers, compared with the bare forward passes: `nox -s bench`.

The results are ratios, and nanoseconds per activation or entry. Nothing here passes or fails.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from networks import squeezenet_places365
from safetensors.torch import load_file

from dissectory.analysis.measuring.order import spread
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tally.bounds import first_bound, raised
from dissectory.analysis.tally.overlap import count
from dissectory.analysis.tally.sweep import LayerSweep
from dissectory.analysis.tally.upsampling import Upsampler

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor, nn

IMAGES, BATCH, GRID, QUANTILE = 512, 32, 56, 0.01
LAYERS = ["conv1", *(f"fire{number}" for number in range(2, 10))]
STRETCHES = ((0, BATCH), (BATCH, IMAGES // 2), (IMAGES // 2, IMAGES))
"""Ranges of images that are timed separately, because the bounds are loose at first."""


def network(assets: Path) -> nn.Module:
    module = squeezenet_places365.build().eval()
    module.load_state_dict(load_file(assets / "classifiers/squeezenet_places365/weights.safetensors"))
    return module


def pictures(assets: Path) -> Iterator[Tensor]:
    """Yield batches of photographs `(batch, 3, 224, 224)`, spread over all scenes."""
    folder = ImageFolder(assets / "datasets/places_like/intel_scenes", Geometry(size=224, resize=256, fit="stretch"))
    numbers = [number * len(folder) // IMAGES for number in spread(IMAGES)]
    mean = torch.tensor([116.67, 112.51, 104.05]).view(3, 1, 1) / 255
    for start in range(0, IMAGES, BATCH):
        views = np.stack([folder.view(number) for number in numbers[start : start + BATCH]])
        yield torch.from_numpy(views).permute(0, 3, 1, 2).contiguous() / 255 - mean


@dataclass
class Stopwatch:
    """Tallies layers as a network computes them, and adds up the seconds by stage and range of images."""

    threads: int
    seen: int = 0
    sweeps: dict[str, LayerSweep] = field(default_factory=dict)
    seconds: dict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    activations: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def observe(self, name: str, maps: Tensor) -> None:
        start = time.perf_counter()
        if name not in self.sweeps:
            upsampler = Upsampler(maps.shape[2], maps.shape[3], GRID)
            bound = first_bound(maps, IMAGES, QUANTILE, upsampler, self.threads)
            self.sweeps[name] = LayerSweep(upsampler, maps.shape[1], 15, bound=bound, threads=self.threads)
        between = time.perf_counter()
        sweep, seen = self.sweeps[name], self.seen + BATCH
        sweep.observe(range(self.seen, seen), maps)
        end = time.perf_counter()
        if seen & (seen - 1) == 0:
            sweep.raise_bound(lambda kept, bound: raised(kept, seen, IMAGES, QUANTILE, GRID**2, bound))
        self.add("bounds", between - start + time.perf_counter() - end)
        self.add(name, end - between)
        self.activations[name] += maps.numel()

    def add(self, stage: str, seconds: float) -> None:
        stretch = sum(self.seen >= last for _, last in STRETCHES)
        self.seconds[stage, stretch] += seconds

    def of(self, *stages: str) -> np.ndarray:
        """Return the seconds of some stages, by range of images `(stretch,)`."""
        return np.array([sum(self.seconds[stage, stretch] for stage in stages) for stretch in range(len(STRETCHES))])


def test_cost_of_the_tally(assets: Path) -> None:
    module, batches = network(assets), list(pictures(assets))
    watched = Stopwatch(torch.get_num_threads())
    with torch.inference_mode():
        for warm in (Stopwatch(watched.threads), watched):  # the first pass compiles the kernels
            for batch in batches[: None if warm is watched else 1]:
                start = time.perf_counter()
                module(batch)
                warm.add("forward", time.perf_counter() - start)
                with watch(module, LAYERS, warm.observe):
                    module(batch)
                warm.seen += BATCH
    forward = watched.of("forward")
    print(f"\nratio to bare forward passes ({forward.sum() / IMAGES * 1e3:.1f} ms an image, {watched.threads} threads)")
    print("  images         " + "".join(f"{f'{first + 1}..{last}':>10}" for first, last in STRETCHES))
    for stages in ([name] for name in (*LAYERS, "bounds")):
        show(stages[0], watched.of(*stages) / forward)
    show("together", watched.of(*LAYERS, "bounds") / forward)
    for name, sweep in watched.sweeps.items():
        rate = watched.of(name)[-1] * 2 * watched.threads / watched.activations[name] * 1e9
        share = len(sweep.kept) / IMAGES / sweep.units / GRID**2 / QUANTILE
        print(
            f"  {name:<10} {rate:6.2f} ns per activation and thread at the end; kept {share:.2f} times what is needed"
        )
    count_labels(watched, forward.sum())


def show(stage: str, ratios: np.ndarray) -> None:
    print(f"  {stage:<15}" + "".join(f"{ratio:10.3f}" for ratio in ratios))


def count_labels(watched: Stopwatch, forward: float) -> None:
    planes, concepts = 4, 50
    patches = np.random.default_rng(0).integers(0, concepts + 1, size=(IMAGES, 7, 7, planes), dtype=np.uint16)
    labels = patches.repeat(GRID // 7, axis=1).repeat(GRID // 7, axis=2).reshape(IMAGES, GRID**2, planes)
    rows = np.arange(IMAGES, dtype=np.int32)
    seconds = 0.0
    for sweep in watched.sweeps.values():
        kept = sweep.kept
        count(kept.units(0, 1), sweep.bound[:1], labels, rows, concepts)
        start = time.perf_counter()
        count(kept, sweep.bound, labels, rows, concepts, watched.threads)
        seconds += time.perf_counter() - start
    entries = sum(len(sweep.kept) for sweep in watched.sweeps.values())
    print(f"  counting {planes} planes: {seconds / forward:.3f} of the bare forward passes, ", end="")
    print(f"{seconds * watched.threads / entries / planes * 1e9:.2f} ns per entry, plane and thread")
