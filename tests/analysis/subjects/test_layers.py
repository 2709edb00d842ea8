"""Layers are found, selected and watched; later in-place operations do not change the watched outputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.layers import LayerInfo, select_layers, survey, watch
from dissectory.errors import SubjectError


class Block(nn.Module):
    """A residual block with in-place operations; with a stride it begins with a convolution of the old size."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(before, after, 1)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(after, after, 3, stride, padding=1)
        self.same = nn.Conv2d(before, after, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(self.relu(self.reduce(x)))
        out += self.same(x)
        return torch.relu_(out)


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.stage1 = nn.Sequential(Block(4, 4), Block(4, 4))
        self.stage2 = nn.Sequential(Block(4, 6, 2), Block(6, 6))
        self.last = nn.Linear(6, 5)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(5, 2)
        self.unused = nn.Conv2d(1, 1, 1)
        self.pair = Pair()

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        x = self.relu(self.stage2(self.stage1(x)))
        x, _ = self.pair(x)
        x = self.last(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        logits: Tensor = self.head(self.pool(x).flatten(1))
        return logits


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return Network().eval().requires_grad_(requires_grad=False)


EXAMPLE = torch.zeros(1, 3, 8, 8)

BLOCK_ORDER = ("reduce", "relu", "conv", "same")

IN_ORDER = (
    "stem",
    *(f"stage1.0.{part}" for part in BLOCK_ORDER),
    "stage1.0",
    *(f"stage1.1.{part}" for part in BLOCK_ORDER),
    "stage1.1",
    "stage1",
    *(f"stage2.0.{part}" for part in BLOCK_ORDER),
    "stage2.0",
    *(f"stage2.1.{part}" for part in BLOCK_ORDER),
    "stage2.1",
    "stage2",
)


def test_layers_are_listed_in_the_order_of_their_outputs(network: nn.Module) -> None:
    layers = survey(network, EXAMPLE).layers
    assert tuple(layer.name for layer in layers) == IN_ORDER
    assert tuple(layer.index for layer in layers) == tuple(range(len(IN_ORDER)))
    assert layers[0] == LayerInfo("stem", "Conv2d", 4, 8, 8, 0)
    assert layers[-1] == LayerInfo("stage2", "Sequential", 6, 4, 4, len(IN_ORDER) - 1)


def test_a_batch_of_any_size_gives_the_same_layers(network: nn.Module) -> None:
    assert survey(network, torch.zeros(3, 3, 8, 8)) == survey(network, EXAMPLE)


def test_every_other_module_has_a_reason(network: nn.Module) -> None:
    refused = survey(network, EXAMPLE).refused
    assert refused["relu"] == "the network calls it 2 times in one forward pass"
    assert refused["unused"] == "the network does not call it in a forward pass"
    assert refused["pair"] == "it returns tuple, not one tensor"
    assert refused["last"] == (
        "its output (2 x 4 x 4 x 5) is not an activation map (images x units x height x width): for an image of twice "
        "the width it is 1 x 4 x 8 x 5, but an activation map would change only its width; its units may be the last "
        "dimension, or it may be part of attention"
    )
    assert refused["pool"] == "its activation map (2 x 5 x 1 x 1) has only one position"
    assert refused["head"] == "its output (2 x 2) is not an activation map (images x units x height x width)"
    assert set(refused) | set(IN_ORDER) == {name for name, _ in network.named_modules() if name}


def test_a_survey_leaves_no_hooks(network: nn.Module) -> None:
    survey(network, EXAMPLE)
    assert not any(module._forward_hooks for module in network.modules())


def names(network: nn.Module, *patterns: str) -> tuple[str, ...]:
    layers = select_layers(network, EXAMPLE, patterns)
    assert tuple(layer.index for layer in layers) == tuple(range(len(layers)))
    return tuple(layer.name for layer in layers)


def test_exact_names_are_selected_once_in_the_network_s_order(network: nn.Module) -> None:
    assert names(network, "stage2", "stem", "stage2", "stage1.0.conv") == ("stem", "stage1.0.conv", "stage2")


def test_a_star_does_not_match_a_dot(network: nn.Module) -> None:
    assert names(network, "stage*") == ("stage1", "stage2")
    assert names(network, "stage?.1") == ("stage1.1", "stage2.1")
    assert names(network, "*.*.conv") == ("stage1.0.conv", "stage1.1.conv", "stage2.0.conv", "stage2.1.conv")
    assert names(network, "*") == ("stem", "stage1", "stage2")


def test_two_stars_match_dots(network: nn.Module) -> None:
    assert names(network, "stage1**") == tuple(name for name in IN_ORDER if name.startswith("stage1"))
    assert names(network, "**.same") == tuple(name for name in IN_ORDER if name.endswith(".same"))
    assert names(network, "**") == IN_ORDER


def test_a_dot_in_a_glob_is_a_dot(network: nn.Module) -> None:
    with pytest.raises(SubjectError, match=r"no layer of the network matches 'stage1\.0\.con\.\*'"):
        names(network, "stage1.0.con.*")


def test_auto_is_the_last_convolution_of_every_stage(network: nn.Module) -> None:
    # stage2.0.reduce still has the old size, but belongs to the next stage
    assert names(network, "auto") == ("stage1.1.same", "stage2.1.same")


def test_auto_finds_plain_stages_inside_a_module_of_its_own() -> None:
    class Trunk(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
            self.pool = nn.MaxPool2d(2)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.c(self.pool(self.b(self.a(x))))
            return out

    assert names(nn.Sequential(Trunk(), nn.Identity()), "auto") == ("0.b", "0.c")


def test_auto_takes_every_stage_of_a_network_that_grows_again() -> None:
    down, up = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1), down, nn.Conv2d(2, 2, 1), up, nn.Conv2d(2, 2, 1))
    assert names(network, "auto") == ("1", "3", "5")


def test_auto_without_a_convolution_is_an_error() -> None:
    with pytest.raises(
        SubjectError, match=r"no convolution that returns an activation map; .*layers that can be dissected: '0'"
    ):
        names(nn.Sequential(nn.MaxPool2d(2)), "auto")


def test_an_unknown_layer_names_the_nearest(network: nn.Module) -> None:
    with pytest.raises(SubjectError, match=r"the network has no layer 'stag2'; did you mean 'stage2'"):
        names(network, "stem", "stag2")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("head", r"its output \(2 x 2\) is not an activation map"),
        ("relu", "the network calls it 2 times"),
        ("unused", "the network does not call it"),
        ("pool", r"its activation map \(2 x 5 x 1 x 1\) has only one position"),
    ],
)
def test_refusing_a_layer_without_a_map_lists_those_that_have_one(network: nn.Module, name: str, reason: str) -> None:
    with pytest.raises(
        SubjectError, match=rf"layer '{name}' cannot be dissected: {reason}.*layers that can be dissected: 'stem'"
    ):
        names(network, name)


def test_a_glob_that_matches_only_maps_of_one_position_is_refused(network: nn.Module) -> None:
    with pytest.raises(
        SubjectError, match=r"no layer that matches 'poo\*' can be dissected: 'pool': its activation map"
    ):
        names(network, "poo*")


def test_a_failing_network_is_reported() -> None:
    with pytest.raises(
        SubjectError, match=r"the network fails on 2 images of 9 x 8 pixels: RuntimeError: .*images.size"
    ):
        survey(nn.Sequential(nn.Conv2d(5, 1, 1)), torch.zeros(1, 3, 8, 9))


def slow_outputs(network: Network, x: Tensor) -> dict[str, Tensor]:
    """Compute the outputs of the first layers without in-place operations."""
    stem = network.stem(x)
    block = network.stage1[0]
    assert isinstance(block, Block)
    reduce = block.reduce(torch.relu(stem))
    conv = block.conv(torch.relu(reduce))
    same = block.same(torch.relu(stem))
    outputs = {"stem": stem, "stage1.0.reduce": reduce, "stage1.0.conv": conv, "stage1.0.same": same}
    return {**outputs, "stage1.0": torch.relu(conv + same)}


def test_in_place_operations_do_not_change_watched_outputs(network: Network) -> None:
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    wanted = slow_outputs(network, x)
    handed: dict[str, Tensor] = {}
    kept: dict[str, Tensor] = {}

    def read_at_once(name: str, output: Tensor) -> None:
        handed[name] = output  # without a clone
        kept[name] = output.clone()

    with torch.inference_mode(), watch(network, wanted, read_at_once):
        network(x)
    for name, output in wanted.items():
        torch.testing.assert_close(kept[name], output, rtol=0, atol=0)
    # the network does change its outputs in place, so the test above is not trivial
    assert not torch.equal(handed["stem"], wanted["stem"])
    assert not torch.equal(handed["stage1.0.conv"], wanted["stage1.0.conv"])


def test_outputs_come_in_the_network_s_order(network: nn.Module) -> None:
    seen: list[str] = []
    with watch(network, ["stage2", "stem", "stage1.0"], lambda name, _: seen.append(name)):
        network(EXAMPLE)
        network(EXAMPLE)
    assert seen == ["stem", "stage1.0", "stage2"] * 2
    network(EXAMPLE)
    assert len(seen) == 6


def ignore(_name: str, _output: Tensor) -> None:
    pass


def meddle(_name: str, output: Tensor) -> Tensor:
    return output * 0


def test_the_callback_s_return_value_does_not_replace_the_output(network: nn.Module) -> None:
    x = torch.randn(2, 3, 8, 8)
    plain = network(x)
    with watch(network, IN_ORDER, meddle):  # type: ignore[arg-type]
        assert torch.equal(network(x), plain)


def test_watching_changes_nothing(network: nn.Module) -> None:
    x = torch.randn(2, 3, 8, 8)
    plain = network(x)
    with watch(network, IN_ORDER, ignore):
        assert torch.equal(network(x), plain)


def test_hooks_are_removed_if_an_error_is_raised(network: nn.Module) -> None:
    class Mishap(Exception):  # noqa: N818 - not an error of the code under test
        pass

    def fail(_name: str, _output: Tensor) -> None:
        raise Mishap

    with pytest.raises(Mishap), watch(network, ["stem", "stage1"], fail):
        network(EXAMPLE)
    assert not any(module._forward_hooks for module in network.modules())


def test_watching_an_unknown_layer_hooks_nothing(network: nn.Module) -> None:
    with (
        pytest.raises(SubjectError, match=r"no layer 'stagee1'; did you mean 'stage1'"),
        watch(network, ["stem", "stagee1"], ignore),
    ):
        pass
    assert not any(module._forward_hooks for module in network.modules())
