from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
import torch
from labeling.tiny_onnx import write_onnx
from PIL import Image

from dissectory.analysis.concepts.labels import read_labels
from dissectory.analysis.concepts.onnx import ON_CPU, ON_CUDA, OnnxSegmenter, providers_for, resized
from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.concepts.vocabulary import Vocabulary
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dissectory.analysis.concepts.labels import Labels
    from dissectory.analysis.subjects.images import ViewBatch

    Batch = Callable[..., ViewBatch]
    Array = np.ndarray[Any, Any]


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    (tmp_path / "labels.csv").write_text("index,name,category\n0,red,background\n1,green,object\n2,blue,material\n")
    return read_labels(tmp_path / "labels.csv", "rgb")


def between(image: Array, row: float, column: float) -> Array:
    """Interpolate `(height, width, channels)` bilinearly between pixel centers; the border is repeated."""
    height, width = image.shape[:2]
    row, column = min(max(row - 0.5, 0), height - 1), min(max(column - 0.5, 0), width - 1)
    top, left = math.floor(row), math.floor(column)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, along = row - top, column - left
    upper = image[top, left] * (1 - along) + image[top, right] * along
    lower = image[bottom, left] * (1 - along) + image[bottom, right] * along
    value: Array = upper * (1 - down) + lower * down
    return value


def enlarged(image: Array, height: int, width: int) -> Array:
    """Resize by interpolation at the center of every new pixel."""
    down, along = image.shape[0] / height, image.shape[1] / width
    rows = [
        [between(image, (row + 0.5) * down, (column + 0.5) * along) for column in range(width)] for row in range(height)
    ]
    return np.array(rows)


SHAPES: list[Sequence[int | str]] = [
    ("batch", 3, 24, 24),
    (1, 3, 24, 24),
    (4, 3, 24, 24),
    ("n", 3, "h", "w"),
    (1, "c", 30, "w"),
    ("n", 3, 17, 40),
]


@pytest.fixture
def segmenter_of(labels: Labels, tmp_path: Path) -> Callable[..., OnnxSegmenter]:
    """Make the segmenter whose logits are the colors of the image."""

    def make(shape: Sequence[int | str], size: int, grid: int) -> OnnxSegmenter:
        return OnnxSegmenter(write_onnx(tmp_path / "rgb.onnx", shape), labels, size, grid, threads=1)

    return make


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("grid", [5, 12])
def test_labels_against_the_definition(
    segmenter_of: Callable[..., OnnxSegmenter], batch_of: Batch, shape: Sequence[int | str], grid: int
) -> None:
    views = np.random.default_rng(5).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
    found = segmenter_of(shape, 12, grid).label(batch_of(views), ())
    assert found.shape == (3, 1, grid, grid)
    assert found.dtype == np.uint16
    height, width = (side if isinstance(side, int) else 12 for side in shape[2:])
    clear = 0
    for image, view in enumerate(views):
        logits = enlarged(view / 255.0, height, width)
        for row, column in np.ndindex(grid, grid):
            scores = between(logits, (row + 0.5) * height / grid, (column + 0.5) * width / grid)
            if np.diff(np.sort(scores))[-1] > 1e-5:
                clear += 1
                assert found[image, 0, row, column] == scores.argmax()
    assert clear > 0.99 * 3 * grid * grid


def test_the_input_is_rgb_from_zero_to_one() -> None:
    view = np.zeros((4, 4, 3), dtype=np.uint8)
    view[..., 0], view[..., 2] = 255, 51
    pixels = resized(view, (8, 8))
    assert pixels.shape == (1, 3, 8, 8)
    assert pixels.dtype == np.float32
    assert pixels[0].mean(axis=(1, 2)).tolist() == pytest.approx([1.0, 0.0, 0.2])


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resized(stripes, (8, 8))[..., 1:-1] - 0.5).max() < 0.01


def test_equal_logits_go_to_the_first_class(segmenter_of: Callable[..., OnnxSegmenter], batch_of: Batch) -> None:
    views = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    views[..., 1:] = 90
    assert (segmenter_of((1, 3, 8, 8), 8, 4).label(batch_of(views), ()) == 1).all()


def test_the_output_called_logits_is_used(labels: Labels, tmp_path: Path) -> None:
    shape = (1, 3, 8, 8)
    OnnxSegmenter(write_onnx(tmp_path / "a.onnx", shape, outputs=["other", "logits"]), labels, 8, 4)
    OnnxSegmenter(write_onnx(tmp_path / "b.onnx", shape, outputs=["other"]), labels, 8, 4)
    with pytest.raises(
        ConceptsError, match=re.escape("has the outputs ['x', 'y']; rename the output to use to 'logits'")
    ):
        OnnxSegmenter(write_onnx(tmp_path / "c.onnx", shape, outputs=["x", "y"]), labels, 8, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (1, 4, 8, 8)}, r"is image tensor\(float\) \[1, 4, 8, 8\]; expected one input float32"),
        ({"shape": (1, 3, 8)}, r"is image tensor\(float\) \[1, 3, 8\]; expected"),
        ({"kind": 11}, r"is image tensor\(double\)"),
        ({"inputs": ["image", "scale"]}, r"is image .*, scale .*; expected one input"),
        ({"op": "Shape"}, r"cannot be loaded as an ONNX model|returned int64|cannot be run"),
        ({"op": "Nonsense"}, r"cannot be loaded as an ONNX model .*Nonsense"),
    ],
)
def test_unsuitable_models_are_refused(labels: Labels, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    file = write_onnx(tmp_path / "rgb.onnx", **({"shape": (1, 3, 8, 8)} | changes))
    with pytest.raises(ConceptsError, match=message) as caught:
        OnnxSegmenter(file, labels, 8, 4)
    assert "\n" not in str(caught.value)


def test_more_labels_than_classes(tmp_path: Path) -> None:
    file = write_onnx(tmp_path / "rgb.onnx", (1, 3, 8, 8))
    (tmp_path / "labels.csv").write_text("index,name,category\n0,a,object\n255,v,void\n")
    OnnxSegmenter(file, read_labels(tmp_path / "labels.csv", "rgb"), 8, 4)
    (tmp_path / "labels.csv").write_text("index,name\n0,a\n3,b\n")
    with pytest.raises(ConceptsError, match="give 'b' the index 3, but the segmenter has 3 classes, 0 to 2"):
        OnnxSegmenter(file, read_labels(tmp_path / "labels.csv", "rgb"), 8, 4)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_a_broken_file(labels: Labels, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rgb.onnx").write_bytes(content)
    with pytest.raises(ConceptsError, match=r"rgb\.onnx cannot be loaded as an ONNX model .* the file may be damaged"):
        OnnxSegmenter(tmp_path / "rgb.onnx", labels, 8, 4)


def views_of(files: Sequence[Path], geometry: Geometry, batch_of: Batch) -> ViewBatch:
    pictures = [Image.open(file) for file in files]
    views = [np.asarray(geometry.view(picture)) for picture in pictures]
    paths = [f"{file.parent.name}/{file.name}" for file in files]
    return batch_of(np.stack(views), paths, sizes=tuple(picture.size for picture in pictures))


def test_a_real_segmenter_finds_trees_in_forests(assets: Path, batch_of: Batch) -> None:
    geometry = Geometry()
    spec = "onnx:segmenters/mosaic_ade20k31/model.onnx"
    two = open_sources([spec], assets, geometry, 56, threads=2)
    one = open_sources([spec], assets, geometry, 56, threads=1)
    assert two.concepts[0].source == "mosaic_ade20k31"
    assert len(two) == 31
    scenes = assets / "datasets" / "places_like" / "intel_scenes"
    batch = views_of(sorted((scenes / "forest").glob("*.jpg"))[:4], geometry, batch_of)
    labels = two.label(batch)
    assert (labels == two.keys.index("tree") + 1).mean() > 0.5
    assert np.array_equal(labels, two.label(batch))
    assert (labels == one.label(batch)).mean() > 0.999


def test_a_real_segmenter_agrees_with_camvids_own_label_maps(assets: Path, batch_of: Batch) -> None:
    geometry = Geometry(size=224, resize=224, fit="stretch")
    specs = ["onnx:segmenters/mosaic_ade20k31/model.onnx", "masks:datasets/camvid/labels"]
    vocabulary = open_sources(specs, assets, geometry, 56, threads=2)
    files = sorted((assets / "datasets" / "camvid" / "images" / "val").glob("*.jpg"))[::25]
    batch = views_of(files, geometry, batch_of)
    vocabulary.check(batch.paths, batch.sizes.__getitem__)
    guess, truth = np.moveaxis(vocabulary.label(batch), 1, 0)
    shared = {name: name for name in ("sky", "building", "road", "tree", "car")}
    shared |= {"pavement": "sidewalk", "pedestrian": "person"}
    right = total = 0
    numbers = {(concept.source, concept.name): number for number, concept in enumerate(vocabulary.concepts, start=1)}
    for theirs, ours in shared.items():
        cells = truth == numbers["camvid", theirs]
        total += cells.sum()
        right += (guess[cells] == numbers["mosaic_ade20k31", ours]).sum()
    assert total > 0.6 * truth.size
    assert right / total > 0.8  # pixel accuracy 0.872 over the whole split, measured separately


def test_the_fingerprint_depends_on_external_data_files(tmp_path: Path, labels: Labels) -> None:
    found = set()
    for number in (0, 1, 0):
        np.array([number, 0, 0], dtype=np.float32).tofile(tmp_path / "rgb.onnx.data")
        file = write_onnx(tmp_path / "rgb.onnx", (1, 3, 8, 8), op="Add", added="rgb.onnx.data")
        found.add(OnnxSegmenter(file, labels, 8, 4).fingerprint(()))
    assert len(found) == 2


def test_nan_logits_are_refused(tmp_path: Path, labels: Labels, batch_of: Batch) -> None:
    np.array([0, np.nan, 0], dtype=np.float32).tofile(tmp_path / "numbers")
    source = OnnxSegmenter(write_onnx(tmp_path / "rgb.onnx", (1, 3, 8, 8), op="Add", added="numbers"), labels, 8, 4)
    with pytest.raises(ConceptsError, match=r"the segmenter .*rgb\.onnx returned NaN logits"):
        source.label(batch_of(np.zeros((1, 8, 8, 3))), ())


CUDA = torch.device("cuda:1")


def test_a_cuda_device_runs_the_cuda_provider_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["AzureExecutionProvider", ON_CUDA, ON_CPU])
    first, *others = providers_for(CUDA)
    assert first == (ON_CUDA, {"device_id": "1", "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"})
    assert others == [ON_CPU]
    assert providers_for(torch.device("cpu")) == [ON_CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [ON_CPU])
    assert providers_for(CUDA) == [ON_CPU]


def test_without_a_cuda_provider_the_cpu_runs_the_model_and_a_note_says_so(
    tmp_path: Path, labels: Labels, batch_of: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [ON_CPU])
    file = write_onnx(tmp_path / "rgb.onnx", (1, 3, 8, 8))
    usual, other = OnnxSegmenter(file, labels, 8, 4), OnnxSegmenter(file, labels, 8, 4, device=CUDA)
    batch = batch_of(np.random.default_rng(2).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8))
    np.testing.assert_array_equal(usual.label(batch, ()), other.label(batch, ()))
    assert usual.fingerprint(()) == other.fingerprint(())
    assert usual.notes == ()
    (note,) = Vocabulary([usual, other]).notes
    assert note.startswith("The segmenter rgb ran on the CPU, because onnxruntime has no CUDA provider")


def test_label_maps_of_another_provider_have_another_fingerprint(
    tmp_path: Path, labels: Labels, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = OnnxSegmenter(write_onnx(tmp_path / "rgb.onnx", (1, 3, 8, 8)), labels, 8, 4, device=CUDA)
    before = source.fingerprint(())
    monkeypatch.setattr(OnnxSegmenter, "provider", ON_CUDA)
    assert source.fingerprint(()) != before
    assert source.notes == ()
