"""From a study to a run: dissect the network, then do the experiments that the study asks for.

run = dissect(Study.read("study.toml"), Path("runs/mine"))
run.table("units").sort_values("iou", ascending=False).head(10)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dissectory.analysis import experiments
from dissectory.analysis.experiments.bench import Bench
from dissectory.analysis.measuring.measurement import Measurement
from dissectory.analysis.measuring.precision import without_tf32
from dissectory.analysis.measuring.provenance import describe
from dissectory.analysis.measuring.seconds import Seconds
from dissectory.analysis.measuring.setting import open_setting
from dissectory.analysis.measuring.tabulation import write_tables
from dissectory.analysis.pictures.illustration import illustrate
from dissectory.analysis.pictures.plan import finish_pictures, plan_pictures
from dissectory.analysis.resuming.lock import locked
from dissectory.analysis.resuming.shards import PROGRESS, forget
from dissectory.analysis.run import Run
from dissectory.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dissectory.analysis.experiments.experiment import Addition, Experiment
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Manifest
    from dissectory.analysis.study.section import Section
    from dissectory.analysis.study.study import Study
    from dissectory.progress import Progress


def dissect(study: Study, out: Path, progress: Progress | None = None) -> Run:
    """Dissect a network as a study says, and write the run to the folder `out`.

    An interrupted run resumes from what it has measured.

    Raises:
        DissectoryError: for anything that the user can mend; before the long work begins, wherever it can be known.
    """
    setting = open_setting(study)
    check(setting)
    run = Run(out)
    run.prepare()
    with locked(out), without_tf32():
        Dissection(run, setting, out / PROGRESS).make(progress or Silent())
    if not study.compute.keep_progress:
        forget(out / PROGRESS)
    return Run(out)


def asked(study: Study, role: str = "network") -> Iterator[tuple[Experiment, Section | None]]:
    """List the experiments of a study with their sections, in running order; for a control, only those it gets."""
    for experiment in experiments.EXPERIMENTS:
        if role == "control" and not experiment.in_control:
            continue
        section = None if experiment.section is None else study.section(experiment.section)
        if experiment.kind == study.model.kind and (section or experiment.section is None):
            yield experiment, section


def check(setting: Setting, role: str = "network") -> None:
    """Check everything that the experiments of a study need, before any long work begins.

    Raises:
        DissectoryError: an experiment cannot be done as asked.
    """
    for experiment, section in asked(setting.study, role):
        experiment.load().check(setting, section)


@dataclass(frozen=True, slots=True)
class Dissection:
    """Makes one run; its progress is in the folder `kept`, under the `role` of its network: "network" or "control"."""

    run: Run
    setting: Setting
    kept: Path
    role: str = "network"

    def make(self, progress: Progress) -> Seconds:
        """Measure, write tables and pictures, do the experiments; the manifest comes last, and finishes the run."""
        run, setting, seconds = self.run, self.setting, Seconds()
        record, results = Measurement(setting, run, self.kept, self.role, seconds).make(progress)
        plan = plan_pictures(setting, record, results)
        run.clear(plan.kept(run))
        with seconds.stage("tables"):
            write_tables(run, setting, record, results)
        with seconds.stage("pictures"):
            illustrate(run, setting, record, plan, progress)
        manifest = describe(setting, record, results, plan.layout)
        del results, plan
        added = self._experiment(Bench(run, setting, record, seconds, progress, self.kept, self.role))
        run.write_manifest(_finished(manifest, added, seconds))
        finish_pictures(run)
        return seconds

    def _experiment(self, bench: Bench) -> list[Addition]:
        """Do the experiments of the study, each timed under its key."""
        added, wanted = [], list(asked(self.setting.study, self.role))
        for experiment, section in wanted:
            with bench.seconds.stage(experiment.key):
                addition = experiment.load().run(bench, section)
            added += [addition] if addition else []
        for left in {one.key for one in experiments.EXPERIMENTS} - {one.key for one, _ in wanted}:
            forget(bench.progress_of(left))  # of an earlier study
        return added


def _finished(manifest: Manifest, added: list[Addition], seconds: Seconds) -> Manifest:
    """Add what the experiments say, the time of day, and the wall times."""
    seconds["total"] = seconds.total
    return replace(
        manifest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds={stage: round(value, 3) for stage, value in seconds.items()},
        hashes=manifest.hashes | {name: digest for one in added for name, digest in one.hashes.items()},
        ablations=tuple(ablation for one in added for ablation in one.ablations),
    )
