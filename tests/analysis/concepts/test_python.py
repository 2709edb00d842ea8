"""A PyTorch module as a segmenter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dissectory.analysis.concepts.python import TorchSegmenter
from dissectory.analysis.concepts.sources import open_sources
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.analysis.demo.networks import SMALL, trained_segmenter
from dissectory.analysis.demo.scene import draw_scene
from dissectory.analysis.demo.vocabulary import OBJECTS, PARTS
from dissectory.analysis.subjects.geometry import Geometry
from dissectory.analysis.subjects.images import ViewBatch
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable

GROUND = ("ground", "background")


class Segmenter(nn.Module):
    """Two outputs: the brightest channel (none, red, green or blue), and dark or light."""

    labels: Any = (
        (GROUND, ("rose", "object"), ("leaf", "part"), ("sky", "object")),
        (("dark", "void"), ("light", "texture")),
    )

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        self.seen = pictures
        mean = pictures.mean(dim=1, keepdim=True)
        return torch.cat([0.1 - mean, pictures - 0.2], dim=1), torch.cat([0.5 - mean, mean - 0.5], dim=1)


def batch(*colors: tuple[int, int, int], size: int = 8) -> ViewBatch:
    views = np.stack([np.full((size, size, 3), color, dtype=np.uint8) for color in colors])
    names = tuple(f"{place}.png" for place in range(len(colors)))
    return ViewBatch(tuple(range(len(colors))), names, views, ((size, size),) * len(colors))


def opened(module: nn.Module, size: int = 8, grid: int = 4, device: str = "cpu") -> TorchSegmenter:
    return TorchSegmenter(module, "file.py:Segmenter", size, grid, Path(), device=torch.device(device))


def test_every_output_labels_each_pixel() -> None:
    source = opened(Segmenter())
    assert source.planes == 2
    kinds = [("rose", "object"), ("leaf", "part"), ("sky", "object"), ("light", "texture")]
    assert source.concepts == tuple(Concept(name, category, "Segmenter") for name, category in kinds)  # type: ignore[arg-type]
    labels = source.label(batch((255, 0, 0), (0, 0, 0), (200, 200, 255)), ())
    assert labels.dtype == np.uint16
    assert labels.shape == (3, 2, 4, 4)
    for answer, expected in zip(labels, [(1, 0), (0, 0), (3, 4)], strict=True):
        assert (answer[0] == expected[0]).all()
        assert (answer[1] == expected[1]).all()


def test_views_are_resized_and_normalized_as_the_module_asks() -> None:
    module = Segmenter()
    module.size, module.mean, module.std = 16, (0.5, 0.25, 0), 0.5  # type: ignore[assignment]
    opened(module).label(batch((255, 51, 0)), ())
    assert module.seen.shape == (1, 3, 16, 16)
    torch.testing.assert_close(module.seen[0, :, 3, 3], torch.tensor([1.0, -0.1, 0.0]))


def test_scores_are_read_at_the_centers_of_the_grid() -> None:
    left = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    left[:, :, :4, 0] = 255
    labels = opened(Segmenter(), grid=2).label(ViewBatch((0,), ("a",), left, ((8, 8),)), ())
    assert labels[0, 0].tolist() == [[1, 0], [1, 0]]


class Wide(Segmenter):
    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        return super().forward(pictures)[:1]


def failing(_pictures: Tensor) -> Tensor:
    raise ValueError("no such picture")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"labels": None}, r"has no attribute 'labels'; expected, for each output, a list of \(name, category\)"),
        ({"labels": 3}, r"'labels' of the segmenter Segmenter cannot be read"),
        ({"labels": ((GROUND, "rose"),)}, r"cannot be read"),
        ({"labels": ((GROUND, ("rose", "flower")),)}, r"has the label \('rose', 'flower'\)"),
        ({"labels": ((GROUND,), (GROUND,))}, r"have no concepts"),
        ({"labels": ((GROUND, ("a", "object")),)}, r"returned \[\(1, 4, 8, 8\), .*its labels need 1 outputs"),
        (
            {"labels": ((GROUND, ("a", "part")), (GROUND,))},
            r"output 0 of .* has 4 classes, but its labels have 2 names",
        ),
        ({"size": "64"}, r"has size = '64'; set it to a whole number above 0"),
        ({"mean": (0, 0)}, r"has mean = \(0, 0\); set it to one number or to three"),
        ({"std": 0}, r"has std = 0; set it to one number or to three, above 0"),
        ({"forward": failing}, r"fails on input of shape \(1, 3, 8, 8\): ValueError: no such picture"),
    ],
)
def test_unsuitable_modules_are_refused(changes: dict[str, object], told: str) -> None:
    module = Segmenter()
    for name, value in changes.items():
        setattr(module, name, value)
    with pytest.raises(ConceptsError, match=told):
        opened(module)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module, "size", 16),
        lambda module: setattr(module, "mean", 0.5),
        lambda module: module.register_buffer("more", torch.ones(1)),
    ],
)
def test_the_fingerprint_depends_on_what_the_labels_depend_on(change: Callable[[nn.Module], None]) -> None:
    module = Segmenter()
    before = opened(module).fingerprint(())
    assert before == opened(Segmenter()).fingerprint(())
    change(module)
    assert opened(module).fingerprint(()) != before


def test_a_study_names_a_segmenter_as_it_names_a_network(tmp_path: Path) -> None:
    vocabulary = open_sources([f"python:{__file__}:Segmenter", "color"], tmp_path, Geometry(8, 8), 4)
    assert vocabulary.keys[:4] == ("rose", "leaf", "sky", "light")
    assert vocabulary.planes == 3
    with pytest.raises(ConceptsError, match=r"a concept source names Segmentor in .*did you mean 'Segmenter'"):
        open_sources([f"python:{__file__}:Segmentor"], tmp_path, Geometry(8, 8), 4)
    with pytest.raises(ConceptsError, match=r"a concept source is 'python:'; it must be 'python:FILE.py:FUNCTION'"):
        open_sources(["python:"], tmp_path, Geometry(8, 8), 4)


def test_the_demo_segmenter_is_a_concept_source() -> None:
    spec = "python:dissectory.analysis.demo.networks:trained_segmenter"
    vocabulary = open_sources([spec], Path(), Geometry(SMALL, SMALL), SMALL)
    assert [concept.name for concept in vocabulary.concepts] == [*OBJECTS, *PARTS]
    scene = draw_scene(2_000_000, "village", SMALL)
    labels = vocabulary.label(ViewBatch((0,), ("a",), scene.picture[None], ((SMALL, SMALL),)))[0]
    assert (labels[0] == scene.objects).mean() > 0.85
    scores = trained_segmenter()((torch.from_numpy(scene.picture).permute(2, 0, 1)[None] / 255 - 0.5) / 0.25)
    np.testing.assert_array_equal(labels[0], scores[0].argmax(dim=1)[0])
    parts = scores[1].argmax(dim=1)[0].numpy()
    np.testing.assert_array_equal(labels[1], np.where(parts > 0, parts + len(OBJECTS), 0))


def test_nan_scores_are_refused() -> None:
    module = Segmenter()
    source = opened(module)
    module.register_forward_hook(lambda _module, _inputs, scores: (scores[0], scores[1] * torch.nan))
    with pytest.raises(ConceptsError, match="the segmenter Segmenter returned NaN scores"):
        source.label(batch((255, 0, 0)), ())


def test_a_segmenter_runs_on_its_device() -> None:
    module = Segmenter()
    module.register_buffer("kept", torch.ones(1))
    opened(module, device="meta")
    assert module.seen.is_meta
    assert module.kept.is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_labels_from_a_cuda_device_are_the_same() -> None:
    colors = batch((255, 0, 0), (0, 0, 0), (200, 200, 255))
    module = Segmenter()
    labels = opened(module, device="cuda").label(colors, ())
    assert module.seen.is_cuda
    np.testing.assert_array_equal(labels, opened(Segmenter()).label(colors, ()))


class Crowded(Segmenter):
    """Runs on a device that has memory for `room` images."""

    room = 9

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        self.sizes = [*getattr(self, "sizes", []), len(pictures)]
        if len(pictures) > self.room:
            raise torch.OutOfMemoryError
        return super().forward(pictures)


def test_a_batch_that_does_not_fit_is_segmented_in_parts() -> None:
    colors = batch((255, 0, 0), (0, 0, 0), (200, 200, 255), (0, 255, 0), (0, 0, 255))
    module = Crowded()
    source = opened(module)
    expected = source.label(colors, ())
    module.room, module.sizes = 2, []
    for _ in range(2):
        np.testing.assert_array_equal(source.label(colors, ()), expected)
    assert module.sizes == [5, 2, 2, 1, 2, 2, 1]
    module.room = 0
    with pytest.raises(ConceptsError, match=r"not enough memory .* one image: use smaller images"):
        source.label(colors, ())
