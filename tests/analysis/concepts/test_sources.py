from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from labeling.tiny_onnx import write_onnx
from PIL import Image

from dissectory.analysis.concepts.registry import OPENERS, SourceContext, register
from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dissectory.analysis.concepts.vocabulary import ConceptSource, Planes, Vocabulary
    from dissectory.analysis.subjects.images import ViewBatch

    Batch = Callable[..., ViewBatch]

GEOMETRY = Geometry(size=16, resize=16)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Make a folder with a segmenter of red, green and blue, and two folders of label maps."""
    (tmp_path / "rgb").mkdir()
    write_onnx(tmp_path / "rgb" / "model.onnx", ("n", 3, 16, 16))
    (tmp_path / "rgb" / "labels.csv").write_text("index,name\n0,tree\n1,sky\n2,orange\n")
    for world in ("one", "two"):
        (tmp_path / world / "labels").mkdir(parents=True)
        (tmp_path / world / "labels.csv").write_text("index,name,category\n0,?,void\n1,tree,object\n")
        Image.new("L", (16, 16), 1).save(tmp_path / world / "labels" / "0.png")
    return tmp_path


def opened(study: Path, *specs: str) -> Vocabulary:
    return open_sources(specs, study, GEOMETRY, 8, threads=1)


def test_all_kinds_of_sources_together(study: Path, batch_of: Batch) -> None:
    vocabulary = opened(study, "onnx:rgb/model.onnx", "masks:one/labels", "color", "parts")
    assert vocabulary.planes == 1 + 1 + 1 + 4
    assert len(vocabulary) == 3 + 1 + 11 + 16
    assert vocabulary.keys[:4] == ("tree [rgb]", "sky", "orange [rgb]", "tree [one]")
    assert "orange [color]" in vocabulary.keys
    assert "top of tree [one]" in vocabulary.keys
    assert "left of orange" in vocabulary.keys
    red = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    red[..., 0] = 200
    labels = vocabulary.label(batch_of(red))
    assert labels.shape == (1, 7, 8, 8)
    assert labels.min() > 0
    names = [{vocabulary.keys[label - 1] for label in np.unique(plane)} for plane in labels[0]]
    assert names == [
        {"tree [rgb]"},
        {"tree [one]"},
        {"red"},
        {"top of tree [rgb]", "bottom of tree [rgb]"},
        {"left of tree [rgb]", "right of tree [rgb]"},
        {"top of tree [one]", "bottom of tree [one]"},
        {"left of tree [one]", "right of tree [one]"},
    ]


def test_sources_without_objects_may_follow_parts(study: Path) -> None:
    (study / "two" / "labels.csv").write_text("index,name,category\n0,?,void\n1,wood,material\n")
    keys = opened(study, "masks:one/labels", "parts", "masks:two/labels", "color").keys
    halves = [f"{half} of tree" for half in ("top", "bottom", "left", "right")]
    assert keys[:6] == ("tree", *halves, "wood")


def test_label_files_beside_the_model(study: Path) -> None:
    (study / "rgb" / "model.labels.csv").write_text("index,name\n2,own\n")
    assert opened(study, "onnx:rgb/model.onnx").keys == ("own",)


def test_labels_in_the_folder_take_precedence(study: Path) -> None:
    (study / "one" / "labels" / "labels.csv").write_text("index,name\n1,inner\n")
    assert opened(study, "masks:one/labels").keys == ("inner",)


def test_folders_with_the_same_name_are_numbered(study: Path) -> None:
    (study / "x" / "one").mkdir(parents=True)
    (study / "one").rename(study / "x" / "one" / "deep")
    (study / "two").rename(study / "deep")
    vocabulary = opened(study, "masks:x/one/deep", "masks:deep/")
    assert [concept.source for concept in vocabulary.concepts] == ["deep", "deep 2"]


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (["colour"], "unknown concept source 'colour'; did you mean 'color'?"),
        (["transformers:x"], "unknown concept source 'transformers:x'; known: "),
        (["color", "color"], "'color' is listed twice"),
        (
            ["masks:one/labels", "masks:./one/../one/labels/"],
            r"'masks:\./one.* is listed twice \(first as 'masks:one/labels'",
        ),
        (["parts", "onnx:rgb/model.onnx"], "no source before it has any objects; list 'parts' after"),
        (
            ["masks:one/labels", "parts", "color", "masks:two/labels"],
            r"lists 'masks:two/labels' after 'parts', .*: move 'parts' after 'masks:two/labels', or to the end",
        ),
        (["color", "parts"], "no source before it has any objects"),
        (["color:red"], "takes no argument; write 'color', not 'color:red'"),
        (["masks:one/labels", "parts:x"], "write 'parts', not 'parts:x'"),
        (["onnx"], "has no file or folder after its name; write it as 'onnx:FILE'"),
        (["masks: "], "write it as 'masks:FOLDER'"),
        (["onnx:rgb/no.onnx"], r"the segmenter .*no\.onnx does not exist"),
        (["onnx:rgb"], r"the segmenter .*rgb does not exist; 'onnx:FILE' needs an ONNX file"),
        (["masks:no"], r"the folder of label maps .*no does not exist; 'masks:FOLDER' needs a folder"),
        (["masks:rgb/model.onnx"], "the folder of label maps .* does not exist"),
    ],
)
def test_errors_in_the_list(study: Path, specs: Sequence[str], message: str) -> None:
    with pytest.raises(ConceptsError, match=message):
        opened(study, *specs)


def test_labels_without_a_file(study: Path) -> None:
    (study / "rgb" / "labels.csv").unlink()
    with pytest.raises(
        ConceptsError, match=r"'onnx:rgb/model\.onnx' has no labels\.csv; create .*model\.labels\.csv or .*labels\.csv"
    ):
        opened(study, "onnx:rgb/model.onnx")
    (study / "one" / "labels.csv").unlink()
    with pytest.raises(
        ConceptsError, match=r"'masks:one/labels' has no labels\.csv; create .*one/labels/labels\.csv or "
    ):
        opened(study, "masks:one/labels")


@pytest.fixture
def _restore_openers() -> Iterator[None]:
    """Remove the kinds of sources that a test registers."""
    known = dict(OPENERS)
    yield
    OPENERS.clear()
    OPENERS.update(known)


@pytest.mark.usefixtures("_restore_openers")
def test_a_new_kind_of_source(study: Path) -> None:
    told: list[SourceContext] = []

    class Weather:
        name = "weather"
        planes = 1
        concepts = (Concept("rain", "texture", "weather"),)

        def label(self, batch: ViewBatch, earlier: Sequence[Planes]) -> Planes:
            raise NotImplementedError

    @register("weather")
    def open_weather(argument: str, context: SourceContext) -> ConceptSource:
        assert argument == "to:day"
        told.append(context)
        return Weather()

    assert opened(study, "color", "weather:to:day").keys[-1] == "rain"
    assert (told[0].base, told[0].grid, told[0].threads, len(told[0].earlier)) == (study, 8, 1, 1)
    with pytest.raises(ValueError, match="'weather' is already registered"):
        register("weather")(open_weather)
