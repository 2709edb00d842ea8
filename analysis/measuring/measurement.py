"""Measuring a network: passes over the images, thresholds, IoUs. Results that are already on disk are reused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from dissectory.analysis.measuring.activations import activations_of, nonfinite_of
from dissectory.analysis.measuring.attempts import ATTEMPTS, known_bounds, open_part, settle, thresholds_of
from dissectory.analysis.measuring.comparing import LayerResult, compare
from dissectory.analysis.measuring.information import Candidates, find_information
from dissectory.analysis.measuring.label_maps import LabelMaps
from dissectory.analysis.measuring.parts import LabelPart, LayerPart, OutputPart
from dissectory.analysis.measuring.passes import Pass
from dissectory.analysis.measuring.record import ImagePredictions, Record
from dissectory.analysis.measuring.significance import assess
from dissectory.analysis.resuming.fingerprint import Facts
from dissectory.analysis.resuming.shards import Shelf
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from dissectory.analysis.measuring.attempts import Found
    from dissectory.analysis.measuring.comparing import Counts
    from dissectory.analysis.measuring.seconds import Seconds
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.resuming.shards import Shards
    from dissectory.analysis.run import Run
    from dissectory.analysis.subjects.layers import LayerInfo
    from dissectory.analysis.tally.information import Information
    from dissectory.progress import Progress

    Floats = npt.NDArray[np.float32]


class Measurement:
    """Measures the network of a setting; its progress is in the folder `kept`, under the network's `role`."""

    def __init__(self, setting: Setting, run: Run, kept: Path, role: str, seconds: Seconds) -> None:
        self._setting = setting
        self._run = run
        self._seconds = seconds
        self._threads = torch.get_num_threads()
        self._shared = Shelf(run, kept / "labels")  # the network and its control have the same label maps
        self._own = Shelf(run, kept / role)
        self._passes = 0

    def make(self, progress: Progress) -> tuple[Record, list[LayerResult]]:
        """Measure everything.

        Raises:
            SubjectError: no activation is a finite number, or a layer's maps differ in size.
            ImagesError: no image can be decoded.
        """
        setting = self._setting
        with self._seconds.stage("hash"):
            images_hash = setting.images.digest(setting.study.compute.workers)
            facts = Facts.of(setting, images_hash)
        self._seconds.resume(self._run, self._own.spare("seconds", facts.of_layers(setting.layers)) / "seconds.json")
        with self._seconds.stage("resume"):
            labels = LabelPart(
                self._shared.open("labels", facts.labels), setting.vocabulary, setting.study.dissection.grid
            )
            outputs = OutputPart(self._own.open("outputs", facts.outputs))
            layers = [self._layer_part(layer, facts) for layer in setting.layers]
            informed = self._informed(facts)
            self._tell(labels, layers, facts, progress)
            self._shared.discard_others()
            self._own.discard_others()
        self._pass("Dissecting", layers, progress, labels, outputs)
        maps = LabelMaps(labels.shards, len(setting.images), len(setting.vocabulary))
        if len(maps.readable) == 0:
            raise setting.images.nothing_readable(maps.skipped)
        _check_finite(layers)
        found = self._thresholds(layers, facts, len(maps.readable), progress)
        information = self._information(found, informed, maps, progress)
        results = self._compared(found, maps, information, progress)
        predictions = ImagePredictions.read(outputs.shards, len(setting.images))
        return Record(maps, predictions, images_hash, self._passes, self._seconds), results

    def _tell(self, labels: LabelPart, layers: Sequence[LayerPart], facts: Facts, progress: Progress) -> None:
        """Report in one line what changed since the last start, what is therefore measured again, and what is not."""
        changes = {
            part: self._own.changes("layer", facts.of_layer(part.layer)) for part in layers if not len(part.shards)
        }
        reasons = {reason for changed in changes.values() for reason in changed}
        anew = [f"activations of {part.layer.name}" for part, changed in changes.items() if changed]
        reused = [f"activations of {part.layer.name}" for part in layers if len(part.shards)]
        if len(labels.shards):
            reused.append("label maps")
        elif changed := self._shared.changes("labels", facts.labels):
            anew.append("label maps")
            reasons |= set(changed)
        if anew:
            progress.say(
                f"Changed since the last start: {_listed(sorted(reasons))}. Measured again: {_listed(anew)}. "
                f"Reused: {_listed(reused) or 'nothing'}."
            )

    def _layer_part(self, layer: LayerInfo, facts: Facts, attempt: int = 0, known: Floats | None = None) -> LayerPart:
        """Open the shards of a layer, those of the first attempt or of a later one."""
        for later in range(attempt + 1, ATTEMPTS):
            self._own.spare("layer", facts.of_layer(layer, later))
        return open_part(self._setting, layer, self._own.open("layer", facts.of_layer(layer, attempt)), attempt, known)

    def _pass(
        self,
        name: str,
        layers: Sequence[LayerPart],
        progress: Progress,
        labels: LabelPart | None = None,
        outputs: OutputPart | None = None,
    ) -> None:
        """Make a pass over the images that some parts lack."""
        work = Pass(self._setting, layers, labels, outputs, seconds=self._seconds)
        self._passes += 1
        if work.done and work.todo:
            progress.say(f"Resuming: {work.done:,} of {len(self._setting.images):,} images are done.")
        if work.todo:
            with progress.stage(name, len(self._setting.images), "images", done=work.done) as advance:
                work.run(advance)

    def _thresholds(self, layers: Sequence[LayerPart], facts: Facts, readable: int, progress: Progress) -> Found:
        """Find the thresholds of all layers `(unit,)`, if necessary with further passes."""

        def find(part: LayerPart) -> Floats:
            with self._seconds.stage("thresholds"):
                return thresholds_of(self._setting, part, readable)

        def measure_again(failed: Found, attempt: int) -> list[LayerPart]:
            again = [
                self._layer_part(part.layer, facts, attempt, known_bounds(part, levels)) for part, levels in failed
            ]
            self._pass(f"Dissecting, {len(again)} layers again", again, progress)
            return again

        return settle(layers, find, measure_again)

    def _informed(self, facts: Facts) -> dict[str, Shards]:
        """Open the layers' shards of information about concepts, if the study asks for it."""
        if not self._setting.study.dissection.information_ratio:
            return {}
        layers = self._setting.layers
        return {layer.name: self._own.open("information", facts.of_information(layer)) for layer in layers}

    def _information(
        self,
        found: Sequence[tuple[LayerPart, Floats]],
        informed: Mapping[str, Shards],
        maps: LabelMaps,
        progress: Progress,
    ) -> dict[str, Information]:
        """Find how informative the units are about concepts, if the study asks for it."""
        if not informed:
            return {}
        with self._seconds.stage("information"):
            layers = [Candidates.of(part, levels, informed[part.layer.name]) for part, levels in found]
            self._passes += find_information(self._setting, layers, maps, progress=progress)
            return {layer.layer.name: layer.found for layer in layers}

    def _compared(
        self,
        found: Sequence[tuple[LayerPart, Floats]],
        maps: LabelMaps,
        information: Mapping[str, Information],
        progress: Progress,
    ) -> list[LayerResult]:
        study = self._setting.study
        counted = []
        with progress.stage("Comparing", sum(part.layer.units for part, _ in found), "units") as advance:
            for part, levels in found:
                with self._seconds.stage("compare"):
                    counted.append(self._counted(part, maps, levels))
                advance(part.layer.units)
        with self._seconds.stage("chance"):
            assessed = assess(counted, maps, self._setting.tally, pairings=study.dissection.pairings, seed=study.seed)
        with self._seconds.stage("compare"):
            return [
                LayerResult.of(counts, confidence, information.get(counts.layer.name))
                for counts, confidence in zip(counted, assessed, strict=True)
            ]

    def _counted(self, part: LayerPart, maps: LabelMaps, levels: Floats) -> Counts:
        tally, positions = self._setting.tally, self._setting.positions
        return compare(part.layer, part.shards, maps, levels, positions, tally=tally, threads=self._threads)


def _check_finite(layers: Sequence[LayerPart]) -> None:
    """Refuse a network without a single finite activation.

    Raises:
        SubjectError: no activation of any layer is finite.
    """
    if all(nonfinite_of(part.shards).sum() == activations_of(part.shards) * part.layer.units for part in layers):
        names = ", ".join(part.layer.name for part in layers)
        raise SubjectError(
            f"no activation of {names} is a finite number: check model.weights and the preprocessing in [images]"
        )


_SHOWN = 3
"""At most this many items of a list are named."""


def _listed(names: Sequence[str]) -> str:
    """Write a list as text.

    >>> _listed(["a"]), _listed(["a", "b"]), _listed(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = [*names[:_SHOWN], *([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])]
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)
