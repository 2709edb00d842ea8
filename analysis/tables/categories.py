"""Categories of concepts, and the q-value up to which a label is more than chance."""

from __future__ import annotations

from typing import Literal

Category = Literal["object", "part", "material", "texture", "color"]

CATEGORIES: tuple[Category, ...] = ("object", "part", "material", "texture", "color")
"""What a concept can be, in the order in which every page and chart names them."""

SIGNIFICANT = 0.05
"""The q-value up to which a label counts as more than chance: this share of such labels may be false discoveries."""
