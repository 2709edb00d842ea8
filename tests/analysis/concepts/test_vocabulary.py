from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labeling.given import Given

from dissectory.analysis.concepts.vocabulary import Concept, Vocabulary, unique_keys
from dissectory.errors import ConceptsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dissectory.analysis.concepts.vocabulary import SizeOf
    from dissectory.analysis.subjects.images import ViewBatch
    from dissectory.analysis.tables.categories import Category

    Batch = Callable[..., ViewBatch]


def concepts(source: str, *names: str, category: Category = "object") -> tuple[Concept, ...]:
    return tuple(Concept(name, category, source) for name in names)


def test_numbers_planes_and_earlier_labels(batch_of: Batch) -> None:
    rng = np.random.default_rng(0)
    first = Given("a", concepts("a", "tree", "sky"), rng.integers(0, 3, (4, 2, 5, 5), dtype=np.uint16))
    second = Given("b", concepts("b", "car"), rng.integers(0, 2, (4, 1, 5, 5), dtype=np.uint16))
    vocabulary = Vocabulary([first, second])
    labels = vocabulary.label(batch_of(np.zeros((4, 8, 8, 3))))
    assert labels.dtype == np.uint16
    assert labels.shape == (4, vocabulary.planes, 5, 5) == (4, 3, 5, 5)
    for place in np.ndindex(4, 2, 5, 5):
        assert labels[place] == first.answer[place]
    for image, _, row, column in np.ndindex(4, 1, 5, 5):
        local = second.answer[image, 0, row, column]
        assert labels[image, 2, row, column] == (2 + local if local else 0)
    assert first.seen == ()
    assert len(second.seen) == 1
    assert np.array_equal(second.seen[0], first.answer)


def test_a_name_that_only_one_source_uses_is_not_changed() -> None:
    plane = np.zeros((1, 1, 2, 2), dtype=np.uint16)
    sources = [Given("a", concepts("a", "tree", "sky"), plane), Given("b", concepts("b", "tree"), plane)]
    assert Vocabulary(sources).keys == ("tree [a]", "sky", "tree [b]")


def test_two_sources_with_the_same_name_are_numbered() -> None:
    plane = np.zeros((1, 1, 2, 2), dtype=np.uint16)
    sources = [Given("labels", concepts("labels", "tree"), plane), Given("labels", concepts("labels", "tree"), plane)]
    vocabulary = Vocabulary(sources)
    assert [concept.source for concept in vocabulary.concepts] == ["labels", "labels 2"]
    assert vocabulary.keys == ("tree [labels]", "tree [labels 2]")


def test_one_name_in_two_categories_gets_the_category_appended() -> None:
    glass = [Concept("glass", "object", "a"), Concept("glass", "material", "a")]
    assert unique_keys(glass) == ("glass [a, object]", "glass [a, material]")


def test_a_name_that_looks_like_a_longer_key_stays_unique() -> None:
    sly = [Concept("x", "object", "a"), Concept("x", "object", "b"), Concept("x [a]", "object", "c")]
    keys = unique_keys(sly)
    assert len(set(keys)) == 3
    assert keys[1] == "x [b]"


_NAMES = st.sampled_from(["x", "x [a]", "x [a, object]", "x [a] [a]", "x 2", "<script>", "🌲"])


@given(st.lists(st.tuples(_NAMES, st.sampled_from(["object", "part"]), st.sampled_from("ab")), max_size=12))
def test_keys_are_always_unique(rows: Sequence[tuple[str, Category, str]]) -> None:
    keys = unique_keys([Concept(*row) for row in rows])
    assert len(set(keys)) == len(rows)
    for (name, _, _), key in zip(rows, keys, strict=True):
        assert key.startswith(name)


def test_at_most_65535_concepts_fit(batch_of: Batch) -> None:
    plane = np.ones((1, 1, 1, 1), dtype=np.uint16)
    many = Given("a", concepts("a", *map(str, range(65_534))), plane)
    last = Given("b", concepts("b", "last"), plane)
    assert Vocabulary([many, last]).label(batch_of(np.zeros((1, 8, 8, 3)))).ravel().tolist() == [1, 65_535]
    with pytest.raises(ConceptsError, match="65536 concepts; at most 65535"):
        Vocabulary([many, last, Given("c", concepts("c", "more"), plane)])


def test_a_vocabulary_without_concepts_is_refused() -> None:
    with pytest.raises(ConceptsError, match="the concept sources have no concepts"):
        Vocabulary([])


def test_check_asks_only_the_sources_that_have_a_check() -> None:
    class Checked(Given):
        asked: Sequence[object] = ()

        def check(self, paths: Sequence[str], size_of: SizeOf) -> None:
            self.asked = [*paths, size_of(0)]

    plane = np.zeros((1, 1, 2, 2), dtype=np.uint16)
    checked = Checked("b", concepts("b", "car"), plane)
    Vocabulary([Given("a", concepts("a", "tree"), plane), checked]).check(["x.jpg"], lambda _: (3, 2))
    assert checked.asked == ["x.jpg", (3, 2)]
