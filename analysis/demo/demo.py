"""The demo: dissects the embedded world's classifier, with random weights as a control, on fresh scenes.

The generator of such scenes is dissected too, on its own images, into a run of its own.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from dissectory.analysis.demo.networks import MEAN, SIZE, STD
from dissectory.analysis.demo.vocabulary import CATEGORIES, SCENES
from dissectory.analysis.demo.write import IMAGES, write_pairs, write_world
from dissectory.analysis.dissection import dissect
from dissectory.analysis.run import Related, Run
from dissectory.analysis.study.study import Study
from dissectory.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from dissectory.progress import Progress

SCENES_SHOWN = 600
"""Default number of scenes."""

LATENTS_SHOWN = 320
"""Default number of images of the generator."""

GENERATOR = "generator"
"""The subfolder of the run's folder with the generator's own run."""

PAIRS_SHOWN = 60
"""Scenes that are drawn a second time with other textures; at most a tenth of the number of scenes."""

_REMOVED, _SUSPECTED = "layer2", "layer3"
"""The generator's layers from which units are removed: for concepts, the layer where ablation trials removed the most
area; for artifacts."""

_WORLD = "world"
"""The subfolder of the run's folder with the scenes."""

_PAIRS = "pairs"
"""The subfolder of the world with the scenes that have a copy with other textures."""


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
        out: the run's folder; the scenes and their label maps are written to its subfolder `world`.
        scenes: the number of scenes; all classes take turns.
        seed: the seed of the first scene; the classifier was trained on seeds from 1,000,000 up.
        progress: receives the progress; by default nothing is shown.
        latents: the number of images of the generator; its run is in the subfolder `generator`.

    Raises:
        DissectoryError: the folder cannot be written, or contains files that are not a run's.
    """
    progress = progress or Silent()
    Run(out).prepare()
    world = out / _WORLD
    shutil.rmtree(world, ignore_errors=True)
    with progress.stage("Drawing a world", scenes, "scenes") as advance:
        write_world(world, scenes, seed, size=SIZE, each=lambda _scene: advance(1))
    write_pairs(world / _PAIRS, pairs_of(scenes), seed + scenes, size=SIZE)
    (world / "classes.txt").write_text("\n".join(SCENES) + "\n", encoding="utf-8")
    run = dissect(demo_study(out, scenes, seed), out, progress)
    progress.say("The generator")
    beside = dissect(generator_study(out, latents), out / GENERATOR, progress)
    run.write_manifest(replace(run.manifest, related=(Related(beside.manifest.title, GENERATOR),)))
    return Run(out)


def pairs_of(scenes: int) -> int:
    """Return how many scenes of a demo are drawn twice: equally many of each class.

    >>> pairs_of(600), pairs_of(150), pairs_of(30)
    (60, 10, 10)
    """
    classes = len(SCENES)
    return max(classes, min(PAIRS_SHOWN, scenes // 10) // classes * classes)


def generator_study(out: Path, latents: int) -> Study:
    """Make the study of the generator, with ablation, insertion, painting and artifacts.

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
                "about": f"A small network generated these {latents:,} scenes of a synthetic world. Another network "
                "labeled them, and it can be wrong.",
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
    """Make the study of the classifier, on the scenes in the run's folder."""
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
                f"{seed + scenes - 1}. None of them is a photograph.",
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
