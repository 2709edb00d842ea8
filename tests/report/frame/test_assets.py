"""Styles, scripts and templates: each file is in its list."""

from __future__ import annotations

import re

import pytest

from dissectory.report.frame.assets import ASSETS, bundles
from dissectory.report.frame.sources import SOURCES

TEMPLATES = SOURCES.parent / "templates"


@pytest.mark.parametrize("kind", ["css", "js"])
def test_every_style_and_script_is_in_the_list_once(kind: str) -> None:
    listed = bundles()[f"dissectory.{kind}"]
    assert sorted(listed) == sorted(path.relative_to(ASSETS).as_posix() for path in (ASSETS / kind).iterdir())


def test_there_are_two_bundles() -> None:
    assert list(bundles()) == ["dissectory.css", "dissectory.js"]


def test_the_readme_of_templates_lists_every_template() -> None:
    text = (TEMPLATES / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([^`]+\.html)` \|", text, flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
