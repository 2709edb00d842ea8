"""Pictures are the same bytes for any number of workers, and an interrupted run draws only the missing ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from worlds.planted_world import draw, study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.pictures import illustration
from dissectory.analysis.pictures.sprites import write_sprite
from dissectory.analysis.run import Pictures, Run
from dissectory.errors import ImagesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dissectory.analysis.pictures.sprites import Sprite, Thumbnails

DRAWN = 5
"""Sprites that are drawn before an interrupt."""


def files(run: Run) -> dict[str, bytes]:
    """Read all pictures of a run."""
    return {
        path.relative_to(run.folder).as_posix(): path.read_bytes()
        for path in sorted((run.folder / "images").rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    draw(folder)
    return folder


@pytest.fixture(scope="module")
def whole(world: Path) -> Run:
    """An uninterrupted run."""
    return dissect(study(world), world / "whole")


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the sprites that are drawn in this test."""
    names: list[str] = []

    def write(run: Run, sprite: Sprite, thumbnails: Thumbnails, layout: Pictures) -> None:
        names.append(sprite.path)
        write_sprite(run, sprite, thumbnails, layout)

    monkeypatch.setattr(illustration, "write_sprite", write)
    return names


def sprites_of(run: Run) -> set[str]:
    return {name for name in files(run) if name.startswith(("images/units", "images/concepts")) and "mask" not in name}


def interrupt(world: Path, run: Path, **changes: Mapping[str, object]) -> None:
    """Begin a run, and stop it when some sprites are drawn; the run has one worker."""
    left = iter(range(DRAWN))

    def write(run: Run, sprite: Sprite, thumbnails: Thumbnails, layout: Pictures) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write_sprite(run, sprite, thumbnails, layout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(illustration, "write_sprite", write)
        with pytest.raises(KeyboardInterrupt):
            dissect(study(world, compute={"workers": 1}, **changes), run)


@pytest.mark.parametrize("workers", [1, 5])
def test_pictures_do_not_depend_on_the_number_of_workers(workers: int, world: Path, whole: Run, tmp_path: Path) -> None:
    run = dissect(study(world, compute={"workers": workers}), tmp_path / "run")
    assert files(run) == files(whole)


def test_a_finished_run_has_no_fingerprint(whole: Run) -> None:
    assert not (whole.folder / Pictures.PLAN).exists()


def test_an_interrupted_run_draws_the_rest(world: Path, whole: Run, drawn: list[str], tmp_path: Path) -> None:
    interrupt(world, tmp_path / "run")
    before = sprites_of(Run(tmp_path / "run"))
    assert len(before) == DRAWN
    run = dissect(study(world), tmp_path / "run")
    assert set(drawn) == sprites_of(whole) - before
    assert files(run) == files(whole)


def test_a_run_that_is_stopped_after_its_pictures_keeps_them(
    world: Path, whole: Run, drawn: list[str], tmp_path: Path
) -> None:
    def stop(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "write_manifest", stop)
        with pytest.raises(KeyboardInterrupt):
            dissect(study(world), tmp_path / "run")
    assert drawn
    drawn.clear()
    run = dissect(study(world), tmp_path / "run")
    assert not drawn
    assert files(run) == files(whole)


def test_pictures_of_another_study_are_removed(world: Path, whole: Run, drawn: list[str], tmp_path: Path) -> None:
    interrupt(world, tmp_path / "run", dissection={"quantile": 0.05})
    run = dissect(study(world), tmp_path / "run")
    assert set(drawn) == sprites_of(whole)
    assert files(run) == files(whole)


def test_a_finished_run_is_drawn_again(world: Path, whole: Run, drawn: list[str], tmp_path: Path) -> None:
    for _ in range(2):
        drawn.clear()
        run = dissect(study(world), tmp_path / "run")
        assert set(drawn) == sprites_of(whole)
        assert files(run) == files(whole)


KILLED = """
import os, signal, sys
from pathlib import Path

from worlds.planted_world import study

from dissectory.analysis.dissection import dissect
from dissectory.analysis.pictures import sprites


def kill_at_mask(*_arguments):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)  # between the two files of a sprite
    return inked(*_arguments)


left, inked, sprites._inked = int(sys.argv[3]), sprites._inked, kill_at_mask
dissect(study(Path(sys.argv[1]), compute={"workers": 1}), Path(sys.argv[2]))
"""


def test_a_killed_run_draws_the_rest(world: Path, whole: Run, drawn: list[str], tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(world), str(tmp_path / "run"), str(DRAWN)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    (half,) = [
        tmp_path / "run" / Pictures.mask(name)
        for name in sprites_of(Run(tmp_path / "run"))
        if not (tmp_path / "run" / Pictures.mask(name)).exists()
    ]
    half.with_name(f".{half.name}.part").write_bytes(b"RIFF")
    run = dissect(study(world), tmp_path / "run")
    assert len(drawn) == len(sprites_of(whole)) - DRAWN
    assert files(run) == files(whole)


def test_an_image_that_disappears_during_a_run_is_an_error(world: Path, tmp_path: Path) -> None:
    def remove(*_arguments: object) -> None:
        photograph.unlink()

    photograph = next((world / "photos").rglob("*.png"))
    content = photograph.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dissectory.analysis.dissection.write_tables", remove)
        with pytest.raises(ImagesError, match="cannot be decoded now"):
            dissect(study(world, dissection={"top_images": 100}), tmp_path / "run")
    photograph.write_bytes(content)
