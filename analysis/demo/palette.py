"""Colors, seasons and light: the mood of a scene before anything is drawn in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dissectory.analysis.demo.dice import Dice

Color = tuple[float, float, float]
"""Red, green and blue, 0..255."""


class Light(NamedTuple):
    """A time of day."""

    name: str
    top: Color
    horizon: Color
    tint: Color
    """The factor by which every surface color is multiplied."""
    dark: float
    """0 by day, 1 at night: the visibility of lamps."""
    sun: Color | None


NOON = Light("noon", (72, 140, 214), (196, 224, 242), (1.0, 1.0, 1.0), 0, (255, 250, 224))
MORNING = Light("morning", (112, 164, 214), (252, 226, 192), (1.05, 0.97, 0.86), 0, (255, 240, 190))
EVENING = Light("evening", (92, 96, 168), (255, 170, 112), (1.03, 0.87, 0.76), 0.25, (255, 196, 120))
OVERCAST = Light("overcast", (136, 150, 166), (206, 212, 216), (0.86, 0.89, 0.93), 0, None)
DUSK = Light("dusk", (34, 44, 104), (214, 132, 130), (0.50, 0.47, 0.66), 0.75, None)
NIGHT = Light("night", (8, 12, 36), (38, 50, 96), (0.31, 0.37, 0.60), 1, None)


class Mood(NamedTuple):
    """Light, season and weather of a scene."""

    light: Light
    season: str
    """`spring`, `summer`, `autumn` or `winter`."""
    weather: str
    """`clear`, `cloudy`, `fog`, `rain` or `snowfall`."""
    side: int
    """Where the light comes from: -1 from the left, 1 from the right."""

    @property
    def haze(self) -> float:
        """How much the air hides of a thing at the horizon (an exponent)."""
        return {"fog": 1.15, "rain": 0.75, "snowfall": 0.8}.get(self.weather, 0.42)

    @property
    def air(self) -> Color:
        """The color that far things fade to: the horizon's color, paler than the sky there."""
        gray = sum(self.light.horizon) / 3
        return mixed(shaded(self.light.horizon, 0.96), (gray, gray, gray), 0.35)

    @property
    def winter(self) -> bool:
        """Whether snow covers the ground."""
        return self.season == "winter"

    @property
    def dark(self) -> bool:
        """Whether it is dark enough for stars."""
        return self.light.dark > EVENING.dark

    @property
    def shadows(self) -> bool:
        """Whether things cast shadows."""
        return self.light.sun is not None and self.weather in {"clear", "cloudy"}


def choose_mood(dice: Dice, seasons: Sequence[str], *, night: bool = False) -> Mood:
    """Choose light, one of `seasons`, and weather; `night` makes it dark."""
    season = dice.pick(seasons)
    weather = dice.pick((*("clear",) * 4, *("cloudy",) * 5, "fog", "rain"))
    if weather == "rain" and season == "winter":
        weather = "snowfall"
    lights = (*(NOON,) * 4, *(MORNING,) * 3, *(EVENING,) * 2, DUSK, NIGHT)
    light = dice.pick((NIGHT, NIGHT, DUSK) if night else lights)
    if weather not in {"clear", "cloudy"} and light in {NOON, MORNING}:
        light = OVERCAST
    return Mood(light, season, weather, dice.way())


def mixed(first: Color, second: Color, share: float) -> Color:
    """Mix two colors; `share` 1 is the second one."""
    red, green, blue = (one + (two - one) * share for one, two in zip(first, second, strict=True))
    return red, green, blue


def shaded(color: Color, factor: float) -> Color:
    """Make a color darker (below 1) or lighter."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def varied(dice: Dice, color: Color, amount: float = 10) -> Color:
    """Return a random color near this one."""
    shift = dice.between(-amount, amount)
    red, green, blue = (value + shift + dice.between(-amount, amount) * 0.6 for value in color)
    return red, green, blue


WHITE: Color = (242, 242, 240)
SNOW: Color = (236, 242, 250)
DARK: Color = (48, 46, 52)
IRON: Color = (84, 88, 96)
TIMBER: Color = (128, 92, 62)
BARK: Color = (98, 74, 56)
PANE: Color = (112, 146, 172)
GLOW: Color = (255, 206, 110)

GRASS = {"spring": (128, 178, 76), "summer": (104, 156, 70), "autumn": (152, 150, 78), "winter": SNOW}
LEAVES: dict[str, tuple[Color, ...]] = {
    "spring": ((126, 174, 76), (98, 156, 72), (226, 168, 184), (236, 206, 212)),
    "summer": ((62, 120, 58), (82, 138, 62), (50, 104, 62), (100, 136, 58)),
    "autumn": ((206, 122, 42), (186, 74, 44), (222, 172, 62), (128, 130, 60)),
    "winter": ((120, 110, 100), (104, 96, 92)),
}
FIRS: tuple[Color, ...] = ((38, 84, 60), (46, 96, 66), (34, 74, 66), (56, 92, 56))
WALLS: tuple[tuple[str, Color], ...] = (
    ("plaster", (240, 228, 204)),
    ("plaster", (232, 206, 160)),
    ("plaster", (214, 222, 222)),
    ("plaster", (206, 152, 128)),
    ("brick", (176, 92, 72)),
    ("brick", (158, 104, 82)),
    ("brick", (194, 126, 92)),
    ("wood", (150, 78, 58)),
    ("wood", (150, 116, 84)),
    ("wood", (90, 112, 124)),
    ("stone", (168, 164, 154)),
    ("stone", (150, 140, 126)),
)
"""Materials of walls, with their colors."""
ROOFS: tuple[tuple[str, Color], ...] = (
    ("brick", (184, 82, 58)),
    ("brick", (160, 70, 56)),
    ("brick", (200, 104, 70)),
    ("stone", (96, 102, 114)),
    ("stone", (112, 108, 108)),
    ("wood", (120, 92, 70)),
)
DOORS: tuple[Color, ...] = ((96, 66, 48), (58, 98, 104), (128, 52, 50), (62, 88, 62), (206, 180, 90))
PAINTS: tuple[Color, ...] = (
    *((196, 52, 46), (44, 84, 150), (236, 186, 60), (58, 124, 96), (232, 232, 228), (70, 74, 84)),
    *((216, 116, 48), (120, 164, 190)),
)
"""Colors of cars, boats, trains and containers."""
CLOTHES: tuple[Color, ...] = (
    *((200, 60, 56), (52, 88, 160), (236, 190, 70), (70, 140, 100), (236, 234, 226), (150, 80, 140)),
    *((60, 62, 76), (230, 128, 70)),
)
SKINS: tuple[Color, ...] = ((236, 192, 160), (198, 146, 110), (134, 92, 68), (246, 208, 180))
