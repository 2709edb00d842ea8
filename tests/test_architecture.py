"""The shape of the code: who imports whom, how long files and functions are, and what is said in one place only."""

from __future__ import annotations

import ast
import inspect
import re
import statistics
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dissectory.analysis import experiments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dissectory.analysis.experiments.experiment import Experiment

ROOT = Path(__file__).parents[1]
FOLDERS = ("analysis", "report", "src/dissectory")
COMPILED = frozenset({"analysis/tally/kernels.py"})
"""Files of compiled loops, which are quickest in one piece."""
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION, MOST_PARAMETERS, MENTIONS = 400, 50, 10, 5, 3


@cache
def sources() -> dict[str, Path]:
    """The project's modules by their names, without the folders that `src/dissectory` links to."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if relative.parts[0] == "src":
                if any(parent.is_symlink() for parent in path.parents):
                    continue
                relative = relative.relative_to("src")
            else:
                relative = Path("dissectory") / relative
            found[".".join(relative.with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def place_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    """Modules that a file imports when it runs, inside functions too; not those for types alone."""
    return frozenset(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    waiting: list[ast.AST] = [tree_of(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in sources() else node.module
        waiting.extend(ast.iter_child_nodes(node))


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: {other for other in imported(path) if other in sources()} for name, path in sources().items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert len(done) == len(sources()) > 100


def test_declarations_need_no_torch() -> None:
    heavy = {name for name, path in sources().items() if {"torch", "torchvision"} & imported(path)}
    assert "dissectory.analysis.measuring.setting" in heavy
    for experiment in experiments.EXPERIMENTS:
        declared = experiment.work.removesuffix(".work") + ".declare"
        assert not ({declared} | reached(declared)) & heavy, declared


def reached(name: str) -> set[str]:
    """All modules that a module imports, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in imported(sources()[waiting.pop()]):
            if other in sources() and other not in found:
                found.add(other)
                waiting.append(other)
    return found


def test_the_report_knows_the_contracts_of_the_analysis_alone() -> None:
    """What pages import of the analysis leads to no torch, wherever it leads."""
    heavy = {name for name, path in sources().items() if {"torch", "torchvision"} & imported(path)}
    for name in sources():
        if name.startswith("dissectory.report"):
            assert not reached(name) & heavy, name


@pytest.mark.parametrize("experiment", experiments.EXPERIMENTS, ids=lambda experiment: experiment.work.split(".")[-2])
def test_every_experiment_has_a_check_and_a_run(experiment: Experiment) -> None:
    work = experiment.load()
    assert list(inspect.signature(work.check).parameters) == ["setting", "section"]
    assert list(inspect.signature(work.run).parameters) == ["bench", "section"]


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sources().values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef):
                yield place_of(path), node


def length_of(function: ast.FunctionDef) -> int:
    assert function.end_lineno is not None
    return function.end_lineno - function.lineno + 1


def parameters_of(function: ast.FunctionDef) -> int:
    given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in given)


def is_compiled(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(decorator) in {"compiled", "part_of_kernels"} for decorator in function.decorator_list)


def test_functions_are_short() -> None:
    long = [
        (place, function.name, length_of(function))
        for place, function in functions()
        if length_of(function) > LONGEST_FUNCTION and not is_compiled(function)
    ]
    assert long == []
    assert statistics.median(length_of(function) for _, function in functions()) < MEDIAN_FUNCTION


def test_files_are_of_one_noun() -> None:
    lines = {place_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources().values()}
    assert [place for place, count in lines.items() if count > LONGEST_FILE and place not in COMPILED] == []


def test_functions_of_experiments_and_pages_take_few_parameters() -> None:
    many = [
        (place, function.name, parameters_of(function))
        for place, function in functions()
        if place.startswith(("analysis/experiments/", "report/")) and parameters_of(function) > MOST_PARAMETERS
    ]
    assert many == []


def test_class_names_are_unique() -> None:
    where = defaultdict(list)
    for path in sources().values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(place_of(path))
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


@pytest.mark.parametrize(
    ("word", "own"),
    [
        ("attack", ("analysis/experiments/attack/", "report/attacks/")),
        ("insertion", ("analysis/experiments/insertion/", "analysis/experiments/paint/", "report/edits/")),
        ("artifact", ("analysis/experiments/artifacts/", "analysis/experiments/drawers/", "report/artifacts/")),
    ],
)
def test_an_experiment_is_spoken_of_in_its_own_folders(word: str, own: tuple[str, ...]) -> None:
    spoken = {place_of(path) for path in sources().values() if word in path.read_text(encoding="utf-8").lower()}
    assert any(place.startswith(own) for place in spoken)
    assert len([place for place in spoken if not place.startswith(own)]) <= MENTIONS, sorted(spoken)


def test_spelling_is_american() -> None:
    british = re.compile(r"\b\w*(colour|neighbour|behaviour|centre[ds]?\b|grey|normalis|optimis|recognis)\w*")
    kept = {"colour"}  # the name of a layer in the trained weights
    found = {
        (place_of(path), word.group())
        for path in sources().values()
        for word in british.finditer(path.read_text(encoding="utf-8"))
        if word.group() not in kept
    }
    assert found == set()
