"""Train the segmenter of the embedded world on scenes with exact labels, and print its IoU on held-out scenes.

    python -m dissectory.analysis.demo.train_segmenter

`weights/segmenter.md` describes the committed weights.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np
import torch

from dissectory.analysis.demo.bulk import HELD_OUT, TRAINING, draw, views
from dissectory.analysis.demo.networks import SEGMENTER, SMALL, Segmenter, save, trained_segmenter
from dissectory.analysis.demo.vocabulary import OBJECTS, PARTS

if TYPE_CHECKING:
    import numpy.typing as npt

    from dissectory.analysis.demo.bulk import Drawn

_BATCH = 32
_RATE = 3e-3
_MIRRORED = 0.5
_NAMES = {"object": OBJECTS, "part": tuple(PARTS)}


def loss_of(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy plus one minus the soft Dice coefficient, which weights small and large things equally.

    The coefficient is the mean over the labels that occur in the batch (Milletari, Navab & Ahmadi 2016, 'V-Net').

    Args:
        scores: `(batch, label, height, width)`.
        labels: `(batch, height, width)`.
    """
    logs = scores.permute(0, 2, 3, 1).flatten(0, 2).float().log_softmax(dim=1)
    truth = labels.flatten()
    right = logs.gather(1, truth[:, None])[:, 0]
    shares, true = logs.exp().sum(dim=0), torch.bincount(truth, minlength=logs.shape[1])
    both = torch.zeros_like(shares).index_add(0, truth, right.exp())
    dice = 2 * both / (shares + true)
    return 1 - right.mean() - dice[true > 0].mean()


def train(drawn: Drawn, epochs: int, seed: int) -> Segmenter:
    """Train with AdamW, one cycle of the learning rate, mirrored pictures, and bfloat16 products."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = Segmenter().train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    steps = len(drawn) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, epochs * steps)
    for epoch in range(epochs):
        started, total = time.monotonic(), 0.0
        for step, chosen in enumerate(random.permutation(len(drawn))[: steps * _BATCH].reshape(steps, _BATCH)):
            turned = slice(None, None, -1 if random.random() < _MIRRORED else 1)
            seen = views(drawn.pictures[chosen][..., turned]).contiguous(memory_format=torch.channels_last)
            labels = [
                torch.from_numpy(maps[chosen][..., turned].astype(np.int64)) for maps in (drawn.objects, drawn.parts)
            ]
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(seen)
            loss = sum((loss_of(*pair) for pair in zip(scores, labels, strict=True)), torch.zeros(()))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += float(loss.detach())
            if step % 100 == 0:
                click.echo(f"  step {step} of {steps}: {total / (step + 1):.4f}, {time.monotonic() - started:.0f} s")
        click.echo(f"epoch {epoch + 1:2} of {epochs}: loss {total / steps:.4f}, {time.monotonic() - started:.0f} s")
    return network.eval()


def overlaps(network: Segmenter, drawn: Drawn) -> dict[str, npt.NDArray[np.float64]]:
    """Return the IoU of every object and part over all scenes; NaN for labels that do not occur in them."""
    found: dict[str, npt.NDArray[np.float64]] = {}
    for place, (category, names) in enumerate(_NAMES.items()):
        counts = np.zeros((len(names) + 1) ** 2, dtype=np.int64)
        truth = (drawn.objects, drawn.parts)[place]
        for start in range(0, len(drawn), 100):
            with torch.no_grad():
                said = network(views(drawn.pictures[start : start + 100]))[place].argmax(1).numpy()
            pairs = truth[start : start + 100].astype(np.int64) * (len(names) + 1) + said
            counts += np.bincount(pairs.ravel(), minlength=len(counts))
        table = counts.reshape(len(names) + 1, -1)
        both, true = table.diagonal(), table.sum(axis=1)
        either = true + table.sum(axis=0) - both
        found[category] = np.where(true > 0, both / np.maximum(either, 1), np.nan)[1:]
    return found


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=SEGMENTER, help="The file to write the weights to.")
@click.option("--count", default=24_000, help="Number of training scenes.")
@click.option("--held-out", default=2_000, help="Number of test scenes.")
@click.option("--epochs", default=3)
@click.option("--seed", default=0)
@click.option("--threads", default=2, help="Number of threads, and of processes that draw.")
def main(*, out: Path, count: int, held_out: int, epochs: int, seed: int, threads: int) -> None:
    """Draw scenes, train, write the weights, and test the written weights."""
    started = time.monotonic()
    drawn, others = (draw(first, many, SMALL, threads) for first, many in ((TRAINING, count), (HELD_OUT, held_out)))
    click.echo(f"drew {count + held_out} scenes in {time.monotonic() - started:.0f} s")
    torch.set_num_threads(threads)
    save(train(drawn, epochs, seed), out)
    for category, found in overlaps(trained_segmenter(out), others).items():
        click.echo(f"{category}s: mean IoU {np.nanmean(found):.3f} over {np.isfinite(found).sum()} that occur")
        for place in np.argsort(-found):
            click.echo(f"  {_NAMES[category][place]:16} {found[place]:.3f}")
    click.echo(f"{time.monotonic() - started:.0f} s in total; weights in {out}")


if __name__ == "__main__":
    main()
