"""Draw one scene from a seed: its picture and its label maps.

scene = draw_scene(7, "harbour")
scene.picture   # (96, 96, 3), 0..255
scene.objects   # (96, 96), places in `vocabulary.OBJECTS`, counted from 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dissectory.analysis.demo.canvas import Canvas
from dissectory.analysis.demo.dice import Dice
from dissectory.analysis.demo.palette import choose_mood
from dissectory.analysis.demo.scenes import coast, country, town
from dissectory.analysis.demo.shading import labels, picture
from dissectory.analysis.demo.vocabulary import SCENES
from dissectory.errors import DissectoryError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

SIZE = 96
"""Default width and height of a scene, in pixels."""

_LEAST = 16
_COMPOSERS: dict[str, tuple[Callable[[Canvas], None], tuple[str, ...]]] = {
    "beach": (coast.beach, coast.WARM),
    "city-street": (town.city_street, coast.ALL_YEAR),
    "desert": (country.desert, ("summer",)),
    "farm": (country.farm, coast.ALL_YEAR),
    "forest": (country.forest, coast.ALL_YEAR),
    "harbour": (coast.harbour, coast.ALL_YEAR),
    "night-town": (town.night_town, coast.ALL_YEAR),
    "railway": (town.railway, coast.ALL_YEAR),
    "ski-slope": (country.ski_slope, ("winter",)),
    "village": (country.village, ("spring", "summer", "autumn", "winter", "winter")),
}
"""The function that composes each scene, and the scene's seasons."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with its label maps; labels count from 1, and 0 is no label."""

    picture: npt.NDArray[np.uint8]
    """Colors `(size, size, 3)`."""
    objects: npt.NDArray[np.uint8]
    """The object at every pixel `(size, size)`, never 0."""
    parts: npt.NDArray[np.uint8]
    """The part of the object at every pixel `(size, size)`."""
    materials: npt.NDArray[np.uint8]
    """The material at every pixel `(size, size)`."""
    scene: str
    """One of `vocabulary.SCENES`."""


def draw_scene(seed: int, scene: str | None = None, size: int = SIZE, textures: int = 0) -> Scene:
    """Draw a scene; the same arguments give the same bytes.

    Args:
        seed: at least 0; each seed gives another scene.
        scene: one of `vocabulary.SCENES`, or None to let the seed choose.
        size: width and height in pixels, 16 or more; the composition is the same at every size.
        textures: 0 for the usual textures; any other number gives every material another texture and mixes its
            colors, but does not change shapes and labels.

    Raises:
        DissectoryError: the scene is unknown, a number is negative, or the size is too small.
    """
    _check(seed, scene, size, textures)
    dice = Dice(seed)
    chosen = dice.pick(SCENES)
    chosen = chosen if scene is None else scene
    compose, seasons = _COMPOSERS[chosen]
    canvas = Canvas(size, dice, choose_mood(dice, seasons, night=chosen == "night-town"))
    compose(canvas)
    seen = picture(canvas, textures)
    return Scene(seen, *labels(canvas), chosen)


def _check(seed: int, scene: str | None, size: int, textures: int) -> None:
    if scene is not None and scene not in SCENES:
        raise DissectoryError(f"there is no scene '{scene}'; {nearest(scene, SCENES)}")
    for name, value, least in (("seed", seed, 0), ("size", size, _LEAST), ("textures", textures, 0)):
        if value < least:
            raise DissectoryError(f"a scene's {name} is {value}; it must be {least} or more")
