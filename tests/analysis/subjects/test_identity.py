"""A network's hashes depend on everything that can change its output, and on nothing else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dissectory.analysis.subjects.identity import code_hash, network_hash
from dissectory.analysis.subjects.sources.python import build_module

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclasses.dataclass
class Other:
    """An object whose content the hash does not see."""


class Scaled(nn.Module):
    table: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(3, 4, 1)
        nn.init.ones_(self.inner.weight)
        nn.init.zeros_(self.inner.bias)  # type: ignore[arg-type] # it has one
        self.register_buffer("table", torch.arange(3.0), persistent=False)
        self.gain = 0.5
        self.plan: dict[str, object] = {"steps": [1, 2], "offsets": (torch.zeros(2), np.zeros(3))}
        self.other = Other()


def weight(network: Scaled) -> None:
    network.inner.weight.data[0, 0] = 2


def buffer(network: Scaled) -> None:
    network.table[1] = 7  # not in the state dict


def number(network: Scaled) -> None:
    network.gain = 0.25


def step(network: Scaled) -> None:
    network.plan["steps"] = [1, 3]


def tensor(network: Scaled) -> None:
    network.plan["offsets"] = (torch.tensor([0.0, 1.0]), np.zeros(3))


def array(network: Scaled) -> None:
    network.plan["offsets"] = (torch.zeros(2), np.array([0.0, 1.0, 0.0]))


def inside(network: Scaled) -> None:
    network.inner.stride = (2, 2)


@pytest.mark.parametrize("change", [weight, buffer, number, step, tensor, array, inside])
def test_any_change_in_a_network_changes_its_hash(change: Callable[[Scaled], None]) -> None:
    network = Scaled()
    change(network)
    assert network_hash(network) != network_hash(Scaled())


def test_the_same_network_built_again_has_the_same_hash() -> None:
    one, other = Scaled(), Scaled()
    for network in (one, other):
        network.inner.register_forward_hook(lambda _module, _inputs, output: output)
    assert network_hash(one) == network_hash(other)


NETWORK = """
from torch import nn
from blocks.gains import gain

def build():
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    network.forward = lambda x: x * gain()
    return network
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.py").write_text(NETWORK)
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "__init__.py").write_text("")
    (tmp_path / "blocks" / "gains.py").write_text("from . import numbers\ndef gain(): return numbers.GAIN")
    (tmp_path / "blocks" / "numbers.py").write_text("GAIN = 2")
    (tmp_path / "train.py").write_text("import net")
    return tmp_path


@pytest.mark.parametrize("name", ["net.py:build", "net:build"])
@pytest.mark.parametrize(
    ("file", "counts"), [("net.py", True), ("blocks/gains.py", True), ("blocks/numbers.py", True), ("train.py", False)]
)
def test_the_code_hash_covers_imports_from_its_own_folder(folder: Path, name: str, file: str, *, counts: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    before = code_hash(network, f"python:{name}", folder)
    (folder / file).write_text((folder / file).read_text() + "\n# changed\n")
    assert (code_hash(network, f"python:{name}", folder) != before) == counts


def test_the_code_hash_covers_installed_code(tmp_path: Path) -> None:
    name = "torch.nn:Identity"
    assert code_hash(build_module(name, tmp_path, "model.source"), f"python:{name}", tmp_path)
