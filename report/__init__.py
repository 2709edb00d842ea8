"""Render: a run (tables, pictures, manifest) becomes a static site. Nothing here needs torch."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class _Callable(ModuleType):
    """This package, which can also be called: `dissectory.report(run)` is the old name of `dissectory.build_site`."""

    def __call__(self, *arguments: Any, **named: Any) -> Path:  # noqa: ANN401 - those of `build_site`
        from dissectory.report.build import build_site  # noqa: PLC0415 - it imports all pages

        return build_site(*arguments, **named)


sys.modules[__name__].__class__ = _Callable
