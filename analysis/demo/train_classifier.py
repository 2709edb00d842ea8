"""Train the classifier of the embedded world on freshly drawn scenes, and print its accuracy on held-out scenes.

    python -m dissectory.analysis.demo.train_classifier

The same options on the same machine with the same number of threads give the same weights. Pictures are drawn
once, from seeds that no demo uses, and mirrored at random. `weights/classifier.md` describes the committed weights.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import torch
from torch import nn

from dissectory.analysis.demo.bulk import HELD_OUT, TRAINING, draw, views
from dissectory.analysis.demo.networks import CLASSIFIER, SIZE, Classifier, save, trained_classifier
from dissectory.analysis.demo.vocabulary import SCENES

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.demo.bulk import Drawn

_BATCH = 64
_RATE = 4e-3
_MIRRORED = 0.5


def train(drawn: Drawn, epochs: int, seed: int) -> Classifier:
    """Train with AdamW, one cycle of the learning rate, and mirrored pictures."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Classifier().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = len(drawn) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, epochs * steps)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    labels = drawn.classes
    for epoch in range(epochs):
        started, total = time.monotonic(), 0.0
        for chosen in random.permutation(len(drawn))[: steps * _BATCH].reshape(steps, _BATCH):
            batch = drawn.pictures[chosen]
            mirrored = random.random(_BATCH) < _MIRRORED
            batch[mirrored] = batch[mirrored, :, :, ::-1]
            seen = views(batch).contiguous(memory_format=torch.channels_last)
            loss = criterion(network(seen), torch.from_numpy(labels[chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
        click.echo(f"epoch {epoch + 1:2} of {epochs}: loss {total / steps:.4f}, {time.monotonic() - started:.0f} s")
    return network.eval()


def confusion(network: Classifier, drawn: Drawn) -> npt.NDArray[np.int64]:
    """Count the pictures of each class by predicted class: `(class, prediction)`."""
    counts = np.zeros((len(SCENES), len(SCENES)), dtype=np.int64)
    with torch.no_grad():
        starts = range(0, len(drawn), _BATCH)
        answers = [network(views(drawn.pictures[at : at + _BATCH])).argmax(1).numpy() for at in starts]
    np.add.at(counts, (drawn.classes, np.concatenate(answers)), 1)
    return counts


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=CLASSIFIER, help="The file to write the weights to.")
@click.option("--count", default=10_000, help="Number of training scenes.")
@click.option("--held-out", default=2_000, help="Number of test scenes.")
@click.option("--epochs", default=6)
@click.option("--seed", default=0)
@click.option("--threads", default=2, help="Number of threads, and of processes that draw.")
def main(*, out: Path, count: int, held_out: int, epochs: int, seed: int, threads: int) -> None:
    """Draw scenes, train, write the weights, and test the written weights."""
    started = time.monotonic()
    drawn, others = (draw(first, many, SIZE, threads) for first, many in ((TRAINING, count), (HELD_OUT, held_out)))
    click.echo(f"drew {count + held_out} scenes in {time.monotonic() - started:.0f} s")
    torch.set_num_threads(threads)
    save(train(drawn, epochs, seed), out)
    counts = confusion(trained_classifier(out), others)
    right = counts.diagonal()
    click.echo(f"{right.sum()} of {counts.sum()} held-out scenes right: {right.sum() / counts.sum():.2%}")
    for scene, row, hits in zip(SCENES, counts, right, strict=True):
        click.echo(f"  {scene:12} {hits / row.sum():7.2%}  {row.tolist()}")
    click.echo(f"{time.monotonic() - started:.0f} s in total; weights in {out}")


if __name__ == "__main__":
    main()
