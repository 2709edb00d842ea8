"""Categories of concepts, and the q-value up to which a label is more than chance."""

from __future__ import annotations

from typing import Literal

Category = Literal["object", "part", "material", "texture", "color"]

CATEGORIES: tuple[Category, ...] = ("object", "part", "material", "texture", "color")
"""The categories of concepts, in the order of every page and chart."""

SIGNIFICANT = 0.05
"""A label with at most this q-value is more than chance; at most this share of such labels are false discoveries."""
