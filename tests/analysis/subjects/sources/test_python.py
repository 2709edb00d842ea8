"""A function in the user's code builds the network; its errors are passed on."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from torch import nn

from dissectory.analysis.subjects.preprocessing import Preprocessing
from dissectory.analysis.subjects.sources import Network
from dissectory.analysis.subjects.sources.python import python_model
from dissectory.errors import SubjectError

BUILD = """
    from torch import nn

    def build():
        return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))

    class Net(nn.Conv2d):
        def __init__(self):
            super().__init__(3, 1, 1)

    SIZE = 3
"""


def file(folder: Path, text: str, name: str = "net.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def build(name: str, base: Path) -> nn.Module:
    return python_model(name, pretrained=True, base=base).module


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("build", r"it must be 'python:FILE.py:FUNCTION' or 'python:package.module:FUNCTION'"),
        ("net.py", r"it must be 'python:FILE.py:FUNCTION'"),
        ("net.py:", r"it must be 'python:FILE.py:FUNCTION'"),
        ("none.py:build", r"none.py, which does not exist"),
        ("no_such_module:build", r"module 'no_such_module', which is not installed"),
        ("torch.no_such:build", r"module 'torch.no_such', which is not installed"),
        ("net.py:biuld", r"names biuld in .*net.py, which does not exist; did you mean 'build'"),
        ("net.py:SIZE", r"names SIZE in .*net.py, which is not a function"),
    ],
)
def test_a_wrong_file_or_function_is_refused(tmp_path: Path, name: str, told: str) -> None:
    file(tmp_path, BUILD)
    with pytest.raises(SubjectError, match=told):
        build(name, tmp_path)


def test_a_function_in_a_file_builds_the_network(tmp_path: Path) -> None:
    file(tmp_path, BUILD)
    network = python_model("net.py:build", pretrained=True, base=tmp_path)
    assert isinstance(network.module, nn.Sequential)
    assert network == Network(network.module, Preprocessing(), classes=(), weights=None)


def test_a_class_without_arguments_is_accepted(tmp_path: Path) -> None:
    file(tmp_path, BUILD)
    assert parameters(build("net.py:Net", tmp_path)) == 4


def test_a_file_may_import_its_neighbors_and_have_dataclasses(tmp_path: Path) -> None:
    file(tmp_path, "WIDTH = 5", "nets/neighbor_of_net.py")
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from torch import nn

        @dataclass
        class Width:
            value: int

        def build():
            import neighbor_of_net
            return nn.Conv2d(3, Width(neighbor_of_net.WIDTH).value, 1)
    """
    file(tmp_path, text, "nets/net.py")
    before = list(sys.path)
    assert parameters(build("nets/net.py:build", tmp_path)) == 20
    assert parameters(build(f"{tmp_path}/nets/net.py:build", Path())) == 20
    assert sys.path == before
    sys.modules.pop("neighbor_of_net")


def test_a_package_beside_the_study_builds_the_network(tmp_path: Path) -> None:
    file(tmp_path, "", "package_beside/__init__.py")
    file(tmp_path, BUILD, "package_beside/nets.py")
    assert parameters(build("package_beside.nets:build", tmp_path)) == 12
    for name in ("package_beside.nets", "package_beside"):
        sys.modules.pop(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def build(:", r"net.py cannot be imported: SyntaxError"),
        ("\n1 / 0", r"net.py cannot be imported: ZeroDivisionError: division by zero \(line 2\)"),
        ("import no_such_package", r"net.py cannot be imported: ModuleNotFoundError: .*no_such_package"),
        (
            "def build():\n    raise ValueError('no such width')",
            r"build\(\) in .*net.py failed: ValueError: no such width \(line 2\)",
        ),
        ("def build(width):\n    pass", r"build\(\) in .*net.py failed: TypeError: .*width"),
        ("def build():\n    return 3", r"returned int, not a torch.nn.Module"),
        (
            "import torch\ndef build():\n    return torch.nn.ReLU",
            r"returned type, not a torch.nn.Module; name a function that builds it",
        ),
    ],
)
def test_the_user_s_own_errors_are_passed_on(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "net.py").write_text(text)
    with pytest.raises(SubjectError, match=told):
        build("net.py:build", tmp_path)


def test_a_missing_import_of_a_module_is_named(tmp_path: Path) -> None:
    file(tmp_path, "import no_such_package", "module_that_misses.py")
    with pytest.raises(SubjectError, match=r"module_that_misses cannot be imported: .*'no_such_package'"):
        build("module_that_misses:build", tmp_path)
