"""A study: what to dissect, on which images, for which concepts. Read from a TOML file.

    [model]
    source = "torchvision:resnet18"
    layers = ["layer4", "layer3"]

    [images]
    folder = "photos"

    [concepts]
    sources = ["onnx:segmenter.onnx", "color", "parts"]

Paths in the file are relative to the file. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from dissectory.errors import StudyError, nearest


@dataclass(frozen=True, slots=True)
class ModelSection:
    """`[model]`: the network under study.

    `source` is `torchvision:NAME`, `timm:NAME`, `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`.
    `layers` are exact names, globs (`*` stays within a name's part, `**` does not) or "auto": the last
    convolution of every stage.
    """

    source: str
    weights: Path | None = None
    layers: tuple[str, ...] = ("auto",)
    classes: Path | None = None
    kind: Literal["classifier"] = "classifier"


@dataclass(frozen=True, slots=True)
class ImagesSection:
    """`[images]`: a folder of pictures and how they become the network's view.

    What is left out comes from the weights' own preprocessing (torchvision, timm), else from the defaults named
    in `dissectory.analysis.subjects.preprocessing`. `fit = "crop"` resizes the short side to `resize` and
    crops the middle; `fit = "stretch"` resizes both sides to `resize`, then crops the middle. `about` is a sentence
    that tells the readers of the site what the images are.
    """

    folder: Path
    size: int | None = None
    resize: int | None = None
    fit: Literal["crop", "stretch"] | None = None
    interpolation: Literal["bilinear", "bicubic", "nearest"] | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    classes: Literal["folders", "none"] = "folders"
    about: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptsSection:
    """`[concepts]`: sources of label maps, such as `onnx:FILE`, `masks:FOLDER`, `color` and `parts`."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DissectionSection:
    """`[dissection]`: how units are compared with concepts (Bau et al. 2020, 'Network dissection').

    `pairings` is with how many other images' label maps activations are compared, to test labels against chance; 0 for
    no test.
    """

    quantile: float = 0.01
    iou_threshold: float = 0.04
    grid: int = 56
    border: Literal["zeros", "extend"] = "zeros"
    top_images: int = 15
    pairings: int = 49


@dataclass(frozen=True, slots=True)
class ControlSection:
    """`[control]`: a network with the same layers, such as one with random weights, dissected to compare with.

    `source` and `weights` are those of `[model]`; all else is as for the network under study.
    """

    source: str
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class ComputeSection:
    """`[compute]`: how the work is done; nothing here but `batch` and `device` can change a number.

    `memory_gb` is what the work may take beside the network and the libraries. `keep_progress` leaves in the run's
    folder what was measured of every image, so that a changed study need not measure it again.
    """

    batch: int = 32
    workers: int = 2
    memory_gb: float = 4.0
    device: str = "auto"
    keep_progress: bool = False


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a run depends on.

    Raises:
        StudyError: naming the key, what was given, what is accepted and the nearest known name.
    """

    model: ModelSection
    images: ImagesSection
    concepts: ConceptsSection
    dissection: DissectionSection = field(default_factory=DissectionSection)
    compute: ComputeSection = field(default_factory=ComputeSection)
    control: ControlSection | None = None
    title: str = ""
    seed: int = 0
    base: Path = field(default_factory=Path)
    """The folder that relative paths start from: that of the study file."""

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
        """Make a study of nested dictionaries, as TOML or `to_dict` gives them."""
        if isinstance(values.get("study"), dict):
            values = {**values["study"], **{key: value for key, value in values.items() if key != "study"}}
        study: Study = dataclasses.replace(_section(cls, values, name, ""), base=Path(base))
        _check(study, name)
        return study

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The study as plain values, section by section, for the manifest."""
        given = {key: value for key, value in dataclasses.asdict(self).items() if key != "base" and value is not None}
        plain = {key: _plain(value) for key, value in given.items()}
        head = {key: plain.pop(key) for key in ("title", "seed")}
        return {"study": head, **plain}

    def path(self, given: Path | str) -> Path:
        """Resolve a path of the study against the study file's folder."""
        return self.base / Path(given).expanduser()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that TOML can hold
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _section(kind: type[Any], values: Any, name: str, where: str) -> Any:  # noqa: ANN401
    """Fill the dataclass `kind` from a TOML table."""
    if not isinstance(values, dict):
        raise StudyError(f"{name}: [{where}] must be a table of keys, not {values!r}")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    public = [key for key in known if key != "base"]
    for key in values:
        if key not in public:
            place = f"[{where}] has" if where else "the top level has"
            raise StudyError(f"{name}: {place} no key '{key}'; {nearest(key, public)}")
    for key, item in known.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and key not in values:
            missing = f"[{where}] needs the key '{key}'" if where else f"the section [{key}] is missing"
            raise StudyError(f"{name}: {missing}")
    return kind(**{key: _value(hints[key], value, name, f"{where}.{key}".strip(".")) for key, value in values.items()})


def _value(hint: Any, value: Any, name: str, where: str) -> Any:  # noqa: ANN401
    """Turn one TOML value into what the field's type asks for."""
    if dataclasses.is_dataclass(hint):
        return _section(typing.cast("type[Any]", hint), value, name, where)
    if get_origin(hint) in {types.UnionType, typing.Union}:
        inner = [option for option in get_args(hint) if option is not type(None)]
        return _value(inner[0], value, name, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise StudyError(f"{name}: {where} is {value!r}; it must be one of {_listed(get_args(hint))}")
        return value
    if get_origin(hint) is tuple:
        return _tuple(hint, value, name, where)
    return _scalar(hint, value, name, where)


def _tuple(hint: Any, value: Any, name: str, where: str) -> tuple[Any, ...]:  # noqa: ANN401
    inner = get_args(hint)
    if isinstance(value, str) and inner[0] is str:
        value = [value]
    if not isinstance(value, (list, tuple)):
        raise StudyError(f"{name}: {where} is {value!r}; it must be a list")
    if inner[-1] is not Ellipsis and len(value) != len(inner):
        raise StudyError(f"{name}: {where} has {len(value)} values; it must have {len(inner)}, one for each of R, G, B")
    return tuple(_value(inner[0], item, name, f"{where}[{place}]") for place, item in enumerate(value))


def _scalar(hint: Any, value: Any, name: str, where: str) -> Any:  # noqa: ANN401
    if hint is Path and isinstance(value, (str, Path)):
        return _home(Path(value), name, where)
    if hint is float and _is_finite(value):
        return float(value)
    if hint in {int, str} and isinstance(value, hint) and not isinstance(value, bool):
        return value
    if hint is bool and isinstance(value, bool):
        return value
    wanted = {Path: "a path", float: "a finite number", int: "a whole number", str: "a text", bool: "true or false"}
    raise StudyError(f"{name}: {where} is {value!r}; it must be {wanted[hint]}")


def _is_finite(value: Any) -> bool:  # noqa: ANN401
    """Whether a value is a number that a float can hold."""
    try:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond any float
        return False


def _home(path: Path, name: str, where: str) -> Path:
    """Resolve `~` and `~person`."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise StudyError(f"{name}: {where} is '{path}', and there is no such home folder here") from None


def _listed(options: tuple[Any, ...]) -> str:
    return ", ".join(repr(option) for option in options)


def _check(study: Study, name: str) -> None:
    """Check the ranges that types cannot say."""
    dissection, images, compute = study.dissection, study.images, study.compute
    rules = (
        ("dissection.quantile", dissection.quantile, 0 < dissection.quantile < 1, "between 0 and 1"),
        ("dissection.iou_threshold", dissection.iou_threshold, 0 <= dissection.iou_threshold <= 1, "from 0 to 1"),
        ("dissection.grid", dissection.grid, 1 <= dissection.grid <= 256, "from 1 to 256"),  # noqa: PLR2004
        ("dissection.top_images", dissection.top_images, 1 <= dissection.top_images <= 100, "from 1 to 100"),  # noqa: PLR2004
        ("dissection.pairings", dissection.pairings, 0 <= dissection.pairings <= 9999, "from 0 to 9999"),  # noqa: PLR2004
        ("images.size", images.size, images.size is None or images.size >= 8, "8 or more"),  # noqa: PLR2004
        ("images.resize", images.resize, images.resize is None or images.resize >= 8, "8 or more"),  # noqa: PLR2004
        ("images.std", images.std, images.std is None or all(value > 0 for value in images.std), "above 0"),
        ("compute.batch", compute.batch, compute.batch >= 1, "1 or more"),
        ("compute.workers", compute.workers, compute.workers >= 1, "1 or more"),
        ("compute.memory_gb", compute.memory_gb, compute.memory_gb > 0, "above 0"),
        ("model.layers", study.model.layers, len(study.model.layers) > 0, "a list with at least one name, or 'auto'"),
        (
            "concepts.sources",
            study.concepts.sources,
            len(study.concepts.sources) > 0,
            "a list with at least one source",
        ),
    )
    for key, value, fine, wanted in rules:
        if not fine:
            raise StudyError(f"{name}: {key} is {value!r}; it must be {wanted}")
