"""Something that each route of a table has, found once while tables follow each other.

Law: the codes are those that a fresh start would give. Start from `RouteCodes`.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from sparrow.rib.route import Route

T = TypeVar("T", bound="Hashable")


class RouteCodes(Generic[T]):
    """Codes for the values of routes, for one table after the other. For one thread.

    A table that follows another mostly has its routes, and some more behind them: only those
    are looked at then, which is a few out of 100,000.
    """

    def __init__(self, value_of: Callable[[Route], T], *first: T) -> None:
        """Ask `value_of` about each route; `first` are the values of the first codes."""
        self._value_of = value_of
        self._first = first
        self._begin()

    def _begin(self) -> None:
        self._routes: tuple[Route, ...] = ()
        self._codes = array("I")
        self._numbers = {value: number for number, value in enumerate(self._first)}

    @property
    def values(self) -> tuple[T, ...]:
        """Give the value that each code of the last table stands for."""
        return tuple(self._numbers)

    def find(self, routes: tuple[Route, ...]) -> array[int]:
        """Give the code of each route of a table, `array("I")`, which is not to be written to."""
        if routes is self._routes:
            return self._codes
        # The comparison of equal objects is quick, and the first other one ends it.
        if routes[: len(self._routes)] != self._routes:
            self._begin()
        numbers, values = self._numbers, map(self._value_of, routes[len(self._routes) :])
        more = array("I", [numbers.setdefault(each, len(numbers)) for each in values])
        self._codes = self._codes + more  # a new array: the one before was given away
        self._routes = routes
        return self._codes
