"""A study: what to dissect, on which images, for which concepts. Read from a TOML file.

    [model]
    source = "torchvision:resnet18"
    layers = ["layer4", "layer3"]

    [images]
    folder = "photos"

    [concepts]
    sources = ["onnx:segmenter.onnx", "color", "parts"]

A generator, `kind = "generator"`, generates its images itself: instead of `[images]` its study has

    [latents]
    count = 1000

Every experiment adds a section of its own, such as `[ablation]`; `dissectory.analysis.experiments` lists them. Paths in
the file are relative to the file. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator, Mapping  # noqa: TC003 - reading a study evaluates the annotations
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dissectory.analysis import experiments
from dissectory.analysis.study.reading import read_section
from dissectory.analysis.study.section import CORE, HEAD, Section
from dissectory.analysis.study.sections import (
    ComputeSection,
    ConceptsSection,
    DissectionSection,
    ImagesSection,
    LatentsSection,
    ModelSection,
)
from dissectory.errors import StudyError, nearest

if TYPE_CHECKING:
    from dissectory.analysis.experiments.experiment import Experiment

    Values = Mapping[str, Any]

GENERATOR_GRID = 64
"""Rows and columns of the grid for generated images, as in Bau et al. 2020."""

AnySection = TypeVar("AnySection", bound=Section)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a run depends on; `experiments` holds the sections of experiments by their keys.

    Raises:
        StudyError: when it is read, if a key or value is not accepted. The message names the key, the value, what is
            accepted, and the nearest known name.
    """

    model: ModelSection
    concepts: ConceptsSection
    images: ImagesSection | None = None
    latents: LatentsSection | None = None
    dissection: DissectionSection = field(default_factory=DissectionSection)
    compute: ComputeSection = field(default_factory=ComputeSection)
    title: str = ""
    seed: int = 0
    base: Path = field(default_factory=Path)
    """The folder at which relative paths start: that of the study file."""
    experiments: Mapping[str, Section] = field(default_factory=dict)

    @property
    def photographs(self) -> ImagesSection:
        """The section `[images]` of a study that has one.

        Raises:
            StudyError: the study is for a generator.
        """
        if self.images is None:
            raise StudyError("a generator generates its images itself: its study has no section [images]")
        return self.images

    def section(self, kind: type[AnySection]) -> AnySection | None:
        """Find the section of an experiment by its class; `None` if the study does not have it."""
        return next((section for section in self.experiments.values() if isinstance(section, kind)), None)

    @classmethod
    def read(cls, path: Path | str) -> Study:
        """Read a study file."""
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StudyError(f"there is no study file {path}") from None
        except IsADirectoryError:
            raise StudyError(f"{path} is a folder; a study is a TOML file, such as {path / 'study.toml'}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise StudyError(f"{path} is not valid TOML: {error}") from None
        except OSError as error:
            raise StudyError(f"{path} cannot be read: {error.strerror}") from None
        return cls.from_dict(values, base=path.parent, name=str(path))

    @classmethod
    def from_dict(cls, values: dict[str, Any], base: Path | str = ".", name: str = "the study") -> Study:
        """Make a study from nested dictionaries, such as those of a TOML file or of `to_dict`."""
        if isinstance(values.get("study"), dict):
            values = {**values["study"], **{key: value for key, value in values.items() if key != "study"}}
        _check_keys(values, name)
        core = {key: value for key, value in values.items() if key in {*CORE, *HEAD}}
        study: Study = dataclasses.replace(read_section(cls, core, name, ""), base=Path(base))
        _check_images(study, name)
        asked = dict(_asked(study, values, name))
        study = dataclasses.replace(study, experiments=asked)
        _check_rules(study, name)
        return dataclasses.replace(study, dissection=_usual(study, values.get("dissection", {})))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the study as nested dictionaries, section by section, for the manifest."""
        sections = {key: getattr(self, key) for key in CORE} | dict(self.experiments)
        given = {key: dataclasses.asdict(section) for key, section in sections.items() if section is not None}
        head = {key: getattr(self, key) for key in HEAD}
        return {"study": head, **{key: _toml_value(values) for key, values in given.items()}}

    def path(self, given: Path | str) -> Path:
        """Resolve a path in the study, relative to the folder of the study file."""
        return self.base / Path(given).expanduser()


def _check_keys(values: Values, name: str) -> None:
    keys = (experiment.key for experiment in experiments.EXPERIMENTS if experiment.section)
    known = dict.fromkeys([*CORE, *keys, *HEAD])
    for key in values:
        if key not in known:
            raise StudyError(f"{name}: the top level has no key '{key}'; {nearest(key, known)}")


def _check_images(study: Study, name: str) -> None:
    """Require images for a classifier, and latents for a generator."""
    if study.model.kind == "classifier":
        if study.latents is not None:
            raise StudyError(f'{name}: [latents] is for a generator; add kind = "generator" to [model], or remove it')
        if study.images is None:
            raise StudyError(f"{name}: the section [images] is missing")
        return
    if study.images is not None:
        raise StudyError(f"{name}: a generator generates its images: remove [images], and give [latents] a count")
    if study.latents is None:
        raise StudyError(f"{name}: the section [latents] is missing; a generator needs it, such as count = 1000")


def _asked(study: Study, values: Values, name: str) -> Iterator[tuple[str, Section]]:
    """Read the sections of experiments, in running order.

    Raises:
        StudyError: an experiment is for the other kind of network.
    """
    for experiment in experiments.EXPERIMENTS:
        if experiment.section is None or experiment.key not in values:
            continue
        if experiment.kind == study.model.kind:
            yield experiment.key, read_section(experiment.section, values[experiment.key], name, experiment.key)
        elif not any(_serves(other, experiment.key, study.model.kind) for other in experiments.EXPERIMENTS):
            raise StudyError(
                f'{name}: [{experiment.key}] is for a {experiment.kind}, and model.kind is "{study.model.kind}": '
                f"remove [{experiment.key}]"
            )


def _serves(experiment: Experiment, key: str, kind: str) -> bool:
    return experiment.section is not None and (experiment.key, experiment.kind) == (key, kind)


def _check_rules(study: Study, name: str) -> None:
    """Check the rules of every section."""
    for where, section in ({key: getattr(study, key) for key in CORE} | dict(study.experiments)).items():
        for rule in section.rules() if section else ():
            if not rule.met:
                value = getattr(section, rule.key)
                raise StudyError(f"{name}: {where}.{rule.key} is {value!r}; it must be {rule.wanted}")


def _usual(study: Study, given: Values) -> DissectionSection:
    """Fill in the defaults of `[dissection]` that apply to a generator."""
    if study.latents is None:
        return study.dissection
    usual: dict[str, Any] = {"grid": GENERATOR_GRID}
    for section in study.experiments.values():
        usual |= section.usual_dissection
    missing = {key: value for key, value in usual.items() if key not in given}
    return dataclasses.replace(study.dissection, **missing)


def _toml_value(value: Any) -> Any:  # noqa: ANN401 - any value that TOML can hold
    if isinstance(value, dict):
        return {key: _toml_value(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple):
        return [_toml_value(item) for item in value]
    return str(value) if isinstance(value, Path) else value
