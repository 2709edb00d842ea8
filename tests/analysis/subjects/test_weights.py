"""Weights files: matching weights are loaded, differences are reported, and files that could run code are refused."""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.weights import load_weights, read_state, sha256
from dissectory.errors import SubjectError


def network(seed: int = 0, width: int = 4) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, width, 3), bn=nn.BatchNorm2d(width), head=nn.Linear(width, 2)))


def state(seed: int = 1, width: int = 4) -> dict[str, Tensor]:
    return dict(network(seed, width).state_dict())


def same(module: nn.Module, wanted: dict[str, Tensor]) -> bool:
    return all(torch.equal(value, wanted[key]) for key, value in module.state_dict().items())


def saved(path: Path, content: object) -> Path:
    if path.suffix == ".safetensors":
        assert isinstance(content, dict)
        safetensors.torch.save_file(content, path)
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.SAFETENSORS", "w.pth", "w.pt", "w.pth.tar", "weights"])
def test_a_plain_state_is_loaded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.lower().endswith(".safetensors"):
        safetensors.torch.save_file(state(), path)
    else:
        torch.save(state(), path)
    module = network()
    assert not same(module, state())
    load_weights(module, path)
    assert same(module, state())


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_a_nested_state_is_found(tmp_path: Path, key: str) -> None:
    checkpoint = {"epoch": 3, "arch": "net", key: network(1).state_dict(), "optimizer": {"lr": 0.1}}
    module = network()
    load_weights(module, saved(tmp_path / "w.pth", checkpoint))
    assert same(module, state())


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_the_prefix_of_data_parallel_is_removed(tmp_path: Path, name: str) -> None:
    module = network()
    load_weights(module, saved(tmp_path / name, {f"module.{key}": value for key, value in state().items()}))
    assert same(module, state())


def test_the_prefix_stays_if_the_network_has_it(tmp_path: Path) -> None:
    module = nn.Module()
    module.module = network()
    load_weights(module, saved(tmp_path / "w.pth", {f"module.{key}": value for key, value in state().items()}))
    assert same(module.module, state())


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_half_precision_becomes_the_parameter_s_dtype(tmp_path: Path, name: str) -> None:
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state().items()}
    module = network()
    load_weights(module, saved(tmp_path / name, halves))
    assert {value.dtype for value in module.parameters()} == {torch.float32}
    assert same(module, {key: value.float() if value.is_floating_point() else value for key, value in halves.items()})


def test_counts_of_batches_may_be_missing(tmp_path: Path) -> None:
    older = {key: value for key, value in state().items() if not key.endswith("num_batches_tracked")}
    module = network()
    load_weights(module, saved(tmp_path / "w.pth", older))
    assert same(module, state())


def test_keys_that_do_not_match_are_listed_and_counted(tmp_path: Path) -> None:
    other = state()
    del other["conv.bias"]
    other["fc.weight"], other["fc.bias"] = other.pop("head.weight"), other.pop("head.bias")
    other["conv.weight"] = torch.zeros(8, 3, 3, 3)
    module = network()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    wanted = (
        "w.pth does not match the network: 3 missing ('conv.bias', 'head.weight', 'head.bias'); "
        "2 unexpected ('fc.weight', 'fc.bias'); 1 with another shape ('conv.weight' is 8 x 3 x 3 x 3 and should be "
        "4 x 3 x 3 x 3)"
    )
    with pytest.raises(SubjectError, match=re.escape(wanted)):
        load_weights(module, saved(tmp_path / "w.pth", other))
    assert same(module, before)


def test_only_the_first_keys_that_do_not_match_are_listed(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"8 with another shape \('conv.weight' is .* and 5 more\)"):
        load_weights(network(), saved(tmp_path / "w.safetensors", {**state(width=5), "head.bias": torch.zeros(9)}))


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    quantized = {**state(), "conv.weight": torch.zeros(4, 3, 3, 3, dtype=torch.int8)}
    with pytest.raises(SubjectError, match=r"'conv.weight' is torch.int8 and should be torch.float32"):
        load_weights(network(), saved(tmp_path / "w.pth", quantized))


class Malice:
    """A pickle that writes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "run")


@pytest.mark.parametrize("way", ["torch", "pickle", "nested"])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, way: str) -> None:
    path, trace = tmp_path / "w.pth", tmp_path / "trace"
    if way == "pickle":
        path.write_bytes(pickle.dumps(Malice(trace)))
    else:
        torch.save({"state_dict": {**state(), "x": Malice(trace)}} if way == "nested" else Malice(trace), path)
    with pytest.raises(
        SubjectError, match=r"w.pth is not a plain state dict.*torch.save\(model.state_dict\(\), FILE\)"
    ):
        read_state(path)
    assert not trace.exists()


def test_the_refused_pickle_would_run_its_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pickle.loads(pickle.dumps(Malice(trace)))  # noqa: S301 - shows that the test above can fail
    assert trace.exists()


def test_a_whole_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="is not a plain state dict"):
        read_state(saved(tmp_path / "w.pth", network()))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1, 2], "not list"),
        ({}, "not an empty dict"),
        ({"epoch": 1, "loss": 0.5}, "not a dict of 2 with the keys 'epoch', 'loss'"),
        ({"state_dict": {"a": 1}}, "not a dict of 1 with the keys 'state_dict'"),
        ({0: torch.zeros(1)}, "not a dict of 1 with the keys 0"),
    ],
)
def test_other_content_is_described(tmp_path: Path, content: object, told: str) -> None:
    with pytest.raises(SubjectError, match=rf"contains no state dict: expected .*{told}"):
        read_state(saved(tmp_path / "w.pth", content))


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_named(tmp_path: Path, name: str, kept: float) -> None:
    path = saved(tmp_path / name, state())
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(SubjectError, match=re.escape(str(path))):
        read_state(path)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_of_text_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("<!doctype html><title>404</title>")
    with pytest.raises(SubjectError, match=re.escape(str(path))):
        read_state(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match=r"none.pth, which does not exist"):
        read_state(tmp_path / "none.pth")
    with pytest.raises(SubjectError, match="which is not a file"):
        read_state(tmp_path)


def test_the_hash_is_of_the_file_s_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
