from __future__ import annotations

import math

import numpy as np
import pytest

from dissectory.analysis.concepts.color_model import BLACK_GRAY, COLORS, GRAY_WHITE, LEVELS, lab, memberships, names


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def slow_memberships(lightness: float, a: float, b: float) -> dict[str, float]:
    """Compute the paper's formula for one color: TSE = S1 * S2 * ES, with both borders of each name written out."""
    low = -math.inf
    (level,) = [level for low, level in zip([low, *(x.up_to for x in LEVELS)], LEVELS, strict=False)
                if low < lightness <= level.up_to]  # fmt: skip
    x, y = a - level.center[0], b - level.center[1]
    found = {}
    for place, (name, alpha_x, beta_x) in enumerate(level.borders):
        _, next_alpha, beta_y = level.borders[(place + 1) % len(level.borders)]
        alpha_y = next_alpha - math.pi / 2
        first = sigmoid(beta_x * (-x * math.sin(alpha_x) + y * math.cos(alpha_x)))
        second = sigmoid(beta_y * (x * math.cos(alpha_y) + y * math.sin(alpha_y)))
        along = (x * math.cos(level.tilt) + y * math.sin(level.tilt)) / level.axes[0]
        across = (-x * math.sin(level.tilt) + y * math.cos(level.tilt)) / level.axes[1]
        found[name] = first * second * sigmoid(level.edge * (along**2 + across**2 - 1))
    rest = max(1 - sum(found.values()), 0)
    found["black"] = rest * sigmoid(-BLACK_GRAY[1] * (lightness - BLACK_GRAY[0]))
    found["gray"] = (
        rest
        * sigmoid(BLACK_GRAY[1] * (lightness - BLACK_GRAY[0]))
        * sigmoid(-GRAY_WHITE[1] * (lightness - GRAY_WHITE[0]))
    )
    found["white"] = rest * sigmoid(GRAY_WHITE[1] * (lightness - GRAY_WHITE[0]))
    return found


def slow_lab(rgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """Convert sRGB to CIELab, written out from IEC 61966-2-1 and CIE 15 with the usual rounded constants."""
    r, g, b = (((v / 255 + 0.055) / 1.055) ** 2.4 if v / 255 > 0.04045 else v / 255 / 12.92 for v in rgb)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        (0.2126 * r + 0.7152 * g + 0.0722 * b) / 1.0,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_lab_against_the_standards() -> None:
    colors = np.random.default_rng(1).integers(0, 256, (500, 3))
    expected = [slow_lab(tuple(color)) for color in colors.tolist()]
    assert lab(colors) == pytest.approx(np.array(expected), abs=0.06)


def test_memberships_against_the_formula() -> None:
    rng = np.random.default_rng(2)
    vivid = rng.integers(0, 256, (600, 3))
    grayish = (rng.integers(12, 244, (600, 1)) + rng.integers(-12, 13, (600, 3))).clip(0, 255)
    colors = np.concatenate([vivid, grayish])
    found = memberships(colors)
    for place, (lightness, a, b) in enumerate(lab(colors).tolist()):
        expected = slow_memberships(lightness, a, b)
        assert found[place] == pytest.approx([expected.get(name, 0.0) for name in COLORS], abs=1e-12)


def test_every_level_and_name_occurs() -> None:
    assert {name for level in LEVELS for name, _, _ in level.borders} == set(COLORS) - {"black", "gray", "white"}
    colors = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(-1, 3)
    assert set(np.unique(names(colors))) == set(range(len(COLORS)))
    tops = [level.up_to for level in LEVELS]
    assert set(np.searchsorted(tops, lab(colors)[:, 0])) == set(range(len(LEVELS)))


def test_borders_go_once_around_the_center() -> None:
    for level in LEVELS:
        angles = np.array([alpha for _, alpha, _ in level.borders])
        steps = (np.roll(angles, -1) - angles) % (2 * np.pi)
        assert steps.sum() == pytest.approx(2 * np.pi)
        assert steps.max() < np.pi  # two half planes make a sector only below a straight angle


@pytest.mark.parametrize(
    ("name", "colors"),
    {
        "black": [(0, 0, 0), (12, 12, 14), (20, 18, 18)],
        "blue": [(135, 206, 235), (20, 60, 150), (65, 105, 225), (0, 90, 160)],
        "brown": [(101, 67, 33), (139, 69, 19), (92, 64, 51)],
        "gray": [(128, 128, 128), (90, 90, 92), (160, 160, 160)],
        "green": [(0, 255, 0), (34, 139, 34), (60, 120, 40), (124, 200, 60)],
        "orange": [(255, 140, 0), (237, 120, 20)],
        "pink": [(255, 182, 193), (255, 105, 180)],
        "purple": [(128, 0, 128), (148, 0, 211), (102, 51, 153)],
        "red": [(200, 20, 30), (220, 20, 60), (178, 34, 34), (230, 0, 0)],
        "white": [(255, 255, 255), (240, 245, 245)],
        "yellow": [(255, 255, 0), (255, 225, 53), (250, 230, 60)],
    }.items(),
)
def test_obvious_colors(name: str, colors: list[tuple[int, int, int]]) -> None:
    assert [COLORS[place] for place in names(colors)] == [name] * len(colors)


def test_screen_primaries_are_the_documented_exceptions() -> None:
    assert [COLORS[place] for place in names([(255, 0, 0), (0, 0, 255)])] == ["orange", "purple"]


def test_grays_go_from_black_to_white() -> None:
    grays = names(np.arange(256)[:, None].repeat(3, axis=1))
    order = [COLORS[place] for place in dict.fromkeys(grays.tolist())]
    assert order == ["black", "gray", "white"]
    assert (np.diff([order.index(COLORS[place]) for place in grays]) >= 0).all()
