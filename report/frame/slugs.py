"""File names of pages: safe and unique, though names of layers and concepts are untrusted text."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 60
"""The most characters of a slug before its number: paths stay short enough for every file system."""

_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def slug(name: str) -> str:
    """Turn a name into lower-case letters, digits, dots and hyphens; never empty, never a reserved file name.

    >>> slug("layer3.1.conv2"), slug("Ski resort <b>"), slug("../../etc"), slug("con"), slug("🦊")
    ('layer3.1.conv2', 'ski-resort-b', 'etc', 'con-', 'x')
    """
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    safe = re.sub(r"\.{2,}", ".", re.sub(r"[^a-z0-9.]+", "-", ascii_only))
    safe = re.sub(r"[.-]*-[.-]*", "-", safe)[:LONGEST].strip("-.") or "x"
    return f"{safe}-" if _RESERVED.fullmatch(safe) else safe


def unique_slugs(names: Iterable[str]) -> list[str]:
    """Return a slug of its own for every name; a later name gets a number if its slug is taken.

    >>> unique_slugs(["Car", "car", "bus", "car-2"])
    ['car', 'car-2', 'bus', 'car-2-2']
    """
    taken: set[str] = set()
    found = []
    for name in names:
        base = candidate = slug(name)
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{base}-{number}"
        taken.add(candidate)
        found.append(candidate)
    return found
