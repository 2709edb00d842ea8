"""The command line: the message for each mistake of a user, and the output of a successful command."""

from __future__ import annotations

import json
import pickle
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from networks import drawing_generator, planted
from PIL import Image
from worlds.planted_world import draw, study_values

from dissectory.analysis.run import Run
from dissectory.cli import main

USERS_MISTAKE = 2
Values = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    draw(folder)
    return folder


@pytest.fixture
def world(drawn: Path, tmp_path: Path) -> Path:
    """A copy of the world that the test may break."""
    shutil.copytree(drawn, tmp_path / "world")
    return tmp_path / "world"


def write_study(folder: Path, values: Values) -> Path:
    lines: list[str] = []
    for section, keys in values.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path = folder / "study.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Terminal = Callable[..., Ended]


@pytest.fixture
def dissectory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Run the command line in this process."""

    def typed(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["dissectory", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Ended(int(end.value.code or 0), *capsys.readouterr())

    return typed


class Malice:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return Path.touch, (Path("executed"),)  # type: ignore[return-value]


def unknown_key(values: Values, _: Path) -> str:
    values["dissection"]["quantle"] = 0.01
    return r"\[dissection\] has no key 'quantle'; did you mean 'quantile'"


def unknown_section(values: Values, _: Path) -> str:
    values["disection"] = {}
    return r"no key 'disection'; did you mean 'dissection'"


def wrong_type(values: Values, _: Path) -> str:
    values["compute"]["batch"] = "many"
    return r"compute\.batch is 'many'; it must be a whole number"


def out_of_range(values: Values, _: Path) -> str:
    values["dissection"]["quantile"] = 1.5
    return r"dissection\.quantile is 1\.5; it must be between 0 and 1"


def unknown_model(values: Values, _: Path) -> str:
    values["model"] = {"source": "torchvision:resnet_18"}
    return r"resnet_18.*'resnet18'"


def unknown_model_source(values: Values, _: Path) -> str:
    values["model"]["source"] = "torchvison:resnet18"
    return r"torchvison.*'torchvision'"


def unknown_function(values: Values, _: Path) -> str:
    values["model"]["source"] = f"python:{planted.__file__}:biuld"
    return r"biuld.*'build'"


def unknown_layer(values: Values, _: Path) -> str:
    values["model"]["layers"] = ["detector"]
    return r"no layer 'detector'; did you mean 'detectors'"


def unknown_concepts(values: Values, _: Path) -> str:
    values["concepts"]["sources"] = ["colour"]
    return r"colour.*'color'"


def weights_that_do_not_fit(values: Values, folder: Path) -> str:
    torch.save({"detectors.colors": torch.zeros(4, 3), "head.weight": torch.zeros(2)}, folder / "weights.pt")
    values["model"]["weights"] = "weights.pt"
    return r"detectors\.colors"


def a_pickle_that_does_something(values: Values, folder: Path) -> str:
    (folder / "weights.pt").write_bytes(pickle.dumps({"x": Malice()}))
    values["model"]["weights"] = "weights.pt"
    return r"weights\.pt.*state dict"


def missing_weights(values: Values, _: Path) -> str:
    values["model"]["weights"] = "nowhere.safetensors"
    return r"nowhere\.safetensors"


def labels_without_a_csv(_: Values, folder: Path) -> str:
    (folder / "labels" / "labels.csv").unlink()
    return r"labels\.csv"


def an_image_without_a_label_map(_: Values, folder: Path) -> str:
    (folder / "labels" / "07.png").unlink()
    return r"07"


def a_mask_of_another_size(_: Values, folder: Path) -> str:
    Image.new("L", (20, 10)).save(folder / "labels" / "08.png")
    return r"08.*20 x 10.*32 x 32"


def an_empty_folder(values: Values, folder: Path) -> str:
    (folder / "empty").mkdir()
    values["images"]["folder"] = "empty"
    return r"empty and its subfolders contain no images"


def no_folder(values: Values, _: Path) -> str:
    values["images"]["folder"] = "nowhere"
    return r"nowhere, which does not exist"


def nothing_but_truncated_files(_: Values, folder: Path) -> str:
    for path in (folder / "photos").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:300])
    return r"none of the 30 images"


def resize_below_size(values: Values, _: Path) -> str:
    values["images"]["resize"] = 16
    return r"images\.resize is 16 and images\.size is 32"


def a_device_that_is_not_there(values: Values, _: Path) -> str:
    values["compute"]["device"] = "cuda:77"
    return r"compute\.device is 'cuda:77'"


def a_control_of_an_unknown_source(values: Values, _: Path) -> str:
    values["control"] = {"source": "torchvison:resnet18"}
    return r"\[control\] control\.source is 'torchvison:resnet18'.*'torchvision'"


def a_control_without_its_weights(values: Values, _: Path) -> str:
    values["control"] = {"source": values["model"]["source"], "weights": "nowhere.safetensors"}
    return r"\[control\].*nowhere\.safetensors"


def a_control_with_other_layers(values: Values, folder: Path) -> str:
    (folder / "other.py").write_text(
        "from torch import nn\n\n\ndef build():\n    return nn.Sequential(nn.Conv2d(3, 4, 1))\n"
    )
    values["control"] = {"source": "python:other.py:build"}
    return r"\[control\] the network has no layer 'detectors'"


def a_control_with_more_units(values: Values, _: Path) -> str:
    values["control"] = {"source": f"python:{planted.__file__}:build_wide"}
    return (
        r"\[control\] layer 'detectors' gives 8 units of 16 x 16 cells in the network and 9 units of 16 x 16 cells in"
    )


@pytest.mark.parametrize(
    "mistake",
    [
        unknown_key,
        unknown_section,
        wrong_type,
        out_of_range,
        unknown_model,
        unknown_model_source,
        unknown_function,
        unknown_layer,
        unknown_concepts,
        weights_that_do_not_fit,
        a_pickle_that_does_something,
        missing_weights,
        labels_without_a_csv,
        an_image_without_a_label_map,
        a_mask_of_another_size,
        an_empty_folder,
        no_folder,
        nothing_but_truncated_files,
        resize_below_size,
        a_device_that_is_not_there,
        a_control_of_an_unknown_source,
        a_control_without_its_weights,
        a_control_with_other_layers,
        a_control_with_more_units,
    ],
    ids=lambda mistake: mistake.__name__.replace("_", " "),
)
def test_a_mistake_gets_one_message(
    mistake: Any,  # noqa: ANN401 - one of the functions above
    world: Path,
    dissectory: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(world)
    values = study_values()
    expected = mistake(values, world)
    ended = dissectory("run", write_study(world, values), "--out", world / "run")
    message = ended.err[ended.err.index("dissectory: ") :]
    assert ended.code == USERS_MISTAKE
    assert re.search(expected, message, re.DOTALL), message
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert not (world / "executed").exists()
    assert not (world / "run" / "manifest.json").exists()


def test_no_study_file(dissectory: Terminal, tmp_path: Path) -> None:
    ended = dissectory("run", tmp_path / "nothing.toml")
    assert (ended.code, "there is no study file" in ended.err) == (2, True)


def test_broken_toml(dissectory: Terminal, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("[model\n")
    ended = dissectory("run", tmp_path / "study.toml")
    assert (ended.code, "is not valid TOML" in ended.err) == (2, True)


@pytest.mark.parametrize("out", ["file", "/proc/dissectory"])
def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    out: str, world: Path, dissectory: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    Path("file").touch()
    ended = dissectory("run", write_study(world, study_values()), "--out", out)
    assert ended.code == USERS_MISTAKE
    assert out in ended.err
    assert "--out" in ended.err
    assert "Dissecting" not in ended.err


@pytest.mark.parametrize("mistake", [a_control_of_an_unknown_source, a_control_with_more_units])
def test_a_mistake_in_the_control_is_found_before_the_work(mistake: Any, world: Path, dissectory: Terminal) -> None:  # noqa: ANN401
    values = study_values()
    mistake(values, world)
    ended = dissectory("run", write_study(world, values), "--out", world / "run")
    assert "Dissecting" not in ended.err
    assert not (world / "run").exists()


def test_a_control_is_dissected_into_the_run(world: Path, dissectory: Terminal) -> None:
    values = study_values()
    values["control"] = {"source": f"python:{planted.__file__}:build_moved"}
    ended = dissectory("run", write_study(world, values), "--out", world / "run")
    assert ended.code == 0, ended.err
    assert "detectors: 5 of 8 units match 5 concepts (control: 4 units)" in ended.out
    assert Run(world / "run" / "control").finished
    assert not (world / "run" / "control" / "site").exists()
    assert "control_units" in (world / "run" / "site" / "data.html").read_text(encoding="utf-8")
    del values["control"]
    assert dissectory("run", write_study(world, values), "--out", world / "run", "--no-site").code == 0
    assert not (world / "run" / "control").exists()
    assert not Run(world / "run").has("control_units")


def test_a_mask_of_another_size_is_found_before_the_work(world: Path, dissectory: Terminal) -> None:
    values = study_values()
    told = a_mask_of_another_size(values, world)
    ended = dissectory("run", write_study(world, values), "--out", world / "run")
    assert re.search(told, ended.err)
    assert "Dissecting" not in ended.err


def test_a_broken_photo_needs_no_label_map(world: Path, dissectory: Terminal) -> None:
    (broken,) = (world / "photos").rglob("07.png")
    broken.write_bytes(b"broken")
    (world / "labels" / "07.png").unlink()
    ended = dissectory("run", write_study(world, study_values()), "--out", world / "run", "--no-site")
    assert ended.code == 0, ended.err
    assert "07.png: it is not an image of a known format" in ended.err


def test_a_full_disk_is_one_message_and_leaves_no_half_written_file(world: Path) -> None:
    """A limit on the size of files acts as a full disk: the same call fails in the same way."""
    command = [sys.executable, "-m", "dissectory", "run", str(write_study(world, study_values())), "--out", "run"]
    done = subprocess.run(
        command,
        cwd=world,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )
    assert done.returncode == USERS_MISTAKE, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((world / "run").rglob("*.part"))
    for table in (world / "run" / "tables").glob("*.parquet"):
        Run(world / "run").table(table.stem)


def test_one_broken_picture_is_skipped_and_named(world: Path, dissectory: Terminal) -> None:
    broken = world / "photos" / "odd" / "05.png"
    broken.write_bytes(broken.read_bytes()[:300])
    path = write_study(world, study_values())
    ended = dissectory("run", path, "--out", world / "run", "--no-site")
    run = Run(world / "run")
    assert ended.code == 0, ended.err
    assert [skipped.path for skipped in run.manifest.skipped] == ["odd/05.png"]
    assert run.manifest.images == 29
    assert "skipped odd/05.png" in ended.err
    # Other images keep their numbers: even/00 to even/28 come first, odd/05 is the 18th file.
    assert sorted(set(range(30)) - set(run.table("images").image)) == [17]


def test_run_says_where_the_site_is(world: Path, dissectory: Terminal) -> None:
    ended = dissectory("run", write_study(world, study_values()), "--out", world / "run")
    assert ended.code == 0, ended.err
    assert f"Open {world / 'run' / 'site' / 'index.html'}" in ended.out
    assert (world / "run" / "site" / "index.html").is_file()
    assert "detectors: " in ended.out
    assert "Dissecting: 30 images" in ended.err  # no terminal: plain lines


def test_ctrl_c_says_how_to_resume(world: Path, dissectory: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    path = write_study(world, study_values())
    with monkeypatch.context() as patched:
        patched.setattr("dissectory.analysis.measuring.attempts.find_thresholds", interrupted)
        ended = dissectory("run", path, "--out", world / "run", "--no-site")
    assert (ended.code, ended.out) == (130, "")
    assert ended.err.endswith(
        f"Interrupted. The measurements so far are in {world / 'run'}: the same command resumes the run.\n"
    )
    assert "Traceback" not in ended.err
    ended = dissectory("run", path, "--out", world / "run", "--no-site")
    assert ended.code == 0
    assert "Dissecting" not in ended.err  # nothing was left to do


def test_layers_prints_what_can_be_dissected(dissectory: Terminal) -> None:
    ended = dissectory("layers", f"python:{planted.__file__}:build", "--size", "32")
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[0] == ["layer", "kind", "units", "map"]
    assert ["detectors", "Detectors", "8", "16x16"] in lines
    assert ["coarse", "AvgPool2d", "8", "7x7"] in lines


def test_a_new_run_leaves_nothing_of_an_older_one(world: Path, dissectory: Terminal) -> None:
    values = study_values()
    assert dissectory("run", write_study(world, values), "--out", world / "run").code == 0
    assert (world / "run" / "site" / "classes.html").is_file()
    values["model"]["layers"] = ["coarse"]
    values["images"]["classes"] = "none"
    assert dissectory("run", write_study(world, values), "--out", world / "run").code == 0
    run = Run(world / "run")
    assert not run.has("classes")
    assert not (world / "run" / "site" / "classes.html").exists()
    assert [folder.name for folder in (world / "run" / "images" / "units").iterdir()] == ["0"]
    assert set(run.table("units").layer) == {"coarse"}


def test_a_failing_run_keeps_the_older_one(world: Path, dissectory: Terminal) -> None:
    values = study_values()
    assert dissectory("run", write_study(world, values), "--out", world / "run", "--no-site").code == 0
    before = (world / "run" / "manifest.json").read_bytes()
    nothing_but_truncated_files(values, world)
    assert dissectory("run", write_study(world, values), "--out", world / "run").code == USERS_MISTAKE
    assert (world / "run" / "manifest.json").read_bytes() == before
    assert len(Run(world / "run").table("units")) > 0


def test_a_folder_of_other_files_is_never_replaced(world: Path, dissectory: Terminal) -> None:
    (world / "mine" / "site").mkdir(parents=True)
    precious = world / "mine" / "site" / "precious.txt"
    precious.write_text("precious")
    ended = dissectory("run", write_study(world, study_values()), "--out", world / "mine")
    assert ended.code == USERS_MISTAKE
    assert "not a run's" in ended.err
    assert precious.read_text() == "precious"


def test_a_run_inside_the_image_folder_is_not_read_as_images(world: Path, dissectory: Terminal) -> None:
    values = study_values()
    for _ in range(2):
        ended = dissectory("run", write_study(world, values), "--out", world / "photos" / "run", "--no-site")
        assert ended.code == 0, ended.err
    assert Run(world / "photos" / "run").manifest.images == 30


def test_a_generator_is_recognized_by_its_description(dissectory: Terminal, tmp_path: Path) -> None:
    source = f"python:{drawing_generator.__file__}:Generator"
    lines = dissectory("layers", source).out.splitlines()
    assert [line.split()[:4] for line in lines[1:]] == [
        ["maps", "Maps", "6", "8x8"],
        ["drawing", "Drawing", "3", "32x32"],
    ]
    text = f'model = {{source = "{source}", kind = "generator"}}\nconcepts = {{sources = ["color"]}}\n'
    (tmp_path / "study.toml").write_text(text + "latents = {count = 3, shape = [6]}\n")
    assert dissectory("layers", str(tmp_path / "study.toml")).out.splitlines() == lines


def test_layers_need_no_weights(dissectory: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("weights were fetched")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fetch)
    ended = dissectory("layers", "torchvision:squeezenet1_1", "--size", "64")
    assert ended.code == 0
    assert ["features.12", "Fire", "512", "3x3"] in [line.split() for line in ended.out.splitlines()]


def test_report_refuses_a_folder_that_is_not_a_run(dissectory: Terminal, tmp_path: Path) -> None:
    ended = dissectory("report", tmp_path)
    assert ended.code == USERS_MISTAKE
    assert "Traceback" not in ended.err


def test_serve_refuses_a_run_without_a_site(dissectory: Terminal, tmp_path: Path) -> None:
    ended = dissectory("serve", tmp_path)
    assert (ended.code, "dissectory report" in ended.err) == (2, True)
