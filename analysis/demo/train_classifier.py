"""Trains the classifier of the embedded world on freshly drawn scenes, and says how well it does on others.

    python -m dissectory.analysis.demo.train_classifier

The same options on the same machine with the same number of threads give the same weights. Pictures are drawn
once, from seeds that no demo uses, and mirrored at random. See `weights/classifier.md` for the committed run.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from dissectory.analysis.demo.networks import CLASSIFIER, MEAN, SIZE, STD, Classifier, trained_classifier
from dissectory.analysis.demo.scene import draw_scene
from dissectory.analysis.demo.vocabulary import SCENES

if TYPE_CHECKING:
    import numpy.typing as npt

    Pictures = npt.NDArray[np.uint8]

TRAINING, HELD_OUT = 1_000_000, 2_000_000
"""The first seeds of the scenes to learn from and of those to be tested on; a demo's own seeds lie below both."""

_BATCH = 64
_RATE = 4e-3
_MIRRORED = 0.5


def _draw(seed: int) -> Pictures:
    """One picture `(3, size, size)`, its class by turns."""
    return draw_scene(seed, SCENES[seed % len(SCENES)], SIZE).picture.transpose(2, 0, 1)


def pictures(first: int, count: int, workers: int) -> Pictures:
    """Draw the scenes of the seeds from `first`: `(count, 3, size, size)`; picture `n` is of class `n` modulo 10."""
    if first % len(SCENES):
        raise ValueError(f"the first seed is {first}; it must be a multiple of {len(SCENES)}")
    seeds = range(first, first + count)
    if workers == 1:
        return np.stack([_draw(seed) for seed in seeds])
    # Fresh processes: a copy of one that has threads, as torch has, can hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return np.stack(list(pool.map(_draw, seeds, chunksize=100)))


def classes(count: int) -> npt.NDArray[np.int64]:
    """The classes of `count` pictures."""
    return np.arange(count) % len(SCENES)


def views(some: Pictures) -> torch.Tensor:
    """What the network sees of pictures `(batch, 3, size, size)`."""
    return (torch.from_numpy(some).float() / 255 - MEAN) / STD


def train(drawn: Pictures, epochs: int, seed: int) -> Classifier:
    """Train with AdamW, one cycle of the learning rate, and mirrored pictures."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Classifier().train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = len(drawn) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, epochs * steps)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    labels = classes(len(drawn))
    for epoch in range(epochs):
        started, total = time.monotonic(), 0.0
        for chosen in random.permutation(len(drawn))[: steps * _BATCH].reshape(steps, _BATCH):
            batch = drawn[chosen]
            mirrored = random.random(_BATCH) < _MIRRORED
            batch[mirrored] = batch[mirrored, :, :, ::-1]
            seen = views(batch).contiguous(memory_format=torch.channels_last)
            loss = criterion(network(seen), torch.from_numpy(labels[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        click.echo(f"epoch {epoch + 1:2} of {epochs}: loss {total / steps:.4f}, {time.monotonic() - started:.0f} s")
    return network.eval()


def save(network: Classifier, path: Path) -> None:
    """Write the weights, in half precision."""
    state = {name: value.detach() for name, value in network.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    half = {name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in state.items()}
    save_file(half, path)


def confusion(network: Classifier, drawn: Pictures) -> npt.NDArray[np.int64]:
    """Count the pictures of each class by what the network says: `(class, answer)`."""
    counts = np.zeros((len(SCENES), len(SCENES)), dtype=np.int64)
    with torch.no_grad():
        answers = [network(views(drawn[start : start + 256])).argmax(1).numpy() for start in range(0, len(drawn), 256)]
    np.add.at(counts, (classes(len(drawn)), np.concatenate(answers)), 1)
    return counts


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=CLASSIFIER, help="Where the weights go.")
@click.option("--count", default=10_000, help="Scenes to learn from.")
@click.option("--held-out", default=2_000, help="Scenes to be tested on.")
@click.option("--epochs", default=6)
@click.option("--seed", default=0)
@click.option("--threads", default=2, help="Threads, and processes to draw with.")
def main(*, out: Path, count: int, held_out: int, epochs: int, seed: int, threads: int) -> None:
    """Draw, train, write the weights, test what was written."""
    started = time.monotonic()
    drawn, others = (pictures(first, many, threads) for first, many in ((TRAINING, count), (HELD_OUT, held_out)))
    click.echo(f"drew {count + held_out} scenes in {time.monotonic() - started:.0f} s")
    torch.set_num_threads(threads)
    save(train(drawn, epochs, seed), out)
    counts = confusion(trained_classifier(out), others)
    right = counts.diagonal()
    click.echo(f"{right.sum()} of {counts.sum()} held-out scenes right: {right.sum() / counts.sum():.2%}")
    for scene, row, hits in zip(SCENES, counts, right, strict=True):
        click.echo(f"  {scene:12} {hits / row.sum():7.2%}  {row.tolist()}")
    click.echo(f"{time.monotonic() - started:.0f} s in all; weights in {out}")


if __name__ == "__main__":
    main()
