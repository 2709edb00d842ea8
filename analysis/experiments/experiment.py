"""What an experiment is: one declaration, from which everything else is derived.

    EXPERIMENT = Experiment(
        key="texture",
        section=TextureSection,
        kind="classifier",
        tables=(TEXTURES,),
        work=f"{__package__}.work",
    )

The study's keys, the error for the wrong kind of network, the catalog of tables, the data page, the folders that a new
run clears, the names of the timings, the running order and what a control leaves out come from the declarations.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dissectory.analysis.experiments.bench import Bench
    from dissectory.analysis.measuring.setting import Setting
    from dissectory.analysis.run import Ablation
    from dissectory.analysis.study.section import Section
    from dissectory.analysis.tables.table import Table


@dataclass(frozen=True, slots=True)
class Addition:
    """What an experiment adds to the manifest of its run."""

    ablations: tuple[Ablation, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)


class Work(Protocol):
    """The module that does an experiment; it may import torch. `section` is the study's, or `None` without a class."""

    def check(self, setting: Setting, section: Any) -> None:  # noqa: ANN401 - each experiment has a section of its own
        """Find the user's mistakes before any long work begins.

        Raises:
            DissectoryError: the experiment cannot be done as asked.
        """

    def run(self, bench: Bench, section: Any) -> Addition | None:  # noqa: ANN401 - the same
        """Do the experiment, and write its tables and pictures."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One question that is put to a network.

    Attributes:
        key: of its section in a study, and of its timing in the manifest. Two experiments may share a key if they are
            for different kinds of networks.
        section: the class of its section; an experiment without one runs in every study of its kind.
        kind: the kind of network that it is for.
        tables: that it may write.
        work: name of the module that does it, which is imported when it is needed: torch takes seconds to import.
        folders: of the run that it writes to, beside `tables` and `images`.
        in_control: whether the control network gets it, too.
    """

    key: str
    section: type[Section] | None
    kind: Literal["classifier", "generator"]
    tables: tuple[Table, ...]
    work: str
    folders: tuple[str, ...] = ()
    in_control: bool = False

    def load(self) -> Work:
        """Import the module that does the experiment."""
        return cast("Work", importlib.import_module(self.work))
