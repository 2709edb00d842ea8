"""What the pages of a site are made from: view models, one for a page or one after the other for many pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Thing = TypeVar("Thing")
Model = TypeVar("Model", bound="LinkedView")


class View(Protocol):
    """What every view model has."""

    @property
    def title(self) -> str:
        """The page's title, as plain text."""


class LinkedView(View, Protocol):
    """A view model of a kind of which there are many pages."""

    @property
    def href(self) -> str:
        """The page's file, from the root of the site."""


@dataclass(frozen=True, slots=True)
class Each(Generic[Thing, Model]):
    """The view models of many things: each is made when its page is written, and forgotten after that.

    The number of pages is known before the first one is made.
    """

    things: Sequence[Thing]
    make: Callable[[Thing], Model]

    def __len__(self) -> int:
        return len(self.things)

    def __iter__(self) -> Iterator[Model]:
        return map(self.make, self.things)

    def __contains__(self, view: object) -> bool:
        return any(view == one for one in self)
