"""The errors that a user can fix.

    DissectoryError              the base of all others; the command line prints it and exits with code 2
    ├── StudyError               the study file: an unknown key, a value out of range
    ├── SubjectError             the network under study: source, weights, layers
    ├── ImagesError              the image folder and its files
    ├── ConceptsError            the sources of concepts and their label maps
    └── RunError                 a run's folder: missing, incomplete, not writable

Every message says what was given, what was expected, and what to do.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class DissectoryError(Exception):
    """A mistake that the user can fix; its text is the whole message."""


class StudyError(DissectoryError):
    """The study file has a mistake."""


class SubjectError(DissectoryError):
    """The network cannot be built, loaded or dissected as the study asks."""


class ImagesError(DissectoryError):
    """The images cannot be used."""


class ConceptsError(DissectoryError):
    """A source of concepts, or one of its label maps, cannot be used."""


class RunError(DissectoryError):
    """A run's folder cannot be read or written."""


_SHOWN = 40
"""At most this many known names are listed in a message."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Return the end of a message about an unknown name: the closest known names, or all known names.

    >>> nearest("layre", ["layers", "source"])
    "did you mean 'layers'?"
    >>> nearest("zzz", ["layers", "source"])
    "known: 'layers', 'source'"
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=count, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{option}'" for option in close) + "?"
    shown = ", ".join(f"'{option}'" for option in names[:_SHOWN])
    return f"known: {shown}" + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
