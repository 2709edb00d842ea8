"""Train the generator of the embedded world against a discriminator that works on the segmenter's features.

    python -m dissectory.analysis.demo.train_generator

The discriminator's input is not pixels but the features of the trained segmenter's encoder, mixed by random weights
that are not trained (Sauer, Chitta, Mueller & Geiger 2021, 'Projected GANs converge faster'). It is conditioned on the
scene that a picture should show (Miyato & Koyama 2018). `weights/generator.md` describes the committed weights.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from dissectory.analysis.demo.bulk import HELD_OUT, TRAINING, draw
from dissectory.analysis.demo.networks import (
    GENERATOR,
    MEAN,
    SMALL,
    STD,
    Generator,
    latents_of,
    save,
    trained_generator,
    trained_segmenter,
)
from dissectory.analysis.demo.samples import report, sample, sheet
from dissectory.analysis.demo.vocabulary import SCENES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dissectory.analysis.demo.bulk import Drawn
    from dissectory.analysis.demo.networks import Segmenter

_BATCH = 32
_RATE = 3e-4
_BETAS = (0.0, 0.99)
_MIRRORED = 0.5
_APART = 8.0
"""Weight of the diversity term in the generator's loss."""
_REMEMBERED = 0.998
"""Decay of the averaged weights: the share that each step keeps."""
_EVERY = 250
_SEEN = (32, 64, 96, 128)
"""Channels at the segmenter's four resolutions, finest first."""
_WIDTH = 64


class Judge(nn.Module):
    """Drawn or generated? Gives a score for each cell of a map at one of the segmenter's resolutions."""

    def __init__(self, channels: int, halvings: int) -> None:
        """Mix `channels`, halve the resolution `halvings` times, and score."""
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 1, bias=False).requires_grad_(requires_grad=False)
        nn.init.kaiming_normal_(self.mix.weight)
        steps: list[nn.Module] = []
        for _ in range(halvings):
            steps += [spectral_norm(nn.Conv2d(channels, _WIDTH, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
            channels = _WIDTH
        steps += [spectral_norm(nn.Conv2d(channels, _WIDTH, 3, padding=1)), nn.LeakyReLU(0.2)]
        self.look = nn.Sequential(*steps)
        self.score = spectral_norm(nn.Conv2d(_WIDTH, 1, 1))
        self.scene = spectral_norm(nn.Embedding(len(SCENES), _WIDTH))

    def forward(self, seen: torch.Tensor, scenes: torch.Tensor) -> torch.Tensor:
        """Score features `(batch, channels, height, width)` of pictures that should show `scenes` `(batch,)`."""
        looked = self.look(self.mix(seen))
        told = (looked * self.scene(scenes)[:, :, None, None]).sum(dim=1, keepdim=True)
        score: torch.Tensor = self.score(looked) + told
        return score


class Discriminator(nn.Module):
    """A judge for each of the segmenter's resolutions; the segmenter itself is not trained."""

    def __init__(self, segmenter: Segmenter) -> None:
        """Use the features of a trained segmenter."""
        super().__init__()
        self.segmenter = segmenter.requires_grad_(requires_grad=False)
        self.judges = nn.ModuleList(Judge(channels, len(_SEEN) - 1 - place) for place, channels in enumerate(_SEEN))

    def see(self, pictures: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the features of pictures `(batch, 3, 64, 64)`, -1..1."""
        return self.segmenter.features((pictures / 2 + 0.5 - MEAN) / STD)

    def forward(self, seen: tuple[torch.Tensor, ...], scenes: torch.Tensor) -> list[torch.Tensor]:
        """Score the features with every judge."""
        return [judge(features, scenes) for judge, features in zip(self.judges, seen, strict=True)]


def _batches(drawn: Drawn, random: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield pictures, -1..1, and their scenes, forever; both halves of a batch show the same scenes."""
    kinds = len(SCENES)
    while True:
        scenes = (random.integers(kinds) + np.arange(_BATCH // 2)) % kinds
        chosen = np.concatenate([scenes, scenes]) + kinds * random.integers(len(drawn) // kinds, size=_BATCH)
        turned = slice(None, None, -1 if random.random() < _MIRRORED else 1)
        pictures = torch.from_numpy(np.ascontiguousarray(drawn.pictures[chosen][..., turned])).float() / 127.5 - 1
        yield pictures.contiguous(memory_format=torch.channels_last), torch.from_numpy(chosen % kinds)


def spread(seen: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return how far apart the two pictures of each scene in a batch are, at every resolution `(resolution,)`."""
    half = _BATCH // 2
    return torch.stack([(features[:half] - features[half:]).float().abs().mean() for features in seen])


@torch.no_grad()
def _remember(average: Generator, network: Generator, step: int) -> None:
    """Move the averaged weights toward the current ones, faster in the first steps."""
    kept = min(_REMEMBERED, (1 + step) / (10 + step))
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.is_floating_point():
            old.lerp_(new, 1 - kept)


def train(drawn: Drawn, steps: int, seed: int, out: Path) -> None:
    """Train with the hinge loss and Adam, and write the averaged weights every 250 steps."""
    torch.manual_seed(seed)
    random, source = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    network = Generator().train().to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    against = Discriminator(trained_segmenter()).to(memory_format=torch.channels_last)
    against.judges.train()
    learned = [weights for weights in against.judges.parameters() if weights.requires_grad]
    generator_steps = torch.optim.Adam(network.parameters(), _RATE, _BETAS)
    judge_steps = torch.optim.Adam(learned, _RATE, _BETAS)
    started, totals = time.monotonic(), np.zeros(3)
    for step, (pictures, scenes) in zip(range(1, steps + 1), _batches(drawn, random), strict=False):
        with torch.autocast("cpu", torch.bfloat16):
            made = network(latents_of(scenes, source)).contiguous(memory_format=torch.channels_last)
            seen = against.see(made)
            with torch.no_grad():
                real = against.see(pictures)
            said = zip(against(real, scenes), against(tuple(one.detach() for one in seen), scenes), strict=True)
            judged = sum((1 - true).relu().float().mean() + (1 + drawn_).relu().float().mean() for true, drawn_ in said)
        judge_steps.zero_grad()
        judged.backward()
        judge_steps.step()
        for weights in learned:
            weights.requires_grad = False
        with torch.autocast("cpu", torch.bfloat16):
            fooled = -sum(score.float().mean() for score in against(seen, scenes))
        # Pictures of one scene should differ as much as drawn ones do; otherwise the latents lose their meaning.
        alike = (1 - spread(seen) / spread(real)).relu().mean()
        generator_steps.zero_grad()
        (fooled + _APART * alike).backward()
        generator_steps.step()
        for weights in learned:
            weights.requires_grad = True
        _remember(average, network, step)
        totals += float(judged.detach()), float(fooled.detach()), float(alike.detach())
        if step % _EVERY == 0 or step == steps:
            save(average, out)
            since = time.monotonic() - started
            judges, generator, same = totals / ((step - 1) % _EVERY + 1)
            click.echo(f"step {step}: judges {judges:.3f}, generator {generator:.3f}, alike {same:.3f}; {since:.0f} s")
            totals[:] = 0


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=GENERATOR, help="The file to write the weights to.")
@click.option("--count", default=24_000, help="Number of training scenes.")
@click.option("--held-out", default=2_000, help="Number of scenes to compare with.")
@click.option("--steps", default=3_750)
@click.option("--seed", default=0)
@click.option("--threads", default=2, help="Number of threads, and of processes that draw.")
def main(*, out: Path, count: int, held_out: int, steps: int, seed: int, threads: int) -> None:
    """Draw scenes, train, write the weights, and compare generated pictures with held-out scenes."""
    drawn, others = (draw(first, many, SMALL, threads) for first, many in ((TRAINING, count), (HELD_OUT, held_out)))
    torch.set_num_threads(threads)
    train(drawn, steps, seed, out)
    made = sample(trained_generator(out), held_out, seed)
    sheet(made[:60], out.with_suffix(".webp"))
    report(made, drawn.pictures[:held_out], others.pictures)


if __name__ == "__main__":
    main()
