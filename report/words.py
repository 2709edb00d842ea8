"""Numbers and findings in words, the same on every page."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"

_MASS = frozenset(
    {"sky", "water", "sea", "grass", "sand", "earth", "ground", "land", "snow", "ice", "fog", "smoke", "food",
     "apparel", "clothing", "hair", "skin", "glass", "wood", "brick", "fabric", "metal", "paper", "plastic", "stone",
     "traffic", "vegetation", "foliage", "fur", "furniture", "stairs", "scissors", "pants", "glasses", "signage"}
)  # fmt: skip
"""Nouns that have no plural, or are plural already."""

_IRREGULAR = {"person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "foot": "feet",
              "shelf": "shelves", "bookshelf": "bookshelves", "leaf": "leaves", "knife": "knives", "sheep": "sheep",
              "aircraft": "aircraft"}  # fmt: skip


def plural(name: str) -> str:
    """Return the plural of a plain English noun; any other name stays as it is.

    >>> plural("car"), plural("ski resort"), plural("sky"), plural("bus"), plural("person"), plural("Column_Pole")
    ('cars', 'ski resorts', 'sky', 'buses', 'people', 'Column_Pole')
    """
    if not re.fullmatch(r"[A-Za-z][a-z]*( [a-z]+)*", name) or " of " in name:
        return name
    head, _, last = name.rpartition(" ")
    return f"{head} {_plural_word(last)}".strip()


def _plural_word(word: str) -> str:
    lower = word.lower()
    if lower in _MASS:
        return word
    if lower in _IRREGULAR:
        return word[0] + _IRREGULAR[lower][1:]
    if re.search(r"(s|x|z|ch|sh)$", lower):
        return f"{word}es"
    if re.search(r"[^aeiou]y$", lower):
        return f"{word[:-1]}ies"
    return f"{word}s"


def sentence_case(text: str) -> str:
    """Make the first letter upper case.

    >>> sentence_case("ski resorts")
    'Ski resorts'
    """
    return text[:1].upper() + text[1:]


def shown_as(name: str, category: str) -> str:
    """Return a concept's name as an answer.

    >>> shown_as("car", "object"), shown_as("red", "color"), shown_as("wood", "material")
    ('Cars', 'The color red', 'Wood')
    """
    if category == "color":
        return f"The color {name}"
    return sentence_case(plural(name) if category == "object" else name)


def beginning(name: str, most: int = 18) -> str:
    """Shorten a concept's name to its beginning.

    >>> beginning("swimming pool"), beginning("screen door, screen")
    ('swimming pool', 'screen door, scre…')
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


def ending(name: str, most: int = 18) -> str:
    """Shorten a layer's name to its end.

    >>> ending("layer4"), ending("features.denseblock4.conv2")
    ('layer4', '…denseblock4.conv2')
    """
    return name if len(name) <= most else f"…{name[1 - most :]}"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number of things in words.

    >>> count(1, "unit"), count(2624, "unit"), count(0, "class", "classes")
    ('1 unit', '2,624 units', '0 classes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ratio(value: float) -> str:
    """Return an IoU or another share with three decimals; a small one is not shown as 0.

    >>> ratio(0.1634), ratio(0.0002), ratio(0.0)
    ('0.163', '< 0.001', '0')
    """
    if value == 0:
        return "0"
    return f"{value:.3f}" if value >= 0.0005 else "< 0.001"  # noqa: PLR2004 - half of the last decimal


def q_value(value: float) -> str:
    """Return a q-value with its sign.

    >>> q_value(0.0004), q_value(0.034)
    ('q < 0.001', 'q = 0.034')
    """
    return "q < 0.001" if value < 0.001 else f"q = {value:.3f}"  # noqa: PLR2004 - the last decimal shown


def expected_false(q_value: float) -> str:
    """Say how many of the labels with a q-value as low are expected to be false.

    >>> expected_false(0.0002), expected_false(0.0034), expected_false(0.3)
    ('fewer than 1 in 1,000', 'about 3 in 1,000', 'about 30 in 100')
    """
    if q_value < 0.001:  # noqa: PLR2004 - the last decimal that `q_value` shows
        return "fewer than 1 in 1,000"
    if q_value < 0.0095:  # noqa: PLR2004 - rounds to less than 1 in 100
        return f"about {q_value * 1000:.0f} in 1,000"
    return f"about {q_value * 100:.0f} in 100"


def number(value: float) -> str:
    """Return a measured number with four figures.

    >>> number(23.4567), number(1234567.0), number(0.00012), number(float("nan"))
    ('23.46', '1,235,000', '0.00012', 'not measured')
    """
    if not math.isfinite(value):
        return "not measured"
    if value == 0 or 1e-4 <= abs(value) < 9999.5:  # noqa: PLR2004 - where four figures need neither exponent nor comma
        return f"{value:.4g}".replace("-", MINUS)
    digits = 3 - math.floor(math.log10(abs(value)))
    text = f"{round(value, digits):,.{min(max(0, digits), 12)}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)


def percent(value: float) -> str:
    """Return a share as a percentage.

    >>> percent(0.0099), percent(0.5), percent(1.0)
    ('1 %', '50 %', '100 %')
    """
    return f"{value * 100:.1f}".removesuffix(".0") + " %"


def share(value: float) -> str:
    """Return a share as a percentage with one decimal, for a column.

    >>> share(0.0099), share(0.5)
    ('1.0 %', '50.0 %')
    """
    return f"{value * 100:.1f} %"


def signed_percent(value: float, decimals: int = 0) -> str:
    """Return a change as a signed percentage.

    >>> signed_percent(-0.533), signed_percent(0.0), signed_percent(0.1), signed_percent(-0.0123, decimals=1)
    ('-53 %', '0 %', '+10 %', '-1.2 %')
    """
    if not math.isfinite(value):
        return "an unknown share"
    rounded = round(value * 100, decimals)
    return f"{rounded:+.{decimals}f} %" if rounded else "0 %"


def signed_interval(low: float, high: float, decimals: int = 0) -> str:
    """Return the interval of a change; empty if it was not measured.

    >>> signed_interval(-0.6, 0.1), signed_interval(math.nan, math.nan)
    ('-60 % to +10 %', '')
    """
    if not math.isfinite(low):
        return ""
    return f"{signed_percent(low, decimals)} to {signed_percent(high, decimals)}"


def size(count_of_bytes: int) -> str:
    """Return a number of bytes in words.

    >>> size(312), size(20_480), size(5_400_000)
    ('312 B', '20 kB', '5.4 MB')
    """
    if count_of_bytes < 1000:  # noqa: PLR2004 - SI units
        return f"{count_of_bytes} B"
    for unit, scale in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count_of_bytes < scale * 1000 or unit == "GB":
            value = count_of_bytes / scale
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"  # noqa: PLR2004 - two figures
    raise AssertionError  # the last unit fits every size


def duration(seconds: float) -> str:
    """Return a wall time in words.

    >>> duration(0.42), duration(75), duration(7260)
    ('0.4 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def day(stamp: str) -> str:
    """Return the day of an ISO time; any other text stays as it is.

    >>> day("2026-01-31T12:00:00+00:00"), day("yesterday")
    ('31 January 2026', 'yesterday')
    """
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{moment.day} {moment:%B %Y}"


def listed(items: Sequence[str]) -> str:
    """Return a list in words.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(items[:-1]), *items[-1:])))
