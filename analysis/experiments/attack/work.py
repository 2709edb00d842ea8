"""An adversarial attack on a classifier: which units change most when the network is misled?

As in Bau et al. 2020: images that the network predicts correctly are changed toward another class (`carlini_wagner`).
The change of peak activations is averaged over the most important units of the target class, those of the image's own
class, and all others, with 99 % intervals over images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from safetensors.numpy import save_file
from torch import Tensor, nn

from dissectory.analysis.experiments.attack.carlini_wagner import attack
from dissectory.analysis.experiments.attack.paths import TENSORS
from dissectory.analysis.experiments.attack.pictures import amplifications, draw_attacked
from dissectory.analysis.experiments.attack.tables import ATTACK_CHANGES, ATTACK_UNITS, ATTACKS
from dissectory.analysis.measuring.classification import NO_PREDICTION, output_of
from dissectory.analysis.measuring.parts import scores_of
from dissectory.analysis.subjects.images import ImageFolder
from dissectory.analysis.subjects.layers import watch
from dissectory.analysis.tally.changes import NINETY_NINE
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from dissectory.analysis.experiments.attack.declare import AttackSection
    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Run
    from dissectory.analysis.subjects.layers import LayerInfo

    Floats = npt.NDArray[np.float64]

_AT_ONCE = 8
"""At most this many images are attacked together: a backward pass takes far more memory than a forward pass."""

GROUPS = ("target", "source", "other", "all")
"""Groups of units, with their names in the table attack_changes."""


class _OfPixels(nn.Module):
    """A classifier that takes pixels `(image, 3, height, width)`, 0..1, and normalizes them itself."""

    mean: Tensor
    std: Tensor

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self.network = setting.model.module
        for name in ("mean", "std"):
            values = torch.tensor(getattr(setting.preprocessing, name), dtype=torch.float32).view(1, 3, 1, 1)
            self.register_buffer(name, values.to(setting.device))

    def forward(self, pixels: Tensor) -> Tensor:
        scores = scores_of(self.network((pixels - self.mean) / self.std))
        assert scores is not None  # noqa: S101 - only images with a prediction are attacked
        return scores


@dataclass(frozen=True, slots=True)
class Attacked:
    """Some images before and after an attack.

    `sources` and `targets` are outputs `(image,)`. `originals` `(image, 3, size, size)` are 0..255, `changed` 0..1.
    `shares` are softmax probabilities `(image, output)`, and `peaks` are peak activations `(image, unit)`, both before
    and after the attack.
    """

    images: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    originals: npt.NDArray[np.uint8]
    changed: npt.NDArray[np.float32]
    success: npt.NDArray[np.bool_]
    shares: tuple[Floats, Floats]
    peaks: tuple[Floats, Floats]

    @property
    def differences(self) -> Floats:
        """What the attack added to the images `(image, 3, size, size)`."""
        return np.asarray(self.changed - self.originals.astype(np.float32) / np.float32(255), dtype=np.float64)

    @property
    def distances(self) -> Floats:
        """L2 distances `(image,)`."""
        return np.asarray(np.sqrt((self.differences**2).sum(axis=(1, 2, 3))))

    @property
    def changes(self) -> Floats:
        """Absolute change of each unit's peak activation `(image, unit)`."""
        return np.abs(self.peaks[1] - self.peaks[0])


def check(setting: Setting, section: AttackSection) -> None:
    """Check that the layer is dissected, and that the target is an output of the network.

    Raises:
        StudyError: one of them is not.
    """
    setting.check_layer("attack.layer", section.layer)
    if section.target and output_of(section.target, setting.model.classes) is None:
        classes, unnamed = setting.model.classes, "the outputs have no names: list them in the file model.classes"
        known = nearest(section.target, classes) if classes else unnamed
        raise StudyError(f"attack.target is '{section.target}', which is not an output of the network; {known}")


def run(bench: Bench, section: AttackSection) -> None:
    """Attack some images that the network predicts correctly, and write tables and pictures.

    If the network predicts no image correctly, report this, and write nothing.
    """
    setting = bench.setting
    images, sources = _choose(setting, section, bench.record)
    if not len(images):
        bench.progress.say("No image is attacked, because the network predicts none of them correctly.")
        return
    layer = next((info for info in setting.layers if info.name == section.layer), setting.layers[-1])
    important = important_units(bench.run, setting.model.classes, layer.name, section.units)
    target = output_of(section.target, setting.model.classes) if section.target else None
    adversary = _Adversary(setting, layer.name, target, list(important))
    parts, size = [], min(setting.study.compute.batch, _AT_ONCE)
    with bench.progress.stage("Attacking", len(images), "images") as advance:
        for first in range(0, len(images), size):
            some = slice(first, first + size)
            parts.append(adversary.attack(images[some], sources[some]))
            advance(len(images[some]))
    attacked = Attacked(**{name: _joined([getattr(part, name) for part in parts]) for name in Attacked.__slots__})
    _write_tables(bench.run, setting, layer, attacked, Members.of(attacked, important))
    _write_tensors(bench.run, attacked)
    draw_attacked(bench.run, attacked.images.tolist(), attacked.originals, attacked.differences)


def _joined(parts: Sequence[Any]) -> Any:  # noqa: ANN401 - an array, or a pair of them
    if isinstance(parts[0], tuple):
        return tuple(np.concatenate(both) for both in zip(*parts, strict=True))
    return np.concatenate(parts)


def _choose(
    setting: Setting, section: AttackSection, record: Record
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Choose random images that the network predicts correctly, of other classes than the target.

    If no class of the images is an output of the network, every prediction counts as correct.

    Returns:
        The numbers of the images, ascending, and the predicted outputs, both `(image,)`.
    """
    assert isinstance(setting.images, ImageFolder)  # noqa: S101 - only a classifier's study asks for an attack
    outputs, predicted = setting.model.classes, record.predictions.strongest
    own = {name: output_of(name, outputs) for name in setting.images.classes}
    named = any(output is not None for output in own.values())
    target = output_of(section.target, outputs) if section.target else None
    right = [
        image
        for image in record.labels.readable.tolist()
        if predicted[image] not in {NO_PREDICTION, target}
        and (not named or predicted[image] == own.get(setting.images.class_of(image) or ""))
    ]
    drawn = np.random.default_rng(abs(setting.study.seed)).permutation(len(right))[: section.images]
    images = np.array(sorted(right[place] for place in drawn), dtype=np.int64)
    return images, predicted[images].astype(np.int64)


def important_units(run: Run, outputs: Sequence[str], layer: str, count: int) -> dict[int, frozenset[int]]:
    """Return the most important units of a layer for each class in the table unit_ablations, by the class's output."""
    if not run.has("unit_ablations"):
        return {}
    table = run.table("unit_ablations")
    table = table[(table["layer"].astype(str) == layer) & (table["split"].astype(str) == "ranking")]
    best = table[table["rank"] < count]
    places = {name: output_of(name, outputs) for name in best["class"].astype(str).unique()}
    return {
        output: frozenset(best["unit"][best["class"].astype(str) == name].astype(int).tolist())
        for name, output in places.items()
        if output is not None
    }


@dataclass(frozen=True, slots=True)
class _Adversary:
    """Attacks images toward the output `target` or, without one, toward the most likely other output.

    If units were ranked for several outputs, `ranked`, only these are possible targets.
    """

    setting: Setting
    layer: str
    target: int | None
    ranked: Sequence[int]

    def attack(self, images: npt.NDArray[np.int64], sources: npt.NDArray[np.int64]) -> Attacked:
        """Attack a batch of images, for which the network predicts the outputs `sources` `(image,)`."""
        views = np.stack([self.setting.images.view(image) for image in images.tolist()])
        originals = np.ascontiguousarray(views.transpose(0, 3, 1, 2))
        pixels = torch.from_numpy(originals).to(self.setting.device, torch.float32) / 255
        network = _OfPixels(self.setting).eval()
        scores, peaks = self._look(network, pixels)
        targets = self._targets(scores, sources)
        changed, success = attack(network, pixels, torch.from_numpy(targets).to(self.setting.device))
        scores_after, peaks_after = self._look(network, changed)
        return Attacked(
            images,
            sources,
            targets,
            originals,
            changed.cpu().numpy(),
            success.cpu().numpy(),
            (_softmax(scores), _softmax(scores_after)),
            (peaks, peaks_after),
        )

    def _look(self, network: _OfPixels, pixels: Tensor) -> tuple[Floats, Floats]:
        """Return the scores `(image, output)` and peak activations `(image, unit)` of some images."""
        peaks: list[Tensor] = []
        with (
            torch.inference_mode(),
            watch(network.network, [self.layer], lambda _name, maps: peaks.append(maps.amax(dim=(2, 3)))),
        ):
            scores = network(pixels)
        return scores.double().cpu().numpy(), peaks[0].double().cpu().numpy()

    def _targets(self, scores: Floats, sources: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the target output of each image `(image,)`."""
        if self.target is not None:
            return np.full(len(sources), self.target, dtype=np.int64)
        others = scores.copy()
        if len(self.ranked) > 1:
            others[:, np.isin(np.arange(scores.shape[1]), self.ranked, invert=True)] = -np.inf
        others[np.arange(len(sources)), sources] = -np.inf
        return np.asarray(others.argmax(axis=1), dtype=np.int64)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


@dataclass(frozen=True, slots=True)
class Members:
    """The most important units of each image's target and source class `(image, unit)`.

    `known` `(image,)` marks images for which units were ranked for both classes.
    """

    of_target: npt.NDArray[np.bool_]
    of_source: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, attacked: Attacked, important: Mapping[int, frozenset[int]]) -> Members:
        """Look up the most important units of each image's classes, given those of each output."""
        units = attacked.peaks[0].shape[1]
        of_target, of_source = (
            np.array([[unit in important.get(output, ()) for unit in range(units)] for output in outputs.tolist()])
            for outputs in (attacked.targets, attacked.sources)
        )
        known = np.isin(attacked.targets, list(important)) & np.isin(attacked.sources, list(important))
        return cls(of_target, of_source, known)

    def changes(self, attacked: Attacked) -> Iterator[tuple[str, Floats]]:
        """Yield each group of units with its mean change on each image `(image,)`.

        Only images count whose attack succeeded and whose group is known and not empty.
        """
        groups = (self.of_target, self.of_source, ~(self.of_target | self.of_source), np.ones_like(self.of_target))
        for name, group in zip(GROUPS, groups, strict=True):
            told = attacked.success & group.any(axis=1) & (self.known | (name == "all"))
            change = np.where(group, attacked.changes, 0).sum(axis=1) / group.sum(axis=1).clip(1)
            yield name, change[told]


def interval_of(values: Floats) -> tuple[float, float, float]:
    """Return the mean of values, and its 99 % interval, 2.58 standard errors on each side.

    All are NaN without values; the ends are NaN for a single value.

    >>> [round(value, 2) for value in interval_of(np.array([1.0, 3.0]))]
    [2.0, -0.58, 4.58]
    """
    if not len(values):
        return np.nan, np.nan, np.nan
    mean = float(values.mean())
    if len(values) == 1:
        return mean, np.nan, np.nan
    reach = NINETY_NINE * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    return mean, mean - reach, mean + reach


def _write_tables(run: Run, setting: Setting, layer: LayerInfo, attacked: Attacked, members: Members) -> None:
    names = setting.model.classes
    count, units = attacked.peaks[0].shape
    rows, (before, after) = np.arange(count), attacked.shares
    run.write_table(
        ATTACKS,
        {
            "image": attacked.images,
            "source": [_name(names, output) for output in attacked.sources],
            "target": [_name(names, output) for output in attacked.targets],
            "success": attacked.success,
            "distance": attacked.distances,
            "source_before": before[rows, attacked.sources],
            "target_before": before[rows, attacked.targets],
            "source_after": after[rows, attacked.sources],
            "target_after": after[rows, attacked.targets],
            "amplification": amplifications(attacked.differences),
        },
    )
    unknown = np.repeat(~members.known, units)
    run.write_table(
        ATTACK_UNITS,
        {
            "image": np.repeat(attacked.images, units),
            "layer": np.full(count * units, layer.name, dtype=object),
            "unit": np.tile(np.arange(units), count),
            "peak": attacked.peaks[0].ravel(),
            "attacked_peak": attacked.peaks[1].ravel(),
            "of_target": pa.array(members.of_target.ravel(), mask=unknown),
            "of_source": pa.array(members.of_source.ravel(), mask=unknown),
        },
    )
    changes = dict(members.changes(attacked))
    intervals = np.array([interval_of(values) for values in changes.values()])
    run.write_table(
        ATTACK_CHANGES,
        {
            "layer": np.full(len(changes), layer.name, dtype=object),
            "group": np.array(list(changes), dtype=object),
            "images": [len(values) for values in changes.values()],
            "change": intervals[:, 0],
            "low": intervals[:, 1],
            "high": intervals[:, 2],
        },
    )


def _name(names: Sequence[str], output: int) -> str:
    return names[output] if output < len(names) else f"output {output}"


def _write_tensors(run: Run, attacked: Attacked) -> None:
    """Write the images as they were measured: the picture files are rounded to 8 bits."""
    with run.replacing(run.folder / TENSORS) as temporary:
        save_file({"images": attacked.images, "originals": attacked.originals, "changed": attacked.changed}, temporary)
