"""Colours of concepts: stable, apart from each other, and from the paper."""

from __future__ import annotations

import numpy as np

from dissectory.analysis.concepts.color_model import lab
from dissectory.analysis.concepts.vocabulary import Concept
from dissectory.analysis.pictures.hues import OWN, concept_colors, palette

PAPERS = ((251, 249, 244), (19, 19, 17))


def seen(color: str) -> np.ndarray:
    return lab(list(bytes.fromhex(color[1:])))


def test_the_first_colors_differ_most_and_all_differ() -> None:
    places = np.array([seen(color) for color in palette()])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert apart[:12, :12].min() > 25
    assert apart[:80, :80].min() > 10
    assert apart.min() > 0


def test_colors_keep_away_from_paper() -> None:
    for paper in PAPERS:
        assert min(np.linalg.norm(seen(color) - lab(paper)) for color in palette()) > 20


def test_a_concept_keeps_its_color_whatever_comes_after_it() -> None:
    some = [Concept(name, "object", "s") for name in ("sky", "tree", "road")]
    other = [Concept("roof", "part", "s"), *some, Concept("red", "color", "color"), Concept("car", "object", "s")]
    assert concept_colors(other)[1:4] == concept_colors(some)
    assert concept_colors(other)[0] == palette()[0]
    assert concept_colors(other)[4] == OWN["red"]


def test_there_are_colors_for_any_number_of_concepts() -> None:
    many = concept_colors([Concept(str(number), "object", "s") for number in range(1000)])
    assert len(set(many)) == len(palette())
