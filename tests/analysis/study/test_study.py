"""The study file: what is accepted, what is refused, and the messages for mistakes."""

from __future__ import annotations

import copy
import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectory.analysis.experiments import EXPERIMENTS
from dissectory.analysis.study.study import GENERATOR_GRID, Study
from dissectory.errors import StudyError

NUMBER, WHOLE, TEXT, PATH, LIST = "a finite number", "a whole number", "a string", "a path", "a list"
TRUTH = "true or false"
NAN, INFINITE = float("nan"), float("inf")

MISTYPED: dict[str, tuple[str, list[Any]]] = {
    "title": (TEXT, [3, True, ["a"]]),
    "seed": (WHOLE, ["1", 1.0, True, [1]]),
    "model.source": (TEXT, [3, True, ["timm:x"], {}]),
    "model.weights": (PATH, [3, False, ["a"]]),
    "model.layers": (LIST, [3, True, {"a": 1}]),
    "model.layers[1]": (TEXT, [["auto", 3], ["auto", True], ["auto", ["a"]]]),
    "model.classes": (PATH, [3, True]),
    "model.kind": ("one of 'classifier', 'generator'", ["clasifier", 1, True, ["classifier"], ""]),
    "images.folder": (PATH, [3, True, ["photos"]]),
    "images.size": (WHOLE, ["224", 224.0, True, [224]]),
    "images.resize": (WHOLE, ["256", 256.5, True]),
    "images.fit": ("one of 'crop', 'stretch'", ["cropp", "CROP", 1, True]),
    "images.interpolation": ("one of 'bilinear', 'bicubic', 'nearest'", ["lanczos", 2, False]),
    "images.mean": (LIST, ["0.5", 0.5, True]),
    "images.mean[2]": (NUMBER, [[0, 0, "0"], [0, 0, True], [0, 0, NAN], [0, 0, INFINITE], [0, 0, [0]]]),
    "images.std": (LIST, [1, {"r": 1}]),
    "images.std[0]": (NUMBER, [["1", 1, 1], [True, 1, 1], [NAN, 1, 1], [INFINITE, 1, 1]]),
    "images.classes": ("one of 'folders', 'none'", ["folder", False, ["none"]]),
    "images.about": (TEXT, [3, True, ["A world."]]),
    "latents.count": (WHOLE, ["9", 9.0, True]),
    "latents.seed": (WHOLE, ["9", 9.5, False]),
    "latents.shape": (LIST, [512, "512", True]),
    "latents.shape[0]": (WHOLE, [["512"], [512.0], [True]]),
    "latents.range": (LIST, [1, "0..1"]),
    "latents.range[1]": (NUMBER, [[0, "1"], [0, True], [0, NAN]]),
    "latents.about": (TEXT, [3, True]),
    "concepts.sources": (LIST, [3, True]),
    "concepts.sources[0]": (TEXT, [[3], [True], [["color"]]]),
    "dissection.quantile": (NUMBER, ["0.01", True, [0.01], NAN, INFINITE, -INFINITE]),
    "dissection.iou_threshold": (NUMBER, ["0.04", False, NAN, INFINITE]),
    "dissection.grid": (WHOLE, ["56", 56.0, True]),
    "dissection.border": ("one of 'zeros', 'extend'", ["zero", 0, False]),
    "dissection.top_images": (WHOLE, ["15", 15.0, True]),
    "dissection.pairings": (WHOLE, ["99", 99.0, True]),
    "dissection.information_ratio": (TRUTH, ["true", 1, 0]),
    "compute.batch": (WHOLE, ["32", 32.0, True]),
    "compute.workers": (WHOLE, ["2", 2.0, True]),
    "compute.memory_gb": (NUMBER, ["4", True, NAN, INFINITE]),
    "compute.device": (TEXT, [0, True]),
    "compute.keep_progress": (TRUTH, ["true", 1, 0, "no"]),
    "compute.autocast": (TRUTH, ["true", 1, 0, "bfloat16"]),
    **{f"{section}.layer": (TEXT, [3, True, ["a"]]) for section in ("ablation", "insertion", "paint", "artifacts")},
    **{
        f"ablation.{key}": (WHOLE, ["3", 3.0, True])
        for key in ("images", "among", "concepts", "single_images", "random_sets")
    },
    "ablation.layers": (LIST, [3, True]),
    "ablation.classes": (TEXT, [3, True, ["a"]]),
    "ablation.curves": (LIST, [3, True]),
    **{f"ablation.{key}": (NUMBER, ["3", True, NAN]) for key in ("ranking_share", "switch_mb")},
    **{f"insertion.{key}": (WHOLE, ["3", 3.0, True]) for key in ("images", "concepts", "units")},
    **{f"paint.{key}": (WHOLE, ["3", 3.0, True]) for key in ("images", "concepts", "units")},
    "artifacts.features": (TEXT, [3, True]),
    "artifacts.real": (PATH, [3, True]),
    "artifacts.images": (WHOLE, ["3", 3.0, True]),
    **{f"attack.{key}": (WHOLE, ["3", 3.0, True]) for key in ("images", "units")},
    **{f"attack.{key}": (TEXT, [3, True, ["a"]]) for key in ("target", "layer")},
    **{f"texture.{key}": (PATH, [3, True]) for key in ("folder", "originals")},
    "control.source": (TEXT, [3, True, ["timm:x"]]),
    "control.weights": (PATH, [3, False]),
}
"""What each key must be, and values that are not."""

OUT_OF_RANGE: dict[str, tuple[str, list[Any]]] = {
    "model.layers": ("a list with at least one name", [[]]),
    "images.size": ("8 or more", [7, 0, -224]),
    "images.resize": ("8 or more", [7, 0, -256]),
    "images.std": ("above 0", [[1, 1, 0], [-0.2, 1, 1]]),
    "latents.count": ("1 or more", [0, -1]),
    "latents.seed": ("from 0 to 2^62", [-1, 2**62]),
    "latents.shape": ("a list of numbers of 1 or more", [[], [512, 0]]),
    "latents.range": ("black and white, the lower value first", [[1, -1], [0.5, 0.5]]),
    **{f"ablation.{key}": ("1 or more", [0, -3]) for key in ("images", "among", "concepts", "random_sets")},
    **{f"ablation.{key}": ("0 or more", [-1]) for key in ("single_images", "switch_mb")},
    "ablation.ranking_share": ("between 0 and 1", [0, 1, -0.5]),
    "ablation.classes": ("'folders', 'predicted' or a CSV file", [""]),
    **{f"insertion.{key}": ("1 or more", [0, -3]) for key in ("images", "concepts", "units")},
    "artifacts.images": ("2 or more", [1, 0, -3]),
    **{f"attack.{key}": ("1 or more", [0, -3]) for key in ("images", "units")},
    "concepts.sources": ("a list with at least one source", [[]]),
    "dissection.quantile": ("between 0 and 1", [0, 1, -0.01, 1.5]),
    "dissection.iou_threshold": ("from 0 to 1", [-0.001, 1.001]),
    "dissection.grid": ("from 1 to 256", [0, -1, 257]),
    "dissection.top_images": ("from 1 to 100", [0, 101]),
    "dissection.pairings": ("from 0 to 9999", [-1, 10_000]),
    "compute.batch": ("1 or more", [0, -1]),
    "compute.workers": ("1 or more", [0, -1]),
    "compute.memory_gb": ("above 0", [0, -4]),
}

ON_THE_EDGE: dict[str, list[Any]] = {
    "images.size": [8],
    "images.resize": [8],
    "images.std": [[1e-9, 1, 1]],
    "latents.count": [1],
    "latents.seed": [0, 2**62 - 1],
    "latents.shape": [[1]],
    "dissection.quantile": [1e-9, 0.999],
    "dissection.iou_threshold": [0, 1],
    "dissection.grid": [1, 256],
    "dissection.top_images": [1, 100],
    "dissection.pairings": [0, 9999],
    "compute.batch": [1],
    "compute.workers": [1],
    "compute.memory_gb": [0.001],
}


OF_GENERATORS = {f"ablation.{key}" for key in ("layer", "images", "among", "concepts", "single_images")}
"""Keys of a section that a classifier has too, with others."""


def cases(table: dict[str, tuple[str, list[Any]]]) -> list[Any]:
    return [
        pytest.param(key, wanted, value, id=f"{key}={value}")
        for key, (wanted, values) in table.items()
        for value in values
    ]


def values_with(key: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any value that TOML can hold
    """Return a study's values with one of them changed; `key` may name an entry of the list `value`."""
    values: dict[str, Any] = {
        "model": {"source": "timm:x"},
        "images": {"folder": "photos"},
        "concepts": {"sources": ["color"]},
    }
    section, _, name = key.partition("[")[0].rpartition(".")
    if section in {"latents", "insertion", "paint", "artifacts"} or key in OF_GENERATORS:
        del values["images"]
        values |= {"model": {"source": "timm:x", "kind": "generator"}, "latents": {"count": 9}}
    if section == "control":
        values["control"] = {"source": "timm:x"}
    if section == "texture":
        values["texture"] = {"folder": "copies"}
    if section == "artifacts":
        values["artifacts"] = {"features": "python:a:b"}
    (values.setdefault(section, {}) if section else values)[name] = value
    return values


def refused(values: Any, **more: str) -> str:  # noqa: ANN401
    with pytest.raises(StudyError) as caught:
        Study.from_dict(values, **more)
    return str(caught.value)


def keys_of_a_study() -> set[str]:
    keys = set()
    for name, hint in get_type_hints(Study).items():
        kinds = [kind for kind in get_args(hint) or (hint,) if dataclasses.is_dataclass(kind)]
        keys |= {f"{name}.{item.name}" for kind in kinds for item in dataclasses.fields(kind)} or {name}
    for experiment in EXPERIMENTS:
        fields = dataclasses.fields(experiment.section) if experiment.section else ()
        keys |= {f"{experiment.key}.{item.name}" for item in fields}
    return keys - {"base", "experiments"}


def test_every_key_has_a_case_below() -> None:
    assert {key.partition("[")[0] for key in MISTYPED} == keys_of_a_study()


@pytest.mark.parametrize(("key", "wanted", "value"), cases(MISTYPED))
def test_a_value_of_another_type_is_refused_and_its_key_named(key: str, wanted: str, value: Any) -> None:  # noqa: ANN401
    message = refused(values_with(key, value), name="my.toml")
    assert message.startswith(f"my.toml: {key} is ")
    assert message.endswith(f"it must be {wanted}")


@pytest.mark.parametrize(("key", "wanted", "value"), cases(OUT_OF_RANGE))
def test_a_value_out_of_range_is_refused_and_its_key_named(key: str, wanted: str, value: Any) -> None:  # noqa: ANN401
    message = refused(values_with(key, value), name="my.toml")
    assert message.startswith(f"my.toml: {key} is ")
    assert f"it must be {wanted}" in message


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in ON_THE_EDGE.items() for value in values])
def test_the_ends_of_a_range_are_accepted(key: str, value: Any) -> None:  # noqa: ANN401
    section, name = key.split(".")
    taken = getattr(getattr(Study.from_dict(values_with(key, value)), section), name)
    assert taken == (tuple(value) if isinstance(value, list) else value)


@pytest.mark.parametrize("key", ["dissection.quantile", "compute.memory_gb"])
def test_a_number_that_no_float_can_hold_is_refused(key: str) -> None:
    assert key in refused(values_with(key, 10**400))


@pytest.mark.parametrize("key", ["images.mean", "images.std"])
@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_a_color_has_three_values(key: str, count: int) -> None:
    message = refused(values_with(key, [0.5] * count))
    assert f"{key} has {count} values; it must have 3, one for each of R, G, B" in message


@pytest.mark.parametrize("section", ["model", "images", "concepts", "dissection", "compute", "control"])
@pytest.mark.parametrize("value", [3, "torchvision:resnet18", True, [{"source": "x"}]])
def test_a_section_must_be_a_table(section: str, value: Any) -> None:  # noqa: ANN401
    message = refused(values_with(section, value))
    assert f"[{section}] must be a table of keys" in message
    assert repr(value) in message


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("modell", "model"),
        ("sed", "seed"),
        ("titel", "title"),
        ("model.sorce", "source"),
        ("model.layer", "layers"),
        ("images.interpolate", "interpolation"),
        ("concepts.source", "sources"),
        ("dissection.iou_treshold", "iou_threshold"),
        ("dissection.top_image", "top_images"),
        ("compute.memory", "memory_gb"),
        ("control.weight", "weights"),
        ("contrl", "control"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_one(key: str, nearest: str) -> None:
    message = refused(values_with(key, 1))
    section, _, name = key.rpartition(".")
    assert f"[{section}] has no key '{name}'" in message or (not section and f"no key '{name}'" in message)
    assert f"did you mean '{nearest}'" in message


def test_an_unknown_key_unlike_all_others_is_answered_with_all_keys() -> None:
    message = refused(values_with("compute.zzz", 1))
    assert message.endswith("known: 'batch', 'workers', 'memory_gb', 'device', 'keep_progress', 'autocast'")


@pytest.mark.parametrize("value", [".", "/", 3])
def test_the_base_of_paths_is_not_a_key_of_the_file(value: object) -> None:
    message = refused(values_with("base", value))
    assert "the top level has no key 'base'" in message
    assert "'base'" not in message.partition(";")[2]


@pytest.mark.parametrize("section", ["model", "images", "concepts"])
def test_a_missing_section_is_named(section: str) -> None:
    values = values_with("title", "")
    del values[section]
    assert f"the section [{section}] is missing" in refused(values)


@pytest.mark.parametrize(
    "key", ["model.source", "images.folder", "concepts.sources", "control.source", "latents.count"]
)
def test_a_missing_key_is_named(key: str) -> None:
    section, name = key.split(".")
    values = values_with(key, "x")
    del values[section][name]
    assert f"[{section}] needs the key '{name}'" in refused(values)


def test_missing_keys_have_defaults() -> None:
    study = Study.from_dict(values_with("title", ""))
    assert study.model.layers == ("auto",)
    assert (study.dissection.quantile, study.dissection.iou_threshold) == (0.01, 0.04)
    assert (study.dissection.grid, study.dissection.border, study.dissection.top_images) == (56, "zeros", 15)
    assert (study.photographs.size, study.photographs.mean, study.seed) == (None, None, 0)


def test_a_generator_has_a_grid_of_its_own() -> None:
    values = values_with("latents.count", 9)
    assert Study.from_dict(values).dissection.grid == GENERATOR_GRID
    assert Study.from_dict({**values, "dissection": {"grid": 32}}).dissection.grid == 32
    assert Study.from_dict({**values, "dissection": {"quantile": 0.02}}).dissection.grid == GENERATOR_GRID


@pytest.mark.parametrize(
    ("kind", "sections", "told"),
    [
        ("classifier", ("latents",), r"\[latents\] is for a generator; add kind = \"generator\""),
        ("classifier", ("images", "latents"), r"\[latents\] is for a generator"),
        ("classifier", (), r"the section \[images\] is missing"),
        ("classifier", ("images", "ablation"), r"\[ablation\] has no key 'images'"),
        (
            "classifier",
            ("images", "insertion"),
            r"\[insertion\] is for a generator, and model\.kind is \"classifier\"",
        ),
        ("generator", (), r"the section \[latents\] is missing"),
        ("generator", ("images",), r"generates its images: remove \[images\]"),
        ("generator", ("images", "latents"), r"remove \[images\]"),
        ("generator", ("latents", "attack"), r"\[attack\] is for a classifier, and model.kind is \"generator\""),
        ("generator", ("latents", "texture"), r"\[texture\] is for a classifier"),
        ("generator", ("latents", "control"), r"\[control\] is for a classifier"),
    ],
)
def test_images_are_for_classifiers_and_latents_for_generators(kind: str, sections: tuple[str, ...], told: str) -> None:
    all_of_them = {"images": {"folder": "photos"}, "latents": {"count": 9}, "control": {"source": "timm:y"}}
    all_of_them |= {
        "ablation": {"images": 3},
        "insertion": {},
        "attack": {"images": 3},
        "texture": {"folder": "copies"},
    }
    values = {"model": {"source": "timm:x", "kind": kind}, "concepts": {"sources": ["color"]}}
    with pytest.raises(StudyError, match=told):
        Study.from_dict({**values, **{name: all_of_them[name] for name in sections}})


def test_a_generator_has_no_photographs() -> None:
    with pytest.raises(StudyError, match="generates its images itself"):
        _ = Study.from_dict(values_with("latents.count", 9)).photographs


@pytest.mark.parametrize("key", ["model.layers", "concepts.sources"])
def test_a_string_is_accepted_as_a_list_with_one_entry(key: str) -> None:
    section, name = key.split(".")
    assert getattr(getattr(Study.from_dict(values_with(key, "auto")), section), name) == ("auto",)


def test_a_whole_number_is_accepted_as_a_number() -> None:
    taken = Study.from_dict(values_with("compute.memory_gb", 4)).compute.memory_gb
    assert (taken, type(taken)) == (4.0, float)


def test_the_given_values_are_not_modified() -> None:
    values = values_with("images.mean", [0, 0, 0])
    before = copy.deepcopy(values)
    Study.from_dict(values).to_dict()["images"]["mean"].append(1)
    assert values == before


def write(path: Path, values: dict[str, Any]) -> None:
    """Write values as TOML: for strings, numbers and lists of them, JSON is valid TOML."""
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if key not in tables]
    for section, keys in tables.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_file_makes_the_same_study_as_its_values(tmp_path: Path) -> None:
    values = values_with("title", "Häuser ☃")
    write(tmp_path / "study.toml", values)
    assert tomllib.loads((tmp_path / "study.toml").read_text(encoding="utf-8")) == values
    assert Study.read(tmp_path / "study.toml") == Study.from_dict(values, base=tmp_path)
    assert Study.read(str(tmp_path / "study.toml")) == Study.from_dict(values, base=tmp_path)


def test_a_mistake_names_the_file(tmp_path: Path) -> None:
    write(tmp_path / "mine.toml", values_with("compute.batch", 0))
    with pytest.raises(StudyError, match=r"mine\.toml: compute\.batch is 0; it must be 1 or more"):
        Study.read(tmp_path / "mine.toml")


def test_files_that_are_not_a_study(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('title = "Häuser"'.encode("latin-1"))
    (tmp_path / "twice.toml").write_text("seed = 1\nseed = 2\n")
    for name, said in (
        ("nothing.toml", "there is no study file"),
        ("", "is a folder; a study is a TOML file"),
        ("latin.toml", "is not valid TOML"),
        ("twice.toml", "is not valid TOML"),
    ):
        with pytest.raises(StudyError, match=said):
            Study.read(tmp_path / name)


def test_relative_paths_start_from_the_study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "studies").mkdir()
    write(tmp_path / "studies" / "study.toml", values_with("images.folder", "../photos"))
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "studies" / "study.toml", Path("studies/study.toml")):
        study = Study.read(path)
        assert study.path(study.photographs.folder).resolve() == (tmp_path / "photos").resolve()


def test_absolute_paths_and_the_home_folder_are_not_relative_to_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study.from_dict(values_with("images.folder", str(tmp_path)), base="/elsewhere")
    assert study.path(study.photographs.folder) == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    assert study.path("~/photos") == tmp_path / "photos"


def test_the_home_folder_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(StudyError, match="~nobody-of-this-name"):
        Study.from_dict(values_with("images.folder", "~nobody-of-this-name/photos"))


FULL: dict[str, Any] = {
    "title": "Häuser ☃",
    "seed": 7,
    "model": {
        "source": "timm:x",
        "weights": "w.safetensors",
        "layers": ["a", "b.*"],
        "classes": "classes.txt",
        "kind": "classifier",
    },
    "images": {
        "folder": "photos",
        "size": 224,
        "resize": 256,
        "fit": "stretch",
        "interpolation": "bicubic",
        "mean": [0.5, 0.25, 0],
        "std": [1, 0.5, 0.125],
        "classes": "none",
        "about": "Häuser ☃",
    },
    "concepts": {"sources": ["masks:labels", "color"]},
    "dissection": {
        "quantile": 0.02,
        "iou_threshold": 0.1,
        "grid": 28,
        "border": "extend",
        "top_images": 9,
        "pairings": 19,
        "information_ratio": True,
    },
    "compute": {
        "batch": 8,
        "workers": 1,
        "memory_gb": 0.5,
        "device": "cpu",
        "keep_progress": True,
        "autocast": True,
    },
    "control": {"source": "timm:y", "weights": "v.safetensors"},
    "ablation": {
        "layers": ["a"],
        "classes": "predicted",
        "ranking_share": 0.25,
        "curves": ["b"],
        "random_sets": 3,
        "switch_mb": 0,
    },
    "attack": {"images": 4, "target": "a", "layer": "a", "units": 2},
    "texture": {"folder": "copies", "originals": "photos"},
}


def lifted(values: dict[str, Any]) -> dict[str, Any]:
    """Move title and seed from the manifest's section `study` to the top level, where a study has them."""
    rest = dict(values)
    return {**rest.pop("study", {}), **rest}


GENERATING: dict[str, Any] = {
    **{key: value for key, value in FULL.items() if key not in {"images", "control", "attack", "texture"}},
    "model": {"source": "timm:x", "layers": ["a"], "kind": "generator"},
    "latents": {"count": 9, "seed": 3, "shape": [8, 2], "range": [0, 1], "about": "Häuser ☃"},
    "ablation": {"layer": "a", "images": 5, "among": 9, "concepts": 2, "single_images": 1},
    "insertion": {"layer": "a", "images": 6, "concepts": 3, "units": 4},
    "paint": {"layer": "a", "images": 7, "concepts": 4, "units": 5},
    "artifacts": {"features": "python:a:b", "real": "photos", "layer": "a", "images": 8},
}
"""The same of a generator."""


def test_every_key_is_in_the_full_study() -> None:
    sections = [*FULL.items(), *GENERATING.items()]
    keys = {f"{key}.{name}" for key, value in sections if isinstance(value, dict) for name in value}
    assert keys | {"title", "seed"} == keys_of_a_study()


def test_to_dict_has_every_value_of_the_study() -> None:
    assert lifted(Study.from_dict(FULL).to_dict()) == FULL
    assert lifted(Study.from_dict(GENERATING).to_dict()) == GENERATING


def test_to_dict_leaves_out_missing_values() -> None:
    plain = Study.from_dict(values_with("title", "")).to_dict()
    assert "weights" not in plain["model"]
    assert plain["images"] == {"folder": "photos", "classes": "folders"}
    assert "control" not in plain


@pytest.mark.parametrize("values", [FULL, GENERATING, values_with("title", "")], ids=["full", "generator", "least"])
def test_to_dict_is_plain_json_and_makes_the_same_study(values: dict[str, Any]) -> None:
    study = Study.from_dict(values, base="somewhere")
    plain = study.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert Study.from_dict(lifted(plain), base="somewhere") == study


def test_from_dict_reads_the_result_of_to_dict() -> None:
    study = Study.from_dict(FULL)
    assert Study.from_dict(study.to_dict()) == study


@settings(max_examples=40, deadline=None)
@given(
    quantile=st.floats(0, 1, exclude_min=True, exclude_max=True),
    mean=st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3),
    layers=st.lists(st.text(min_size=1), min_size=1),
    title=st.text(),
    seed=st.integers(),
)
def test_no_value_is_lost_on_the_way_through_json(
    quantile: float, mean: tuple[float, float, float], layers: list[str], title: str, seed: int
) -> None:
    values = {**FULL, "title": title, "seed": seed, "dissection": {"quantile": quantile}}
    values["model"] = {"source": "timm:x", "layers": layers}
    values["images"] = {"folder": "photos", "mean": list(mean)}
    study = Study.from_dict(values)
    assert Study.from_dict(lifted(json.loads(json.dumps(study.to_dict())))) == study


def test_a_study_is_immutable() -> None:
    study = Study.from_dict(FULL)
    with pytest.raises(dataclasses.FrozenInstanceError):
        study.seed = 8  # type: ignore[misc]
