"""The eleven basic color names as fuzzy sets over CIELab: how well each name fits a color.

The model and its parameters are those of R. Benavente, M. Vanrell and R. Baldrich, 'Parametric fuzzy sets for
automatic color naming', Journal of the Optical Society of America A 25(10):2582-2593, 2008
(doi 10.1364/JOSAA.25.002582). The authors fitted it to the names that people gave to samples of surface colors.

The model has six levels of lightness. In each, the plane of a and b is divided into sectors around a center t near
gray: one sector for every chromatic name that people use at that lightness. With (x, y) = (a, b) - t and the logistic
function S, the membership of the name between the borders i and j (angles alpha, slopes beta) is

    S(beta_i u_i) * S(-beta_j u_j) * S(beta_e (v^2 + w^2 - 1)),    u = y cos(alpha) - x sin(alpha),
    v = (x cos(phi) + y sin(phi)) / e_x,    w = (y cos(phi) - x sin(phi)) / e_y.

The first two factors are the two sides of the sector. The third factor excludes an ellipse of grayish colors. Black,
gray and white share what the chromatic names leave, according to the lightness alone.

The paper lists two borders for each name. Neighboring names share a border, so each border is stored once here. The
paper's second angle is the angle of the next border minus a right angle.

Surface colors do not reach the corners of sRGB, so the model extrapolates there: the pure screen primaries
(255, 0, 0) and (0, 0, 255) are just outside the borders of red and blue, and are named orange and purple. Cream and
sepia are named orange.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

COLORS = ("black", "blue", "brown", "gray", "green", "orange", "pink", "purple", "red", "white", "yellow")
"""The names, in the order of every array of memberships."""


@dataclass(frozen=True, slots=True)
class Level:
    """The sectors of one level of lightness."""

    up_to: float
    """The highest L of the level; the level begins where the previous one ends."""
    center: tuple[float, float]
    """The center t, in a and b."""
    axes: tuple[float, float]
    """e_x and e_y, the semi-axes of the ellipse."""
    tilt: float
    """phi, in radians."""
    edge: float
    """beta_e, the slope of the ellipse's edge."""
    borders: tuple[tuple[str, float, float], ...]
    """For each name, the border where its sector begins: name, alpha in radians, beta; in order of rising angle."""


LEVELS = (
    Level(
        31.0, (0.424200, 0.249359), (5.889395, 7.474321), 0.040507, 9.844059,
        (
            ("red", -0.039082, 0.900991), ("brown", 0.583826, 1.724992), ("green", 1.824835, 0.844028),
            ("blue", 3.919786, 1.952184), ("purple", -0.997514, 1.014254),
        ),
    ),
    Level(
        42.0, (0.229563, 0.663190), (6.457051, 7.872547), 0.307016, 6.032603,
        (
            ("red", 0.038532, 0.524363), ("brown", 0.718827, 5.0), ("green", 1.690726, 0.692405),
            ("blue", 3.673300, 0.958111), ("purple", -1.020736, 0.916608), ("pink", -0.274360, 1.100318),
        ),
    ),
    Level(
        51.0, (-0.117336, 0.518008), (5.381090, 6.982376), 0.341771, 6.812181,
        (
            ("red", 0.236880, 0.999376), ("orange", 0.775875, 0.565279), ("brown", 1.068782, 0.517227),
            ("green", 1.686941, 0.844786), ("blue", 3.479774, 0.599761), ("purple", -1.016455, 0.800824),
            ("pink", -0.395034, 0.623673),
        ),
    ),
    Level(
        66.0, (-0.443169, 1.075919), (6.063659, 7.502047), 0.428449, 7.318583,
        (
            ("red", 0.462879, 0.939107), ("orange", 0.575756, 0.754843), ("yellow", 1.398304, 0.478354),
            ("green", 1.669815, 0.728742), ("blue", 3.461276, 0.643833), ("purple", -1.025811, 0.755214),
            ("pink", -0.592058, 5.0),
        ),
    ),
    Level(
        76.0, (-0.565458, 1.163275), (5.368208, 6.900481), 0.432024, 100.0,
        (
            ("orange", 0.449438, 1.995119), ("yellow", 1.294242, 0.839910), ("green", 1.784965, 0.856004),
            ("blue", 3.291106, 0.736645), ("purple", -1.061690, 0.474809), ("pink", -0.568069, 1.735583),
        ),
    ),
    Level(
        np.inf, (-1.256430, 1.814381), (6.039900, 7.393186), -0.020820, 100.0,
        (
            ("orange", 0.449317, 1.028014), ("yellow", 1.264375, 0.790984), ("green", 1.854258, 0.957415),
            ("blue", 3.316924, 0.900010), ("purple", -1.037293, 0.598985), ("pink", -0.564896, 1.931314),
        ),
    ),
)  # fmt: skip
"""The paper's table of parameters, from dark to light."""

BLACK_GRAY = (28.282522, 0.714234)
"""The lightness between black and gray, and the slope there."""
GRAY_WHITE = (79.649301, 0.306741)
"""The lightness between gray and white, and the slope there."""

_XYZ_OF_RGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _XYZ_OF_RGB.sum(axis=1)  # D65 as given by this matrix, so that r = g = b is exactly gray


def lab(rgb: npt.ArrayLike) -> Floats:
    """Convert sRGB `(..., 3)`, 0..255, to CIELab under D65 `(..., 3)`: L 0..100, a, b."""
    encoded = np.asarray(rgb, dtype=np.float64) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - sRGB's own
    xyz = linear @ _XYZ_OF_RGB.T / _WHITE
    root = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def memberships(rgb: npt.ArrayLike) -> Floats:
    """Return the membership of colors in each name.

    Args:
        rgb: sRGB `(..., 3)`, 0..255.

    Returns:
        `(..., 11)` in the order of `COLORS`, each 0..1; they sum to about 1.
    """
    lightness, a, b = np.moveaxis(lab(rgb), -1, 0)
    fuzzy = np.zeros((*lightness.shape, len(COLORS)))
    tops = [level.up_to for level in LEVELS]
    which = np.searchsorted(tops, lightness)
    for number, level in enumerate(LEVELS):
        here = which == number
        fuzzy[here] = _chromatic(a[here], b[here], level)
    _share_rest(fuzzy, lightness)
    return fuzzy


def names(rgb: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return the index in `COLORS` of the name with the highest membership, for colors `(..., 3)`; shape `(...)`.

    >>> [COLORS[place] for place in names([[200, 20, 30], [255, 225, 53], [135, 206, 235], [101, 67, 33]])]
    ['red', 'yellow', 'blue', 'brown']
    """
    best: npt.NDArray[np.intp] = memberships(rgb).argmax(axis=-1)
    return best


def _chromatic(a: Floats, b: Floats, level: Level) -> Floats:
    """Return the memberships `(n, 11)` of `(n,)` colors of one level in its chromatic names."""
    fuzzy = np.zeros((len(a), len(COLORS)))
    x, y = a - level.center[0], b - level.center[1]
    along = (x * np.cos(level.tilt) + y * np.sin(level.tilt)) / level.axes[0]
    across = (y * np.cos(level.tilt) - x * np.sin(level.tilt)) / level.axes[1]
    vivid = expit(level.edge * (along**2 + across**2 - 1))
    sides = [beta * (y * np.cos(alpha) - x * np.sin(alpha)) for _, alpha, beta in level.borders]
    for (name, _, _), (begin, end) in zip(level.borders, pairwise([*sides, sides[0]]), strict=True):
        fuzzy[:, COLORS.index(name)] = expit(begin) * expit(-end) * vivid
    return fuzzy


def _share_rest(fuzzy: Floats, lightness: Floats) -> None:
    """Divide what the chromatic names leave between black, gray and white."""
    rest = np.maximum(1 - fuzzy.sum(axis=-1), 0)
    above_black = BLACK_GRAY[1] * (lightness - BLACK_GRAY[0])
    above_gray = GRAY_WHITE[1] * (lightness - GRAY_WHITE[0])
    fuzzy[..., COLORS.index("black")] = rest * expit(-above_black)
    fuzzy[..., COLORS.index("gray")] = rest * expit(above_black) * expit(-above_gray)
    fuzzy[..., COLORS.index("white")] = rest * expit(above_gray)
