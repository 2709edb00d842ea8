"""The sections of a study; each has its own rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping  # noqa: TC003 - reading a study evaluates the annotations
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

CORE = ("model", "concepts", "images", "latents", "dissection", "compute")
"""The sections that do not belong to an experiment."""

HEAD = ("title", "seed")
"""The keys of a study outside of its sections."""

RESERVED = frozenset({*CORE, *HEAD, "study"})
"""Keys that no experiment can have."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the value of a key: the study is refused if it is not `met`; `wanted` says what is accepted."""

    key: str
    met: bool
    wanted: str


@dataclass(frozen=True, slots=True)
class Section:
    """The base of all sections: a frozen dataclass whose fields are the keys of a TOML table."""

    usual_dissection: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """Defaults of `[dissection]` that apply to a generator's study with this section."""

    def rules(self) -> Iterable[Rule]:
        """List the conditions on values that types cannot express, such as ranges."""
        return ()

    def _at_least(self, least: int, *keys: str) -> Iterable[Rule]:
        """Require the numbers of some keys to be `least` or more; `None` passes."""
        for key in keys:
            value = getattr(self, key)
            yield Rule(key, value is None or value >= least, f"{least} or more")
