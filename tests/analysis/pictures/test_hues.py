"""Colors of concepts: similar to the wish, distinct from each other and from the background."""

from __future__ import annotations

import numpy as np
import pytest

from dissectory.analysis.concepts.color_model import COLORS, lab, names
from dissectory.analysis.pictures.hues import APART, OWN, distinct_colors

BACKGROUNDS = ((251, 249, 244), (19, 19, 17))


def seen(color: str) -> np.ndarray:
    return lab(list(bytes.fromhex(color[1:])))


def distances(colors: list[str]) -> np.ndarray:
    places = np.array([seen(color) for color in colors])
    apart = np.asarray(np.linalg.norm(places[:, None] - places[None], axis=2))
    np.fill_diagonal(apart, np.inf)
    return apart


@pytest.mark.parametrize(
    ("wish", "name"),
    [((70, 120, 200), "blue"), ((60, 130, 60), "green"), ((190, 60, 50), "red")],
)
def test_a_color_resembles_the_wish(wish: tuple[int, int, int], name: str) -> None:
    (color,) = distinct_colors([wish])
    assert COLORS[int(names(list(bytes.fromhex(color[1:]))))] == name


def test_equal_wishes_get_distinct_colors() -> None:
    colors = distinct_colors([(120, 120, 120)] * 80)
    assert distances(colors[:12]).min() >= APART * 0.8
    assert distances(colors[:80]).min() > 10


def test_colors_differ_from_the_background() -> None:
    for background in BACKGROUNDS:
        colors = distinct_colors([background] * 60)
        assert min(np.linalg.norm(seen(color) - lab(background)) for color in colors) > 18


def test_a_color_does_not_depend_on_later_wishes() -> None:
    wishes = np.random.default_rng(1).integers(0, 256, (30, 3)).tolist()
    assert distinct_colors(wishes)[:20] == distinct_colors(wishes[:20])


def test_there_are_colors_for_any_number_of_concepts() -> None:
    assert len(set(distinct_colors([(0, 0, 0)] * 500))) == 500


def test_basic_colors_are_named_as_themselves() -> None:
    assert [COLORS[int(names(list(bytes.fromhex(OWN[name][1:]))))] for name in COLORS] == list(COLORS)
