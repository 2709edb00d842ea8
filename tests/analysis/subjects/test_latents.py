"""The images of a generator: its inputs, and how its outputs become views."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from networks import drawing_generator as drawing
from torch import Tensor, nn

from dissectory.analysis.study.sections import LatentsSection
from dissectory.analysis.subjects.latents import Latents, inputs_of, is_generator
from dissectory.analysis.subjects.layers import survey_generator
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

CPU = torch.device("cpu")


class Answering(nn.Module):
    """Returns a function of its latents `(batch, 4)`."""

    def __init__(self, answer: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.latent_shape = (4,)
        self.answer = answer

    def forward(self, latents: Tensor) -> object:
        return self.answer(latents)


def shaped(*shape: int, value: float = 0.0) -> Answering:
    return Answering(lambda latents: torch.full((len(latents), *shape), value))


def latents(module: nn.Module, count: int = 5, **section: object) -> Latents:
    return Latents(module, LatentsSection(count, **section), CPU)  # type: ignore[arg-type]


def test_latents_are_normal_numbers_that_depend_only_on_the_seed() -> None:
    (rows,) = latents(shaped(3, 8, 8), seed=20).inputs([3, 0])
    for row, seed in zip(rows, (23, 20), strict=True):
        torch.testing.assert_close(row, torch.randn(4, generator=torch.Generator().manual_seed(seed)), rtol=0, atol=0)
    (many,) = inputs_of(shaped(3, 8, 8), range(3000))
    assert abs(float(many.mean())) < 0.03
    assert abs(float(many.std()) - 1) < 0.03


def test_the_study_may_give_the_shape() -> None:
    module = shaped(3, 8, 8)
    assert inputs_of(module, [1, 2], (7, 1, 1))[0].shape == (2, 7, 1, 1)
    module.latent_shape = 6  # type: ignore[assignment]
    assert inputs_of(module, [1])[0].shape == (1, 6)


@pytest.mark.parametrize(
    ("value", "span", "level"),
    [
        (-1, (-1, 1), 0),
        (1, (-1, 1), 255),
        (0, (-1, 1), 128),
        (-1.4, (-1, 1), 0),
        (1.4, (-1, 1), 255),
        (0.2, (0, 1), 51),
    ],
)
def test_the_output_becomes_pixels(value: float, span: tuple[float, float], level: int) -> None:
    images = latents(shaped(3, 8, 8, value=value), range=span)
    assert (images.view(0) == level).all()


def test_an_output_with_one_channel_is_gray() -> None:
    assert latents(shaped(1, 8, 8, value=1)).view(0).shape == (8, 8, 3)


def test_batches_get_their_views_from_the_output() -> None:
    network = drawing.Generator()
    images = latents(network, count=4, seed=11)
    (batch,) = images.batches([(1, 3)])
    assert (batch.images, batch.paths, batch.sizes) == ((1, 3), ("seed 12", "seed 14"), ((32, 32), (32, 32)))
    pictured = images.pictured(batch, network(*images.inputs(batch.images)))
    np.testing.assert_array_equal(pictured.views, np.stack([images.view(1), images.view(3)]))
    assert (images.size_of(2), images.class_of(2), images.classes) == ((32, 32), None, ())


@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_views_that_fit_into_memory_are_generated_once(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(levels: Tensor) -> Tensor:
        generated.extend(levels[:, 0].tolist())
        return levels[:, :3, None, None].expand(-1, -1, 8, 8) / 4

    generated: list[float] = []
    monkeypatch.setattr("dissectory.analysis.subjects.latents._KEPT", kept)
    images = latents(Answering(answer), count=5)
    for groups in ([[3, 0], [1]], [[0, 4, 1], [3]]):
        generated.clear()
        for group, batch in zip(groups, images.views(groups), strict=True):
            assert batch.images == tuple(group)
            np.testing.assert_array_equal(batch.views, np.stack([images.view(image) for image in group]))
    of_views = len(generated) - 4  # the last four calls of `view` generate too
    assert of_views == (1 if kept else 4)


def test_the_digest_depends_on_everything_that_determines_the_images() -> None:
    network, other = drawing.Generator(), drawing.Generator()
    other.maps.masks[0] = 0
    digests = [
        latents(network).digest(),
        latents(network, count=6).digest(),
        latents(network, seed=1).digest(),
        latents(network, range=(-1.0, 1.5)).digest(),
        latents(other).digest(),
    ]
    assert len(set(digests)) == len(digests)
    assert latents(drawing.Generator()).digest() == digests[0]


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (shaped(3, 8, 4), r"returned \(1, 3, 8, 4\); expected square images"),
        (shaped(2, 8, 8), r"returned \(1, 2, 8, 8\)"),
        (shaped(8), r"returned \(1, 8\)"),
        (shaped(3, 8, 8, value=float("nan")), r"the image of seed 0 has values that are not finite"),
        (Answering(lambda given: (given,)), r"returned tuple"),
        (Answering(lambda _: torch.zeros(3, 3, 8, 8)), r"returned \(3, 3, 8, 8\)"),
        (nn.Linear(4, 4), r"the shape of the generator's latents is unknown: set latents.shape"),
    ],
)
def test_networks_that_generate_no_images_are_refused(module: nn.Module, told: str) -> None:
    with pytest.raises(SubjectError, match=told):
        latents(module)


def test_a_wrong_latent_shape_is_reported() -> None:
    network = nn.Sequential(nn.Linear(4, 192), nn.Unflatten(1, (3, 8, 8)))
    with pytest.raises(SubjectError, match=r"fails on latents of shape \(1, 5\): RuntimeError: .*latents.shape"):
        latents(network, shape=(5,))


@pytest.mark.parametrize(("value", "span"), [(255.0, (-1, 1)), (-1.0, (0, 1))])
def test_a_range_that_most_values_are_far_outside_is_refused(value: float, span: tuple[float, float]) -> None:
    def answer(given: Tensor) -> Tensor:
        return torch.linspace(0, value, 192).reshape(1, 3, 8, 8).expand(len(given), -1, -1, -1)

    least, most = sorted((0, value))
    with pytest.raises(SubjectError, match=rf"range from {least:g} to {most:g}; most are far .*: set latents\.range"):
        latents(Answering(answer), range=span)
    latents(Answering(answer), range=sorted((0, 0.6 * value)))  # values a little outside the range are accepted


@pytest.mark.parametrize("stated", [0, (4, 0), "4", (4.0,)])
def test_an_invalid_latent_shape_is_refused(stated: object) -> None:
    module = shaped(3, 8, 8)
    module.latent_shape = stated  # type: ignore[assignment]
    with pytest.raises(SubjectError, match=r"latent_shape is .*; it must be whole numbers of at least 1"):
        latents(module)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda _: torch.zeros(1, 4), r"inputs\(\[0\]\) returned \(1, 4\); it must return a tuple of tensors"),
        (lambda _: (), r"returned a tuple of nothing"),
        (lambda _: (torch.zeros(2, 4),), r"returned a tuple of \(2, 4\); .* one row for each seed"),
        (lambda _: 1 / 0, r"inputs\(\[0\]\) failed: ZeroDivisionError"),
    ],
)
def test_invalid_inputs_are_refused(given: Callable[[object], object], told: str) -> None:
    module = shaped(3, 8, 8)
    module.inputs = given  # type: ignore[assignment]
    with pytest.raises(SubjectError, match=told):
        latents(module)


def test_a_latent_shape_beside_a_method_inputs_is_refused() -> None:
    with pytest.raises(SubjectError, match=r"remove latents\.shape"):
        latents(drawing.Conditional(), shape=(6,))


def test_classes_need_a_name_for_each_seed() -> None:
    network = drawing.Conditional()
    assert latents(network, seed=3).classes == ("day", "night")
    assert latents(network, seed=3).class_of(0) == "night"
    network.classes_of = lambda seeds: ["day"] * (len(seeds) - 1)  # type: ignore[method-assign]
    with pytest.raises(SubjectError, match="a text for each of 5 seeds, not 4 of them"):
        latents(network)
    network.classes_of = list  # type: ignore[method-assign, assignment]
    with pytest.raises(SubjectError, match="a text for each of 5 seeds, not 0"):
        latents(network)
    network.classes_of = lambda _: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(SubjectError, match=r"classes_of\(seeds\) failed: ZeroDivisionError"):
        latents(network)


def test_generators_are_recognized_by_their_latents() -> None:
    assert is_generator(drawing.Generator())
    assert is_generator(drawing.Conditional())
    assert not is_generator(nn.Linear(3, 3))


def test_layers_of_generators_are_found() -> None:
    found = survey_generator(drawing.Generator(), inputs_of(drawing.Generator(), [0, 1]))
    assert [(layer.name, layer.units, layer.height) for layer in found.layers] == [("maps", 6, 8), ("drawing", 3, 32)]
    network = nn.Sequential(nn.ConvTranspose2d(4, 5, 4), nn.ReLU(), nn.Conv2d(5, 6, 1), nn.ConvTranspose2d(6, 3, 2, 2))
    assert survey_generator(network, [torch.randn(2, 4, 1, 1)]).automatic == ("2",)
    with pytest.raises(SubjectError, match=r"the generator fails on two rows of latents: RuntimeError"):
        survey_generator(network, [torch.randn(2, 3, 1, 1)])
