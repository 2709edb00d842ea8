"""The part of a network after a layer computes the same as full passes with the layer's output replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import timm
import torch
import torchvision
from networks import conditional_generator, planted, squeezenet_places365
from torch import Tensor, nn

from dissectory.analysis.demo.networks import Generator, random_classifier
from dissectory.analysis.subjects.rest import Rest, TracedRest, WholeRest, edited, find_rest
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL, NORMAL = (3, 64, 64), (3, 224, 224)


def of_torchvision(name: str, **settings: object) -> Callable[[], nn.Module]:
    return lambda: torchvision.models.get_model(name, weights=None, **settings)


def of_timm(name: str) -> Callable[[], nn.Module]:
    return lambda: timm.create_model(name, pretrained=False)


CASES: list[tuple[str, Callable[[], nn.Module], tuple[int, ...], dict[str, int]]] = [
    ("squeezenet", squeezenet_places365.build, SMALL, {"fire5": 0, "fire9": 0, "fire9.expand3x3.conv": 1}),
    ("resnet18", of_torchvision("resnet18"), SMALL, {"layer3": 0, "layer4.1.conv2": 1, "layer4.0.downsample.0": 1}),
    ("vgg11", of_torchvision("vgg11", init_weights=False), (3, 32, 32), {"features.0": 0, "features.18": 0}),
    ("mobilenet", of_torchvision("mobilenet_v3_small"), SMALL, {"features.12": 0, "features.4.block.0": 0}),
    ("densenet", of_torchvision("densenet121"), SMALL, {"features.denseblock3.denselayer3.conv2": 3}),
    ("efficientnet", of_torchvision("efficientnet_b0"), SMALL, {"features.5": 0}),
    ("vit", of_torchvision("vit_b_16", image_size=32), (3, 32, 32), {"encoder.layers.encoder_layer_9.mlp": 1}),
    ("timm resnet18", of_timm("resnet18"), SMALL, {"layer3": 0}),
    ("timm lite0", of_timm("tf_efficientnet_lite0"), SMALL, {"blocks.4": 0}),  # its padding cannot be traced into
    ("demo", random_classifier, (3, 96, 96), {"conv3": 0, "conv6": 0, "conv6.0": 0}),
    ("generator", Generator, (74,), {"layer2": 0, "layer5": 0}),
    ("planted", planted.build, SMALL, {"detectors": 0, "coarse": 0}),
]


def inputs(shape: tuple[int, ...], count: int = 3) -> Tensor:
    return torch.randn((count, *shape), generator=torch.Generator().manual_seed(7))


def without_some(maps: Tensor) -> Tensor:
    """Remove every third unit, and amplify the others a little."""
    strength = torch.arange(maps.shape[1]).remainder(3).gt(0) * 1.25
    return maps * strength.view(1, -1, *[1] * (maps.ndim - 2))


def check(rest: Rest, module: nn.Module, *given: Tensor) -> None:
    with torch.inference_mode():
        point, answer = rest.run(*given)
        torch.testing.assert_close(answer, module(*given), rtol=0, atol=0)
        with edited(module, rest.layer, without_some):
            expected = module(*given)
        for _ in range(2):  # the arguments are not changed
            torch.testing.assert_close(rest(without_some(point.output), point.around), expected, rtol=0, atol=0)
        picked = torch.tensor([2, 0, 2])
        some = point.of(picked)
        scale = expected.abs().max().item()
        torch.testing.assert_close(
            rest(without_some(some.output), some.around), expected[picked], rtol=0, atol=1e-6 * scale
        )


@pytest.mark.parametrize(("build", "shape", "layers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_rest_computes_the_same_as_full_passes(
    build: Callable[[], nn.Module], shape: tuple[int, ...], layers: dict[str, int]
) -> None:
    torch.manual_seed(0)
    module = build().eval().requires_grad_(requires_grad=False)
    for layer, around in layers.items():
        rest = find_rest(module, layer, torch.zeros(1, *shape))
        assert isinstance(rest, TracedRest), rest.reason
        assert len(rest.names) == around
        assert not rest.reason
        check(rest, module, inputs(shape))


class Wilful(nn.Module):
    """Branches on its values, so that it cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.first(x).relu_())
        return x.relu_() if x.mean() > 0 else x.mean(dim=(2, 3), keepdim=True)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.conv(x).relu_())
        return out


class Sized(nn.Module):
    """Needs the number of images after its layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]
        out: Tensor = self.conv(x)
        return out.reshape(count, -1)


class Typed(nn.Module):
    """Computes something else if its value is not a tensor, as in tracing."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out.relu() if isinstance(out, Tensor) else out


class Skipping(nn.Module):
    """Adds in place to a value that bypasses the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.scale = nn.Parameter(torch.rand(4, 1, 1))

    def forward(self, x: Tensor, scaled: bool = True) -> dict[str, Tensor]:
        x = self.first(x)
        out = self.conv(x)
        x += out.relu_()
        return {"logits": x * self.scale if scaled else x}


@pytest.mark.parametrize(
    ("build", "layer", "reason"),
    [
        (Wilful, "second", "cannot be traced"),
        (Sized, "conv", "does not have one row for each image"),
        (Typed, "conv", "computes another output than the network"),
    ],
)
def test_a_network_that_cannot_be_cut_runs_in_full_and_gives_the_reason(
    build: Callable[[], nn.Module], layer: str, reason: str
) -> None:
    torch.manual_seed(0)
    module = build().eval().requires_grad_(requires_grad=False)
    rest = find_rest(module, layer, torch.zeros(1, 3, 8, 8))
    assert isinstance(rest, WholeRest)
    assert reason in rest.reason
    with torch.inference_mode():
        x = inputs((3, 8, 8))
        point, answer = rest.run(x)
        torch.testing.assert_close(answer, module(x), rtol=0, atol=0)
        with edited(module, layer, without_some):
            expected = module(x)
        torch.testing.assert_close(rest(without_some(point.output), point.around), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("kind", "around"),
    [
        (conditional_generator.Early, ()),
        (conditional_generator.Normed, ("getitem", "getitem_1")),
        (conditional_generator.Closed, ("kind",)),
    ],
)
def test_a_network_of_several_inputs_is_cut(kind: type[conditional_generator.Early], around: tuple[str, ...]) -> None:
    module = conditional_generator.build(kind)
    rest = find_rest(module, "maps", *conditional_generator.inputs(1))
    assert isinstance(rest, TracedRest), rest.reason
    assert rest.names == around
    check(rest, module, *conditional_generator.inputs(4))
    given = find_rest(module, "maps", *conditional_generator.inputs(2), torch.ones(1, 1, 1, 1))
    assert isinstance(given, TracedRest), given.reason
    assert given.names == (*around, "strength")
    check(given, module, *conditional_generator.inputs(4), torch.linspace(0.1, 2, 4).view(4, 1, 1, 1))


def test_a_network_of_several_inputs_that_cannot_be_cut_runs_in_full() -> None:
    module = conditional_generator.build(conditional_generator.Wilful)
    rest = find_rest(module, "maps", *conditional_generator.inputs(2))
    assert "cannot be traced" in rest.reason
    check(rest, module, *conditional_generator.inputs(4))


def test_a_layer_that_is_called_twice_runs_in_full() -> None:
    rest = find_rest(Twice().eval(), "conv", torch.zeros(1, 3, 8, 8))
    assert rest.reason == "the traced network calls it 2 times, not once"


def test_values_around_a_layer_are_not_changed() -> None:
    torch.manual_seed(0)
    module = Skipping().eval().requires_grad_(requires_grad=False)
    rest = find_rest(module, "conv", torch.zeros(1, 3, 8, 8))
    assert isinstance(rest, TracedRest)
    assert rest.names == ("first",)
    x = inputs((3, 8, 8))
    with torch.inference_mode():
        point, answer = rest.run(x)
        torch.testing.assert_close(answer, module(x), rtol=0, atol=0)
        with edited(module, "conv", without_some):
            expected = module(x)
        for _ in range(2):
            torch.testing.assert_close(rest(without_some(point.output), point.around), expected, rtol=0, atol=0)


def test_the_rest_has_gradients() -> None:
    torch.manual_seed(0)
    module = random_classifier().requires_grad_(requires_grad=False)
    x = inputs((3, 96, 96), 2)
    rest = find_rest(module, "conv4", x)
    with torch.no_grad():
        point, _ = rest.run(x)
    maps = point.output.requires_grad_()
    rest(maps)[:, 0].sum().backward()
    assert maps.grad is not None
    step = torch.zeros_like(maps)
    step[0, 5] = 1e-3
    with torch.no_grad():
        change = (rest(maps + step) - rest(maps - step))[0, 0] / 2
    assert change.item() == pytest.approx((maps.grad * step).sum().item(), rel=0.05)


@pytest.mark.parametrize("use", [find_rest, lambda module, layer, _x: edited(module, layer, Tensor.clone).__enter__()])
def test_a_missing_layer_is_reported(use: Callable[[nn.Module, str, Tensor], object]) -> None:
    with pytest.raises(SubjectError, match="no layer 'conv7'; did you mean 'conv"):
        use(random_classifier(), "conv7", torch.zeros(1, 3, 96, 96))


def test_an_edit_ends_with_its_context_even_if_an_error_is_raised() -> None:
    module = random_classifier()
    x = inputs((3, 96, 96), 1)
    with torch.inference_mode():
        before = module(x)
        with pytest.raises(ZeroDivisionError), edited(module, "conv6", lambda maps: maps / (1 // 0)):
            module(x)
        torch.testing.assert_close(module(x), before, rtol=0, atol=0)
