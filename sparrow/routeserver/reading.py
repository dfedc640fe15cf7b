"""An answer while it arrives, line by line.

Law: a reading keeps a few words of what it was shown and never the whole, so that an answer
without an end costs no memory; it judges when the answer is complete. Start from `Reading`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from sparrow.errors import InputError
from sparrow.values.address import Prefix, parse_network, truncate

if TYPE_CHECKING:
    from sparrow.routeserver.server import Learnt

_SHOWN = 80
"""Characters of a line that are shown in a message, so that this stays a line."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server did not answer this question, and says so; it may answer the next."""

    why: str
    """Its words."""


@dataclass(frozen=True, slots=True)
class Nonsense:
    """What came is no answer to this question: nothing behind it can be trusted either."""

    why: str
    """What is wrong with it."""


Outcome: TypeAlias = "Learnt | Refusal | Nonsense"
"""What an answer comes to."""


class Reading(Protocol):
    """An answer to one question."""

    def take(self, line: str) -> None:
        """Take the next line, without its end; the echo of the question is one."""

    def finish(self) -> Outcome:
        """Say what the answer was, now that it is complete."""


def parse_covering(text: str, address: bytes) -> Prefix | None:
    """Read the prefix of an answer; None where it is none, or does not cover `address`."""
    if "/" not in text:
        return None
    try:
        network, length = parse_network(text)
    except InputError:
        return None
    prefix = Prefix(truncate(network, length), length)
    return prefix if prefix.contains(address) else None


def show(line: str) -> str:
    """Quote a line for a message: on one line, capped, odd characters escaped."""
    cut = ascii(line[:_SHOWN])
    return cut if len(line) <= _SHOWN else f"{cut[:-1]}...'"
