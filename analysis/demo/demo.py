"""The demo: the embedded world's classifier, and random weights as a control, dissected on fresh scenes.

Beside it the generator of such scenes is dissected, on what it draws, into a run of its own.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from dissectory.analysis.demo.networks import MEAN, SIZE, STD
from dissectory.analysis.demo.vocabulary import CATEGORIES, SCENES
from dissectory.analysis.demo.write import IMAGES, write_pairs, write_world
from dissectory.analysis.dissection import dissect
from dissectory.analysis.experiments.control.work import dissect_with_control
from dissectory.analysis.run import Related, Run
from dissectory.analysis.study import Study
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.progress import Progress

SCENES_SHOWN = 600
"""Scenes of a demo, unless told otherwise."""

LATENTS_SHOWN = 320
"""Images of the generator, unless told otherwise."""

GENERATOR = "generator"
"""Where in the run's folder the generator's own run is."""

PAIRS_SHOWN = 60
"""Scenes that are drawn once more with other textures; at most a tenth of the others."""

_REMOVED, _SUSPECTED = "layer2", "layer3"
"""The generator's layers from which units are removed: those of concepts, in a layer where trials took most away; those
of artifacts."""

_WORLD = "world"
"""Where in the run's folder the scenes are drawn."""

_PAIRS = "pairs"
"""Where in the world the scenes are that have a copy with other textures."""


def make_demo(
    out: Path,
    scenes: int = SCENES_SHOWN,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    latents: int = LATENTS_SHOWN,
) -> Run:
    """Draw scenes, dissect the classifier on them with the exact labels, and write the run to `out`.

    Args:
        out: the run's folder; the scenes and their label maps are drawn into its sub-folder `world`.
        scenes: how many scenes, of all classes in turn.
        seed: of the first scene; the classifier was trained on seeds from 1,000,000 up.
        progress: where to report to; nothing is shown by default.
        latents: how many images of the generator; its run is in the sub-folder `generator`.

    Raises:
        DissectoryError: the folder cannot be written, or holds what is not a run's.
    """
    progress = progress or Silent()
    Run(out).prepare()
    world = out / _WORLD
    shutil.rmtree(world, ignore_errors=True)
    with progress.stage("Drawing a world", scenes, "scenes") as advance:
        write_world(world, scenes, seed, size=SIZE, each=lambda _scene: advance(1))
    write_pairs(world / _PAIRS, pairs_of(scenes), seed + scenes, size=SIZE)
    (world / "classes.txt").write_text("\n".join(SCENES) + "\n", encoding="utf-8")
    run = dissect_with_control(demo_study(out, scenes, seed), out, progress)
    progress.say("The generator")
    beside = dissect(generator_study(out, latents), out / GENERATOR, progress)
    run.write_manifest(replace(run.manifest, related=(Related(beside.manifest.title, GENERATOR),)))
    return Run(out)


def pairs_of(scenes: int) -> int:
    """How many scenes of a demo are drawn twice: as many of each class.

    >>> pairs_of(600), pairs_of(150), pairs_of(30)
    (60, 10, 10)
    """
    classes = len(SCENES)
    return max(classes, min(PAIRS_SHOWN, scenes // 10) // classes * classes)


def generator_study(out: Path, latents: int) -> Study:
    """Make the study of the generator, and of what its images are without units of a layer, and with more of them.

    The scenes in the folder of the demo's run are the real images.
    """
    edited = max(1, latents // 64)
    return Study.from_dict(
        {
            "title": "the demo's generator",
            "model": {
                "source": "python:dissectory.analysis.demo.networks:trained_generator",
                "kind": "generator",
                "layers": ["layer*"],
            },
            "latents": {
                "count": latents,
                "about": f"A small network drew these {latents:,} scenes of a synthetic world; what they show was told "
                "by another one, which can be wrong.",
            },
            "concepts": {"sources": ["python:dissectory.analysis.demo.networks:trained_segmenter", "color"]},
            "ablation": {
                "layer": _REMOVED,
                "images": 2 * edited,
                "among": 12 * edited,
                "concepts": 3,
                "single_images": min(edited, 2),
            },
            "insertion": {"images": 6 * edited, "concepts": 8},
            "paint": {},
            "artifacts": {
                "features": "python:dissectory.analysis.demo.features:scene_features",
                "real": f"{_WORLD}/{IMAGES}",
                "layer": _SUSPECTED,
                "images": max(2, latents // 8),
            },
        },
        base=out,
        name="the demo",
    )


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
            "ablation": {},
            "attack": {"images": 6},
            "texture": {"folder": f"{_WORLD}/{_PAIRS}/copies", "originals": f"{_WORLD}/{_PAIRS}/originals"},
        },
        base=out,
        name="the demo",
    )
