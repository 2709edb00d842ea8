"""The demo: the embedded world's classifier, and random weights as a control, dissected on fresh scenes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from dissectory.analysis.demo.networks import MEAN, SIZE, STD
from dissectory.analysis.demo.vocabulary import CATEGORIES, SCENES
from dissectory.analysis.demo.write import IMAGES, write_world
from dissectory.analysis.experiments.control import dissect_with_control
from dissectory.analysis.run import Run
from dissectory.analysis.study import Study
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.progress import Progress

SCENES_SHOWN = 600
"""Scenes of a demo, unless told otherwise."""

_WORLD = "world"
"""Where in the run's folder the scenes are drawn."""


def make_demo(out: Path, scenes: int = SCENES_SHOWN, seed: int = 0, progress: Progress | None = None) -> Run:
    """Draw scenes, dissect the classifier on them with the exact labels, and write the run to `out`.

    Args:
        out: the run's folder; the scenes and their label maps are drawn into its sub-folder `world`.
        scenes: how many scenes, of all classes in turn.
        seed: of the first scene; the classifier was trained on seeds from 1,000,000 up.
        progress: where to report to; nothing is shown by default.

    Raises:
        DissectoryError: the folder cannot be written, or holds what is not a run's.
    """
    progress = progress or Silent()
    Run(out).prepare()
    world = out / _WORLD
    shutil.rmtree(world, ignore_errors=True)
    with progress.stage("Drawing a world", scenes, "scenes") as advance:
        write_world(world, scenes, seed, size=SIZE, each=lambda _scene: advance(1))
    (world / "classes.txt").write_text("\n".join(SCENES) + "\n", encoding="utf-8")
    return dissect_with_control(demo_study(out, scenes, seed), out, progress)


def demo_study(out: Path, scenes: int, seed: int) -> Study:
    """Make the study of the demo, on the scenes in the run's folder."""
    return Study.from_dict(
        {
            "title": "the demo's classifier",
            "seed": seed,
            "model": {
                "source": "python:dissectory.analysis.demo.networks:trained_classifier",
                "layers": ["conv*"],
                "classes": f"{_WORLD}/classes.txt",
            },
            "images": {
                "folder": f"{_WORLD}/{IMAGES}",
                "size": SIZE,
                "resize": SIZE,
                "mean": [MEAN] * 3,
                "std": [STD] * 3,
                "about": f"This is a synthetic world: {scenes:,} scenes, drawn by a program from the seeds {seed} to "
                f"{seed + scenes - 1}; nothing in it was ever photographed.",
            },
            "concepts": {"sources": [*(f"masks:{_WORLD}/{name}" for name, _, _ in CATEGORIES), "color"]},
            "dissection": {"grid": SIZE // 2},
            "control": {"source": "python:dissectory.analysis.demo.networks:random_classifier"},
        },
        base=out,
        name="the demo",
    )
