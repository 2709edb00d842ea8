"""Values for the scripts of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2.utils import htmlsafe_json_dumps

if TYPE_CHECKING:
    from markupsafe import Markup


def embed(values: Any) -> Markup:  # noqa: ANN401 - anything that JSON can hold
    """Return JSON that is safe inside a script element: no text in it can end the element."""
    return htmlsafe_json_dumps(values, ensure_ascii=False, separators=(",", ":"))
