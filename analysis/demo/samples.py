"""Images of the embedded world's generator, and how far they are from drawn scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from dissectory.analysis.demo.bulk import views
from dissectory.analysis.demo.features import scene_features
from dissectory.analysis.demo.networks import SIZE, SMALL, latents_of, trained_classifier, trained_segmenter
from dissectory.analysis.demo.vocabulary import OBJECTS, SCENES
from dissectory.analysis.tally.outliers import Gaussian

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    from torch import nn

    from dissectory.analysis.demo.networks import Generator

    Pictures = npt.NDArray[np.uint8]

_AT_ONCE = 100
_CLASSIFIED = SIZE / SMALL
"""The size of the classifier's input over the size of the generator's output."""


def sample(network: Generator, count: int, seed: int) -> Pictures:
    """Generate pictures `(count, 3, 64, 64)`; all scenes take turns."""
    random = torch.Generator().manual_seed(seed)
    made = []
    with torch.no_grad():
        for first in range(0, count, _AT_ONCE):
            scenes = torch.arange(first, min(first + _AT_ONCE, count)) % len(SCENES)
            made.append(((network(latents_of(scenes, random)) + 1) * 127.5).round().byte().numpy())
    return np.concatenate(made)


def sheet(pictures: Pictures, path: Path, columns: int = len(SCENES)) -> None:
    """Write pictures into one file, as a grid, row by row."""
    rows = pictures.transpose(0, 2, 3, 1).reshape(-1, columns, *pictures.shape[2:], 3)
    Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows])).save(path)


def distance(some: Pictures, others: Pictures) -> float:
    """Return the Frechet distance between pictures `(count, 3, 64, 64)`, in the features of the embedded classifier.

    The definition is that of Heusel et al. 2017, but with other features: not comparable with published figures.
    """
    return Gaussian.of(_features(some)).frechet(Gaussian.of(_features(others)))


def _features(pictures: Pictures) -> npt.NDArray[np.float64]:
    answers = _answers(scene_features(), pictures, scale=_CLASSIFIED)
    return torch.cat([answer.double() for answer in answers]).numpy()


def recognized(pictures: Pictures) -> float:
    """Return the share of pictures that the classifier assigns to the intended scene; all scenes take turns."""
    wanted = np.arange(len(pictures)) % len(SCENES)
    answers = [scores.argmax(dim=1).numpy() for scores in _answers(trained_classifier(), pictures, scale=_CLASSIFIED)]
    return float((np.concatenate(answers) == wanted).mean())


def areas(pictures: Pictures) -> npt.NDArray[np.float64]:
    """Return the share of all pixels that the segmenter assigns to each object `(object,)`."""
    counts = np.zeros(len(OBJECTS) + 1, dtype=np.int64)
    for objects, _ in _answers(trained_segmenter(), pictures):
        counts += np.bincount(objects.argmax(dim=1).numpy().ravel(), minlength=len(counts))
    shares: npt.NDArray[np.float64] = counts[1:] / counts.sum()
    return shares


def _answers(network: nn.Module, pictures: Pictures, scale: float = 1) -> Iterator[Any]:
    """Yield a network's outputs for batches of pictures, enlarged `scale` times."""
    with torch.no_grad():
        for first in range(0, len(pictures), _AT_ONCE):
            seen = views(pictures[first : first + _AT_ONCE])
            yield network(functional.interpolate(seen, scale_factor=scale, mode="bilinear") if scale != 1 else seen)


def report(made: Pictures, drawn: Pictures, held_out: Pictures) -> None:
    """Print how far generated pictures, and equally many drawn ones, are from held-out scenes."""
    click.echo("                                  generated   drawn")
    click.echo(f"Frechet distance to held-out    {distance(made, held_out):11.3f} {distance(drawn, held_out):7.3f}")
    click.echo(f"scene recognized                {recognized(made):11.1%} {recognized(drawn):7.1%}")
    click.echo("area of objects, as segmented")
    generated, real = areas(made), areas(drawn)
    for place in np.argsort(-real):
        click.echo(f"  {OBJECTS[place]:30}{generated[place]:11.3%} {real[place]:7.3%}")
