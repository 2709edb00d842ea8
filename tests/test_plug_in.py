"""An experiment is declared once: one module adds a section, a table and a page, and nothing else is edited."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest
from worlds.planted_world import IMAGES, draw, study_values

import dissectory
from dissectory.analysis import experiments
from dissectory.analysis.dissection import asked, dissect
from dissectory.analysis.experiments.experiment import Experiment
from dissectory.analysis.tables.catalog import all_tables
from dissectory.errors import StudyError
from dissectory.report import pages
from dissectory.report.build import build_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dissectory.analysis.run import Run

MODULE = '''
from dataclasses import dataclass
from pathlib import Path

from dissectory.analysis.experiments import register
from dissectory.analysis.experiments.experiment import Addition, Experiment
from dissectory.analysis.study.section import Rule, Section
from dissectory.analysis.tables.columns import IMAGE
from dissectory.analysis.tables.table import Column, Table
from dissectory.errors import StudyError
from dissectory.report import pages

BRIGHTNESS = Table("brightness", "an image", 1, (IMAGE, Column("mean", "float", "mean of all its values", "levels")))


@dataclass(frozen=True, slots=True)
class BrightnessSection(Section):
    """`[brightness]`."""

    scale: float = 1.0

    def rules(self):
        yield Rule("scale", self.scale > 0, "above 0")


def check(setting, section):
    if section.scale == 13:
        raise StudyError("13 is no scale")


def run(bench, section):
    images = bench.record.labels.readable.tolist()
    means = [section.scale * float(bench.setting.images.view(image).mean()) for image in images]
    bench.run.write_table(BRIGHTNESS, {"image": images, "mean": means})
    (bench.run.folder / "glow").mkdir()
    return Addition(hashes={"brightness": "none"})


@dataclass(frozen=True)
class BrightnessPage:
    title: str
    count: int


def make(site):
    return BrightnessPage("How bright?", len(site.run.table("brightness"))) if site.run.has("brightness") else None


register(
    Experiment("brightness", BrightnessSection, "classifier", (BRIGHTNESS,), work=__name__, folders=("glow",))
)
pages.register(pages.Page("brightness", "Brightness", make, template=Path(__file__).with_suffix(".html")))
'''


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, imported; all lists are as before when the test ends."""
    monkeypatch.setattr(experiments, "EXPERIMENTS", list(experiments.EXPERIMENTS))
    monkeypatch.setattr(pages, "PAGES", list(pages.PAGES))
    folder = tmp_path / "plug-in"
    folder.mkdir()
    (folder / "brightness_of_images.py").write_text(MODULE, encoding="utf-8")
    (folder / "brightness_of_images.html").write_text("<h1>{{ page.count }} images</h1>", encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    yield importlib.import_module("brightness_of_images")
    del sys.modules["brightness_of_images"]


def values(**section: float) -> dict[str, Any]:
    return {**study_values(), "brightness": section}


@pytest.fixture
def run(plug_in: object, tmp_path: Path) -> Run:
    assert plug_in
    draw(tmp_path)
    return dissect(dissectory.Study.from_dict(values(scale=2.0), base=tmp_path), tmp_path / "run")


def test_the_run_has_its_table_and_the_manifest_its_section_and_timing(run: Run) -> None:
    assert len(run.table("brightness")) == IMAGES
    assert "brightness" in run.tables
    assert run.manifest.study["brightness"] == {"scale": 2.0}
    assert "brightness" in run.manifest.seconds
    assert run.manifest.hashes["brightness"] == "none"
    run.clear()
    assert not (run.folder / "glow").exists(), "a new run clears the folders of every experiment"


def test_the_site_has_its_page_and_describes_its_table(run: Run) -> None:
    index = build_site(run)
    assert '<a href="brightness.html">Brightness</a>' in index.read_text(encoding="utf-8")
    assert f"<h1>{IMAGES} images</h1>" in (index.parent / "brightness.html").read_text(encoding="utf-8")
    data = (index.parent / "data.html").read_text(encoding="utf-8")
    assert "tables/brightness.parquet" in data
    assert "mean of all its values" in data


@pytest.mark.usefixtures("plug_in")
@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"scal": 1.0}, r"\[brightness\] has no key 'scal'; did you mean 'scale'\?"),
        ({"scale": "2"}, r"brightness\.scale is '2'; it must be a finite number"),
        ({"scale": -1.0}, r"brightness\.scale is -1\.0; it must be above 0"),
    ],
)
def test_the_study_checks_its_keys(section: dict[str, Any], told: str) -> None:
    with pytest.raises(StudyError, match=told):
        dissectory.Study.from_dict(values(**section))


@pytest.mark.usefixtures("plug_in")
def test_it_is_for_one_kind_of_network() -> None:
    generator = {**values(), "model": {"source": "timm:x", "kind": "generator"}, "latents": {"count": 9}}
    del generator["images"]
    with pytest.raises(StudyError, match=r"\[brightness\] is for a classifier, and model\.kind is \"generator\""):
        dissectory.Study.from_dict(generator)


@pytest.mark.usefixtures("plug_in")
def test_its_own_check_comes_before_the_long_work(tmp_path: Path) -> None:
    draw(tmp_path)
    with pytest.raises(StudyError, match="13 is no scale"):
        dissect(dissectory.Study.from_dict(values(scale=13.0), base=tmp_path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_it_is_gone_when_it_is_not_registered() -> None:
    assert "brightness" not in all_tables()
    with pytest.raises(StudyError, match="the top level has no key 'brightness'"):
        dissectory.Study.from_dict(values())


def test_a_second_experiment_of_a_key_or_a_table_is_refused(plug_in: Any) -> None:  # noqa: ANN401 - a module
    (experiment,) = (one for one in experiments.EXPERIMENTS if one.key == "brightness")
    with pytest.raises(ValueError, match="there is an experiment 'brightness' for a classifier already"):
        experiments.register(experiment)
    other = type(experiment)("other", None, "classifier", (plug_in.BRIGHTNESS,), work="nothing")
    with pytest.raises(ValueError, match="'brightness' writes the table 'brightness' already"):
        experiments.register(other)


@pytest.mark.parametrize("key", ["model", "images", "title", "study"])
def test_a_key_that_every_study_has_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"an experiment cannot have the key '{key}'"):
        experiments.register(Experiment(key, None, "classifier", (), work="nothing"))


@pytest.mark.parametrize("in_control", [False, True])
def test_an_experiment_without_a_section_is_in_the_control_only_if_it_says_so(
    *, in_control: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "EXPERIMENTS", list(experiments.EXPERIMENTS))
    experiments.register(Experiment("glow", None, "classifier", (), work="nothing", in_control=in_control))
    study = dissectory.Study.from_dict(study_values())
    assert [one.key for one, _ in asked(study)] == ["glow"]
    assert [one.key for one, _ in asked(study, "control")] == (["glow"] if in_control else [])
