"""Something that is known of addresses: how far they are, how long it takes, which way.

Law: a layer has a value for every address of both families, if only one that says that
nothing is known. Start from `Layer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from sparrow.policy.intervals import SPECIAL, WRAPPED
from sparrow.values.address import IPV4

if TYPE_CHECKING:
    from sparrow.policy.intervals import Intervals

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Layer(Generic[T_co]):
    """A value for each stretch of addresses. Only read once made."""

    v4: Intervals
    """Codes of IPv4 addresses: indices into `values`, and flags where it `is_marked`."""
    v6: Intervals
    """The same of IPv6."""
    values: tuple[T_co, ...]
    """By code; codes that differ may have equal values."""
    is_marked: bool = False
    """Whether it was swept from routes, so that codes have the flags `SPECIAL` and `WRAPPED`;
    then it has 65,536 values at most, otherwise as many as there are."""

    def of_family(self, family: int) -> Intervals:
        """Give the codes of family 4 or 6."""
        return self.v4 if family == IPV4 else self.v6

    def find(self, family: int, address: int) -> T_co | None:
        """Give the value of an address; None for one that wraps another."""
        return self.value_of(self.of_family(family).find(address).code)

    def value_of(self, code: int) -> T_co | None:
        """Give the value that a code stands for; None for one that wraps another address."""
        if not self.is_marked:
            return self.values[code]
        return None if code & WRAPPED else self.values[code & (SPECIAL - 1)]
