"""Network dissection: which concept does each unit match? (Bau et al. 2020, 'Network dissection'.).

run = dissect(Study.read("study.toml"), Path("runs/mine"))
run.table("units").sort_values("iou", ascending=False).head(10)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dissectory.analysis.editing.generator import check_layers
from dissectory.analysis.experiments.artifacts.looks import look_again
from dissectory.analysis.experiments.artifacts.work import check_artifacts, find_artifacts, open_features
from dissectory.analysis.experiments.attack.work import attack_classifier, check_attack
from dissectory.analysis.experiments.class_ablation.work import ablate_classifier, check_ablation
from dissectory.analysis.experiments.drawers.work import tell_drawers
from dissectory.analysis.experiments.edits import Edits
from dissectory.analysis.experiments.texture.work import compare_textures, open_pairs
from dissectory.analysis.measuring.measurement import Measurement
from dissectory.analysis.measuring.passes import timed
from dissectory.analysis.measuring.provenance import describe
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.measuring.tabulation import write_tables
from dissectory.analysis.pictures.illustration import illustrate
from dissectory.analysis.resuming.lock import alone
from dissectory.analysis.resuming.shards import PROGRESS, forget
from dissectory.analysis.run import Run
from dissectory.analysis.study import ClassAblationSection
from dissectory.analysis.subjects.latents import Latents
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.analysis.measuring.record import Record
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Ablation
    from dissectory.analysis.study import Study
    from dissectory.progress import Progress


def dissect(study: Study, out: Path, progress: Progress | None = None) -> Run:
    """Dissect a network as a study says, and write the run to the folder `out`.

    Where an earlier start was stopped, it goes on from there.

    Raises:
        DissectoryError: for anything that the user can mend; before the long work begins, wherever it can be known.
    """
    run = dissect_keeping(study, out, out / PROGRESS, progress=progress)
    if not study.compute.keep_progress:
        forget(out / PROGRESS)
    return run


def dissect_keeping(
    study: Study, out: Path, kept: Path, *, role: str = "network", progress: Progress | None = None
) -> Run:
    """Dissect, and leave the progress in the folder `kept`; several networks of a study have a `role` there each."""
    progress = progress or Silent()
    seconds = Seconds()
    run = Run(out)
    setting = open_setting(study)
    check_layers(setting)
    if isinstance(study.ablation, ClassAblationSection):
        check_ablation(setting, study.ablation)
    _check_others(setting)
    run.prepare()
    with alone(kept.parent):
        record, results = Measurement(setting, run, kept, role, seconds).make(progress)
        run.clear()
        with timed(seconds, "tables"):
            write_tables(run, setting, record, results)
        with timed(seconds, "pictures"):
            layout = illustrate(run, setting, record, results, progress)
        ablations = _ablate(run, setting, record, seconds, progress)
        _look_again(run, setting, record, seconds, progress)
        Edits(run, setting, seconds, progress).make(record, kept / f"{role}-edits")
        _show_others(run, setting, record, seconds, progress)
        seconds["total"] = seconds.total
        run.write_manifest(replace(describe(setting, record, results, layout), ablations=ablations))
    return run


def _ablate(run: Run, setting: Setting, record: Record, seconds: Seconds, progress: Progress) -> tuple[Ablation, ...]:
    """Remove a classifier's units, where the study asks for it."""
    if not isinstance(setting.study.ablation, ClassAblationSection):
        return ()
    with timed(seconds, "ablation"):
        return ablate_classifier(run, setting, record, setting.study.ablation, progress)


def _look_again(run: Run, setting: Setting, record: Record, seconds: Seconds, progress: Progress) -> None:
    """See how well a generator's units tell the images in which their labels are drawn, and which make artifacts."""
    if not isinstance(setting.images, Latents):
        return
    section = setting.study.artifacts
    with timed(seconds, "peaks"):
        see = open_features(setting, section) if section else None
        looks = look_again(setting, setting.images, [layer.name for layer in setting.layers], progress, see)
        tell_drawers(run, setting, record.labels, looks.peaks)
    if section:
        with timed(seconds, "artifacts"):
            find_artifacts(run, setting, section, looks, progress)


def _check_others(setting: Setting) -> None:
    """Look, before any long work, for what else is needed than the network and its images."""
    if setting.study.artifacts:
        check_artifacts(setting, setting.study.artifacts)
    if setting.study.attack:
        check_attack(setting, setting.study.attack)
    if setting.study.texture:
        open_pairs(setting, setting.study.texture)


def _show_others(run: Run, setting: Setting, record: Record, seconds: Seconds, progress: Progress) -> None:
    """Show a classifier other images than the study's, in the ways that it asks for."""
    if setting.study.attack:
        with timed(seconds, "attack"):
            attack_classifier(run, setting, setting.study.attack, record, progress)
    if setting.study.texture:
        with timed(seconds, "texture"):
            compare_textures(run, setting, setting.study.texture, progress)
