"""A study: what to dissect, on which images, for which concepts. Read from a TOML file.

    [model]
    source = "torchvision:resnet18"
    layers = ["layer4", "layer3"]

    [images]
    folder = "photos"

    [concepts]
    sources = ["onnx:segmenter.onnx", "color", "parts"]

A generator, `kind = "generator"`, draws its images itself: instead of `[images]` its study has

    [latents]
    count = 1000

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
from typing import Any, Literal, TypeAlias, get_args, get_origin

from dissectory.errors import StudyError, nearest

GENERATOR_GRID = 64
"""Rows and columns of the grid for generated images, as in Bau et al. 2020."""


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
    kind: Literal["classifier", "generator"] = "classifier"


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
class LatentsSection:
    """`[latents]`: the images that a generator draws; image n is drawn of the seed `seed + n`.

    `shape` is that of one image's latents, standard normal numbers, where the network does not say it (see
    `dissectory.analysis.subjects.latents`). `range` are the output's values that are black and white. `about` is a
    sentence that tells the readers of the site what the images are.
    """

    count: int
    seed: int = 0
    shape: tuple[int, ...] | None = None
    range: tuple[float, float] = (-1.0, 1.0)
    about: str | None = None


@dataclass(frozen=True, slots=True)
class ConceptsSection:
    """`[concepts]`: sources of label maps: `onnx:FILE`, `python:FILE.py:FUNCTION`, `masks:FOLDER`, `color`, `parts`."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DissectionSection:
    """`[dissection]`: how units are compared with concepts (Bau et al. 2020, 'Network dissection').

    `grid` is 64 in the study of a generator that does not say it.
    `pairings` is with how many other images' label maps activations are compared, to test labels against chance; 0 for
    no test. `information_ratio` asks for a second threshold of every unit, one for each concept, at which being active
    tells most about it: another pass over the images, in which all units are counted at many levels. It is asked for
    where units are removed from a generator and the study does not say otherwise.
    """

    quantile: float = 0.01
    iou_threshold: float = 0.04
    grid: int = 56
    border: Literal["zeros", "extend"] = "zeros"
    top_images: int = 15
    pairings: int = 49
    information_ratio: bool = False


@dataclass(frozen=True, slots=True)
class ControlSection:
    """`[control]`: a network with the same layers, such as one with random weights, dissected to compare with.

    `source` and `weights` are those of `[model]`; all else is as for the network under study.
    """

    source: str
    weights: Path | None = None


@dataclass(frozen=True, slots=True)
class AblationSection:
    """`[ablation]`: the units that fit a concept best are removed from a generator; what becomes of its images?

    It is done in one `layer`, by default the one in which that takes most away on a few images, for every concept, or
    for the so many `concepts` that a unit there fits best. A concept's units are removed from the first so many
    `images` that show it, `among` others than those of the study, and from as many that do not; they are ranked by IoU
    and by the information quality ratio. Then each unit of the layer is removed alone, on `single_images`; with 0 none.
    """

    layer: str | None = None
    images: int = 50
    among: int = 1000
    concepts: int | None = None
    single_images: int = 16


@dataclass(frozen=True, slots=True)
class ClassAblationSection:
    """`[ablation]` of a classifier: units are removed; which classes does it lose?

    It is done in `layers`, by default the last one of the study. An image's class is that of its folder ("folders"), or
    the output that the whole network takes it for ("predicted"); or the name of a CSV file says for each `output` of
    the network, by name, for which `class` of images it stands. Units are ranked on a `ranking_share` of the images of
    every class, drawn by the study's seed; all else is told of the others. For the classes in `curves`, by default all
    if they are few and it costs little, units are removed one after the other; `random_sets` of units are drawn to
    compare with. A page lets its reader switch units off where the browser need not load more than `switch_mb`
    megabytes for it.
    """

    layers: tuple[str, ...] = ()
    classes: str = "folders"
    ranking_share: float = 0.5
    curves: tuple[str, ...] | None = None
    random_sets: int = 20
    switch_mb: float = 8.0


@dataclass(frozen=True, slots=True)
class InsertionSection:
    """`[insertion]`: the `units` that fit a concept best are forced on at one place of each image; does it appear?

    By default the `layer` is the one in which most concepts appear when they are painted on a few images. `concepts`
    are as in `[ablation]`; the so many `images` follow those of the study.
    """

    layer: str | None = None
    images: int = 200
    concepts: int | None = None
    units: int = 20


@dataclass(frozen=True, slots=True)
class PaintSection:
    """`[paint]`: a page on which a reader paints with the `units` that fit each of some `concepts` best.

    By default the `layer` is the one in which most concepts appear when they are painted. The page offers the study's
    first so many `images` to paint on.
    """

    layer: str | None = None
    images: int = 16
    concepts: int = 14
    units: int = 20


@dataclass(frozen=True, slots=True)
class ArtifactsSection:
    """`[artifacts]`: units of a generator are ranked by how unlike others the images are that excite them most.

    `features` is `python:FILE.py:FUNCTION` or `python:package.module:FUNCTION`: a network that describes pictures (see
    `dissectory.analysis.subjects.features`). `real` is a folder of real pictures to compare with; without it, images
    are compared with all generated ones. With it, the worst units are removed on so many other `images`. The `layer` is
    by default the one with most matched units.
    """

    features: str
    real: Path | None = None
    layer: str | None = None
    images: int = 200


@dataclass(frozen=True, slots=True)
class AttackSection:
    """`[attack]`: `images` that a classifier gets right are changed, as little as possible, until it gets them wrong.

    `target` names the output that it is to take them for: by default the likeliest other one for each image. `layer` is
    where units are looked at, by default the last one; the most important `units` of both classes are compared with all
    others.
    """

    images: int = 20
    target: str | None = None
    layer: str | None = None
    units: int = 4


@dataclass(frozen=True, slots=True)
class TextureSection:
    """`[texture]`: do units respond to the same places where shapes are the same and textures are others?

    `folder` holds re-textured copies of the pictures in the folder `originals`, by default that of `[images]`; a copy
    has its original's path.
    """

    folder: Path
    originals: Path | None = None


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
    concepts: ConceptsSection
    images: ImagesSection | None = None
    latents: LatentsSection | None = None
    dissection: DissectionSection = field(default_factory=DissectionSection)
    compute: ComputeSection = field(default_factory=ComputeSection)
    control: ControlSection | None = None
    ablation: AblationSection | ClassAblationSection | None = None
    insertion: InsertionSection | None = None
    paint: PaintSection | None = None
    artifacts: ArtifactsSection | None = None
    attack: AttackSection | None = None
    texture: TextureSection | None = None
    title: str = ""
    seed: int = 0
    base: Path = field(default_factory=Path)
    """The folder that relative paths start from: that of the study file."""

    @property
    def photographs(self) -> ImagesSection:
        """The section `[images]` of a study that has one.

        Raises:
            StudyError: it is the study of a generator.
        """
        if self.images is None:
            raise StudyError("a generator draws its images itself: its study has no section [images]")
        return self.images

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
        study: Study = dataclasses.replace(_section(cls, _plan(values), name, ""), base=Path(base))
        if "ablation" in values:
            kind = ClassAblationSection if study.model.kind == "classifier" else AblationSection
            study = dataclasses.replace(study, ablation=_section(kind, values["ablation"], name, "ablation"))
        _check(study, name)
        return dataclasses.replace(study, dissection=_usual(study, values.get("dissection", {})))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The study as plain values, section by section, for the manifest."""
        given = {key: value for key, value in dataclasses.asdict(self).items() if key != "base" and value is not None}
        plain = {key: _plain(value) for key, value in given.items()}
        head = {key: plain.pop(key) for key in ("title", "seed")}
        return {"study": head, **plain}

    def path(self, given: Path | str) -> Path:
        """Resolve a path of the study against the study file's folder."""
        return self.base / Path(given).expanduser()


def _plan(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out `[ablation]`, which asks a classifier for something else than a generator."""
    return {key: value for key, value in values.items() if key != "ablation"}


def _usual(study: Study, given: dict[str, Any]) -> DissectionSection:
    """What the study of a generator does not say of its dissection is other than for photographs."""
    usual: dict[str, Any] = {}
    if study.latents is not None:
        usual = {"grid": GENERATOR_GRID, "information_ratio": study.ablation is not None}
    missing = {key: value for key, value in usual.items() if key not in given}
    return dataclasses.replace(study.dissection, **missing)


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
        each = ", one for each of R, G, B" if len(inner) == 3 else ""  # noqa: PLR2004
        raise StudyError(f"{name}: {where} has {len(value)} values; it must have {len(inner)}{each}")
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


_Rule: TypeAlias = tuple[str, object, bool, str]
"""A key, its value, whether that is fine, and what it must be."""


def _check(study: Study, name: str) -> None:
    """Check what types cannot say: which sections belong together, and ranges."""
    _check_sections(study, name)
    rules = (*_rules(study), *_image_rules(study.images), *_latent_rules(study.latents), *_edit_rules(study))
    for key, value, fine, wanted in rules:
        if not fine:
            raise StudyError(f"{name}: {key} is {value!r}; it must be {wanted}")


def _check_sections(study: Study, name: str) -> None:
    """See to it that a classifier has images, and a generator latents."""
    if study.model.kind == "classifier":
        if study.latents is not None:
            raise StudyError(f'{name}: [latents] is for a generator; add kind = "generator" to [model], or remove it')
        if study.images is None:
            raise StudyError(f"{name}: the section [images] is missing")
        if study.insertion or study.paint or study.artifacts:
            raise StudyError(
                f"{name}: [insertion], [paint] and [artifacts] are about a generator's images; remove them"
            )
        return
    if study.images is not None:
        raise StudyError(f"{name}: a generator draws its images itself: remove [images], and give [latents] a count")
    if study.latents is None:
        raise StudyError(f"{name}: the section [latents] is missing; a generator needs it, such as count = 1000")
    if study.attack or study.texture:
        raise StudyError(f"{name}: [attack] and [texture] show a classifier other images; remove them for a generator")
    if study.control is not None:
        raise StudyError(f"{name}: [control] compares networks on the same images, and another generator draws others")


def _rules(study: Study) -> tuple[_Rule, ...]:
    dissection, compute = study.dissection, study.compute
    return (
        ("dissection.quantile", dissection.quantile, 0 < dissection.quantile < 1, "between 0 and 1"),
        ("dissection.iou_threshold", dissection.iou_threshold, 0 <= dissection.iou_threshold <= 1, "from 0 to 1"),
        ("dissection.grid", dissection.grid, 1 <= dissection.grid <= 256, "from 1 to 256"),  # noqa: PLR2004
        ("dissection.top_images", dissection.top_images, 1 <= dissection.top_images <= 100, "from 1 to 100"),  # noqa: PLR2004
        ("dissection.pairings", dissection.pairings, 0 <= dissection.pairings <= 9999, "from 0 to 9999"),  # noqa: PLR2004
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


def _image_rules(images: ImagesSection | None) -> tuple[_Rule, ...]:
    if images is None:
        return ()
    return (
        ("images.size", images.size, images.size is None or images.size >= 8, "8 or more"),  # noqa: PLR2004
        ("images.resize", images.resize, images.resize is None or images.resize >= 8, "8 or more"),  # noqa: PLR2004
        ("images.std", images.std, images.std is None or all(value > 0 for value in images.std), "above 0"),
    )


def _latent_rules(latents: LatentsSection | None) -> tuple[_Rule, ...]:
    if latents is None:
        return ()
    shape, (low, high) = latents.shape, latents.range
    return (
        ("latents.count", latents.count, latents.count >= 1, "1 or more"),
        ("latents.seed", latents.seed, 0 <= latents.seed < 2**62, "from 0 to 2^62"),
        ("latents.shape", shape, shape is None or (shape != () and min(shape) >= 1), "a list of numbers of 1 or more"),
        ("latents.range", latents.range, low < high, "black and white, the lower value first"),
    )


def _edit_rules(study: Study) -> tuple[_Rule, ...]:
    given = {
        "ablation": study.ablation if isinstance(study.ablation, AblationSection) else None,
        "insertion": study.insertion,
        "paint": study.paint,
        "artifacts": study.artifacts,
        "attack": study.attack,
    }
    numbers = [
        (f"{name}.{key}", getattr(section, key))
        for name, section in given.items()
        for key in ("images", "among", "concepts", "units")
        if hasattr(section, key)
    ]
    compared = study.artifacts.images if study.artifacts else 2
    single = study.ablation.single_images if isinstance(study.ablation, AblationSection) else 0
    return (
        *_class_rules(study.ablation if isinstance(study.ablation, ClassAblationSection) else None),
        *((key, value, value is None or value >= 1, "1 or more") for key, value in numbers),
        ("ablation.single_images", single, single >= 0, "0 or more"),
        ("artifacts.images", compared, compared >= 2, "2 or more"),  # noqa: PLR2004 - a spread is needed
    )


def _class_rules(section: ClassAblationSection | None) -> tuple[_Rule, ...]:
    if section is None:
        return ()
    share, sets, size = section.ranking_share, section.random_sets, section.switch_mb
    return (
        ("ablation.ranking_share", share, 0 < share < 1, "between 0 and 1"),
        ("ablation.random_sets", sets, sets >= 1, "1 or more"),
        ("ablation.switch_mb", size, size >= 0, "0 or more"),
        ("ablation.classes", section.classes, section.classes != "", "'folders', 'predicted' or a CSV file"),
    )
