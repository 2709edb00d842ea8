from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dissectory.report.frame.slugs import LONGEST, slug, unique_slugs


@given(st.text())
def test_a_slug_is_a_safe_file_name(name: str) -> None:
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*", made)
    assert ".." not in made
    assert not made.endswith(".")
    assert len(made) <= LONGEST + 1
    assert made.partition(".")[0] not in {"con", "prn", "aux", "nul"}


@given(st.lists(st.one_of(st.text(max_size=4), st.sampled_from(["a", "A", "a-2", "a-2-2", "å", "<a>"]))))
def test_no_two_names_share_a_slug(names: list[str]) -> None:
    made = unique_slugs(names)
    assert len(made) == len(names)
    assert len(set(made)) == len(made)


def test_long_names_stay_short_and_apart() -> None:
    first, second = unique_slugs(["x" * 500, "x" * 501])
    assert len(first) == LONGEST
    assert second == f"{first}-2"
