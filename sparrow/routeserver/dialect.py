"""What differs between the dialogues of route servers.

Law: a dialect is a value; what happens when is `dialogue`'s alone. Start from `Dialect`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sparrow.routeserver.reading import Reading

PAGING_OFF = "terminal length 0"
"""Has output run through; who does not know it says so, and pages are turned all the same."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of route server is spoken to."""

    port: int
    """TCP port where it listens by default."""
    questions: Mapping[int, str]
    """The question by family of the address, `{}` in its place; families without are not known."""
    begin: Callable[[bytes], Reading]
    """Begins to read the answer to the question for a packed address."""
    preparation: tuple[str, ...] = ()
    """Lines to say once before the first question; what is answered to them does not matter."""
    is_open: bool = False
    """Whether any password will do, so that none need be known."""
