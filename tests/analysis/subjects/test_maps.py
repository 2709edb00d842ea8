"""Activation maps are distinguished from other four-dimensional outputs, in small and in common networks."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
import torch
import torchvision
from torch import Tensor, nn

from dissectory.analysis.subjects.layers import survey
from dissectory.analysis.subjects.maps import context_of, map_of
from dissectory.errors import SubjectError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dissectory.analysis.subjects.layers import Survey

SIDE = 16


def look(module: nn.Module, side: int = SIDE) -> Survey:
    return survey(module.eval(), torch.zeros(1, 3, side, side))


def kept(module: nn.Module, side: int = SIDE) -> set[str]:
    return {layer.name for layer in look(module, side).layers}


class Does(nn.Module):
    """A module that applies a function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class OnlySquare(Does):
    """Refuses images that are not square, and returns its input."""

    def __init__(self) -> None:
        super().__init__(self.check)

    @staticmethod
    def check(x: Tensor) -> Tensor:
        assert x.shape[-1] == x.shape[-2]
        return x


def tokens(x: Tensor) -> Tensor:
    """Reshape to (image, head, token, feature)."""
    return x.flatten(2).reshape(len(x), 2, x.shape[1] // 2, -1).transpose(2, 3)


def attention(x: Tensor) -> Tensor:
    """Return (image, head, token, token): square, and both sides grow with the image."""
    heads = tokens(x)
    return heads @ heads.transpose(2, 3)


def units_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


NO_MAPS: dict[str, Callable[[Tensor], Tensor]] = {
    "units last": units_last,
    "units last, as many as rows": lambda x: units_last(x)[..., :1].expand(-1, -1, -1, SIDE),
    "tokens": tokens,
    "attention": attention,
    "attention to fewer tokens": lambda x: attention(x)[..., ::4],
    "windows": lambda x: x.unfold(3, 8, 8).permute(0, 3, 1, 2, 4).flatten(0, 1),
    "rows as units": lambda x: x.transpose(1, 3),
}


@pytest.mark.parametrize("kind", NO_MAPS)
def test_four_dimensions_are_not_always_a_map(kind: str) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), Does(NO_MAPS[kind]))
    found = look(network)
    assert [layer.name for layer in found.layers] == ["0"]
    wanted = "is not the number of images, 2" if kind == "windows" else "for an image of twice the width it is 1 x"
    assert wanted in found.refused["1"]


@pytest.mark.parametrize("kind", ["units last", "tokens", "attention to fewer tokens", "windows"])
def test_the_shape_decides_in_a_network_that_takes_one_size(kind: str) -> None:
    found = look(nn.Sequential(OnlySquare(), nn.Conv2d(3, 4, 1), Does(NO_MAPS[kind]), nn.Identity()))
    assert [layer.name for layer in found.layers] == ["0", "1"]
    wanted = "number of images" if kind == "windows" else "its units may be the last dimension"
    assert wanted in found.refused["3"]


def test_no_output_inside_attention_is_a_map_in_a_network_that_takes_one_size() -> None:
    class SelfAttention(nn.Sequential):
        pass

    inside = nn.Sequential(Does(attention), nn.Dropout())
    found = look(nn.Sequential(OnlySquare(), nn.Conv2d(3, 4, 1), SelfAttention(inside, Does(lambda x: x.mean((1, 2))))))
    assert [layer.name for layer in found.layers] == ["0", "1"]
    assert "it is part of attention" in found.refused["2.0.1"]


def test_a_map_inside_attention_is_a_map_in_a_network_that_takes_any_size() -> None:
    class SpatialAttention(nn.Sequential):
        pass

    assert kept(nn.Sequential(SpatialAttention(nn.Conv2d(3, 4, 3), nn.Sigmoid()))) == {"0", "0.0", "0.1"}


def test_linear_layers_have_no_map_in_a_network_that_takes_one_size() -> None:
    # as many units as rows and columns: the shape looks like that of a map
    network = nn.Sequential(OnlySquare(), nn.Conv2d(3, SIDE, 1), Does(units_last), nn.Linear(SIDE, SIDE))
    assert "the last dimension" in look(network).refused["3"]
    normed = nn.Sequential(OnlySquare(), nn.Conv2d(3, 4, 1), nn.LayerNorm([4, SIDE, SIDE]))
    assert kept(normed) == {"0", "1", "2"}


@pytest.mark.parametrize("images", [1, 3])
def test_a_constant_is_no_map(images: int) -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8)
            self.conv = nn.Conv2d(3, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            there: Tensor = self.norm(torch.ones(images, 8, *x.shape[2:]))
            out: Tensor = self.conv(x)
            return out + there[:1]

    found = look(nn.Sequential(Positions()))
    assert {layer.name for layer in found.layers} == {"0", "0.conv"}
    assert found.refused["0.norm"] == (
        f"the first dimension of its output ({images} x 8 x 16 x 16) is not the number of images, 2"
    )


def test_a_constant_for_two_images_is_no_map() -> None:
    assert kept(nn.Sequential(nn.Conv2d(3, 2, 1), Does(lambda x: torch.ones(2, 4, *x.shape[2:])))) == {"0"}
    assert kept(nn.Sequential(nn.Conv2d(3, 2, 1), Does(lambda _: torch.ones(2, 4, 8, 8)))) == {"0"}


def test_a_single_window_is_no_map() -> None:
    assert kept(nn.Sequential(nn.Conv2d(3, 2, 1), Does(NO_MAPS["windows"])), 8) == {"0"}


def test_a_layer_that_is_called_once_per_image_is_refused() -> None:
    class OneByOne(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.conv(one[None]) for one in x])

    found = look(nn.Sequential(OneByOne()))
    assert [layer.name for layer in found.layers] == ["0"]
    assert found.refused["0.conv"] == "the network calls it 2 times in one forward pass"


def test_maps_of_a_fixed_size_are_maps() -> None:
    pooled = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(5), nn.Conv2d(4, 2, 3))
    assert kept(pooled) == {"0", "1", "2"}
    resized = nn.Sequential(Does(lambda x: nn.functional.interpolate(x, (8, 8))), nn.Conv2d(3, 2, 1), Does(units_last))
    assert kept(resized) == {"0", "1"}


def test_outputs_before_the_failure_on_the_wide_image_count() -> None:
    # the head takes one size only, but the outputs before it come from both runs
    last = Does(lambda x: units_last(x)[..., :1].expand(-1, -1, -1, SIDE))
    found = look(nn.Sequential(nn.Conv2d(3, 4, 1), last, nn.Flatten(), nn.Linear(SIDE**3, 2)))
    assert [layer.name for layer in found.layers] == ["0"]
    assert "for an image of twice the width" in found.refused["1"]
    assert "for an image of twice the width" not in found.refused["3"]


def test_maps_without_padding_and_with_strides_are_maps() -> None:
    tall = nn.Conv2d(3, 4, (5, 3), (3, 2))
    assert kept(nn.Sequential(tall, nn.Conv2d(4, 4, 2), nn.Upsample(scale_factor=(2, 3)))) == {"0", "1", "2"}


def test_the_wide_image_raises_no_warnings() -> None:
    def warn(x: Tensor) -> Tensor:
        if x.shape[2] != x.shape[3]:
            warnings.warn("an odd picture", stacklevel=1)
        return x

    assert kept(nn.Sequential(Does(warn), nn.Conv2d(3, 2, 1))) == {"0", "1"}


def test_a_network_that_takes_one_image_at_a_time_is_refused() -> None:
    def alone(x: Tensor) -> Tensor:
        return x.view(1, 3, SIDE, SIDE)

    with pytest.raises(SubjectError, match=r"the network fails on 2 images of 16 x 16 .* take batches of RGB"):
        look(nn.Sequential(Does(alone)))


def test_several_calls_in_the_wide_run_are_ignored() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1))
    context = context_of(dict(network.named_modules()), "0", square=True)
    assert map_of([(2, 4, 8, 8)], [(1, 4, 4, 4), (1, 4, 8, 8)], context) == (2, 4, 8, 8)
    assert map_of([(2, 4, 8, 8)], ["tuple"], context) == (2, 4, 8, 8)
    assert isinstance(map_of([(2, 4, 8, 9)], ["tuple"], context), str)


def convolutions(network: nn.Module) -> set[str]:
    return {name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}


@pytest.mark.parametrize(
    ("name", "single"),
    [
        ("resnet18", ()),
        ("squeezenet1_1", ()),
        ("densenet121", ()),
        ("convnext_tiny", ()),
        ("efficientnet_b0", (".fc1", ".fc2")),  # squeeze and excitation has one position
        ("mobilenet_v3_small", (".fc1", ".fc2")),
        ("mobilenet_v3_large", (".fc1", ".fc2")),
    ],
)
def test_every_convolution_of_torchvision_s_networks_is_kept(name: str, single: tuple[str, ...]) -> None:
    network = torchvision.models.get_model(name, weights=None)
    found = look(network, 64)
    layers = {layer.name: layer for layer in found.layers}
    wanted = {conv for conv in convolutions(network) if not (single and conv.endswith(single))}
    assert wanted <= layers.keys()
    assert all(layer.height == layer.width for layer in found.layers)
    widths = {conv: module.out_channels for conv, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    assert all(layers[conv].units == widths[conv] for conv in wanted)


def test_inception_is_kept_except_for_what_it_never_runs() -> None:
    network = torchvision.models.get_model("inception_v3", weights=None, init_weights=False)
    found = look(network, 107)
    assert {name for name in convolutions(network) if not name.startswith("AuxLogits")} <= {
        layer.name for layer in found.layers
    }


def test_convnext_is_kept_except_where_its_units_are_last() -> None:
    network = torchvision.models.get_model("convnext_tiny", weights=None)
    found = look(network, 64)
    blocks = [name for name in dict(network.named_modules()) if name.endswith(".block")]
    assert len(blocks) == 18
    layers = {layer.name for layer in found.layers}
    for block in blocks:
        assert {f"{block}.0", f"{block}.6", block} <= layers
        for inner in range(1, 6):
            assert "the last dimension" in found.refused[f"{block}.{inner}"]


def test_swin_has_its_units_last() -> None:
    found = look(torchvision.models.get_model("swin_t", weights=None), 64)
    assert {layer.name for layer in found.layers} == {"features.0.0", "permute"}
    assert "the last dimension" in found.refused["features.1"]


def test_torchvision_s_vit_has_one_map() -> None:
    found = look(torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32), 32)
    assert [layer.name for layer in found.layers] == ["conv_proj"]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("any_size", [True, False])
def test_timm_s_vit_has_one_map(*, fused: bool, any_size: bool) -> None:
    timm = pytest.importorskip("timm", reason="needs the extra timm: pip install 'dissectory[timm]'")
    size = {"dynamic_img_size": True} if any_size else {"img_size": 64}
    network = timm.create_model("vit_tiny_patch16_224", pretrained=False, depth=2, qk_norm=True, **size)
    for block in network.blocks:
        block.attn.fused_attn = fused
    found = look(network, 64)
    assert [layer.name for layer in found.layers] == ["patch_embed.proj"]
    inside = ["q_norm", "k_norm", *([] if fused else ["attn_drop"])]
    for name in inside:
        assert "attention" in found.refused[f"blocks.1.attn.{name}"]


def test_timm_s_swin_has_its_units_last() -> None:
    timm = pytest.importorskip("timm", reason="needs the extra timm: pip install 'dissectory[timm]'")
    network = timm.create_model("swin_tiny_patch4_window7_224", pretrained=False, depths=(1, 1, 1, 1))
    for name, module in network.named_modules():
        if name.endswith(".attn"):
            module.fused_attn = False
    found = look(network, 224)
    assert [layer.name for layer in found.layers] == ["patch_embed.proj"]
    assert "the last dimension" in found.refused["layers.0"]
    # its last stage is one window: the softmax (images x heads x 49 x 49) looks like a map
    assert "it is part of attention" in found.refused["layers.3.blocks.0.attn.softmax"]
